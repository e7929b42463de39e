"""What a running worker serves about itself: metrics and health."""

import json
import re

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from support import wait_until
from support.http import Http

# With what follows the port: a line that is being written may end in the midst of it.
SERVED = re.compile(r"metrics and health are served[^\n]*?(http://[^\s\"]+:\d+)(?=\D)")
OPENMETRICS = "application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4;q=0.5"


class Admin(Http):
    """Of a worker that was started with `--admin 0`, or with a port of its own."""

    def __init__(self, running):
        self.running = running
        served = wait_until(lambda: SERVED.search(running.log()) or not running.is_running, "it says where it serves")
        assert served is not True, f"the worker ended\n{running.log()}"
        self.endpoint = served[1]
        super().__init__(self.endpoint)

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def readiness(self):
        """The status of /health/ready, and what it says."""
        answer = self.get("/health/ready")
        return answer.status, json.loads(answer.body)

    def metrics(self, openmetrics=False):
        """The samples by name and labels; the text is parsed as strictly as the Python client's parser does."""
        text = self.exposition(openmetrics)
        families = list((parse_openmetrics if openmetrics else parse_prometheus)(text))
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def exposition(self, openmetrics=False):
        answer = self.get("/metrics", **({"Accept": OPENMETRICS} if openmetrics else {}))
        assert answer.status == 200
        return answer.body.decode()

    def value(self, name, **labels):
        """The sum of a metric's samples that have these labels; None where there is none."""
        found = [
            value
            for (sample, sample_labels), value in self.metrics().items()
            if sample == name and labels.items() <= dict(sample_labels).items()
        ]
        return sum(found) if found else None
