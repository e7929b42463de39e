"""A worker whose handlers do what their events say."""

import pytest

from support.trials import Trials


@pytest.fixture
def trials(binary, tmp_path, queue):
    worker = Trials(binary, tmp_path, queue.url)
    yield worker
    worker.close()
