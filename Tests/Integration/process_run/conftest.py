import pytest

from support.programs import Programs, has_node


@pytest.fixture
def programs(binary, tmp_path, queue):
    worker = Programs(binary, tmp_path, queue.url)
    yield worker
    worker.close()


@pytest.fixture(params=["python", "node"])
def program(request):
    if request.param == "node" and not has_node():
        pytest.skip("there is no Node.js 18 or later here: `apt-get install nodejs`, or https://nodejs.org")
    return request.param
