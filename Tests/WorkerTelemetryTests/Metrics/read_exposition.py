"""Reads an exposition from standard input as Prometheus's own Python client does, and writes its samples as JSON."""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

text = sys.stdin.buffer.read().decode()
reader = openmetrics_parser if sys.argv[1] == "openmetrics" else parser
samples = [
    {"name": sample.name, "labels": sample.labels, "value": repr(float(sample.value))}
    for family in reader.text_string_to_metric_families(text)
    for sample in family.samples
]
json.dump(samples, sys.stdout)
