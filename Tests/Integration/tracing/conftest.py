import pytest

from support.otlp import Receiver


@pytest.fixture
def receiver(worker):
    """Where the worker sends its traces."""
    receiver = Receiver()
    worker.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_SERVICE_NAME": "prize-worker"}
    yield receiver
    receiver.close()
