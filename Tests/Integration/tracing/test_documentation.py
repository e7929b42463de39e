"""docs/observability.md lists the variables that the worker reads: all of them, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VARIABLE = re.compile(r"\bOTEL_[A-Z_]+[A-Z]\b")


def test_every_variable_is_documented():
    sources = (ROOT / "Sources/WorkerTelemetry/Configuration").glob("*.swift")
    read = {name for source in sources for name in VARIABLE.findall(source.read_text())}
    # The forms for traces alone are documented as one.
    read -= {name for name in read if "_TRACES_" in name and name.replace("_TRACES", "", 1) in read}
    documented = set(VARIABLE.findall((ROOT / "docs/observability.md").read_text()))
    documented.discard("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    assert documented == read
