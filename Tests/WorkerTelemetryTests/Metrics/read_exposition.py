"""Reads an exposition as Prometheus's own Python client does, and writes its samples as JSON: format, file, file."""

import json
import sys
from pathlib import Path

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

form, exposition, result = sys.argv[1:]
text = Path(exposition).read_bytes().decode()
reader = openmetrics_parser if form == "openmetrics" else parser
samples = [
    {"name": sample.name, "labels": sample.labels, "value": repr(float(sample.value))}
    for family in reader.text_string_to_metric_families(text)
    for sample in family.samples
]
Path(result).write_text(json.dumps(samples))
