"""Files and folders that another user of the machine owns or can replace: what is kept there, that user can read and forge."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.events import UNLINKED

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
OTHER, USER = 54321, 65534


@pytest.fixture
def shared():
    """A folder such as /tmp."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o1777)
        yield Path(folder)


def own(path, user, mode=None):
    os.chown(path, user, user, follow_symlinks=False)
    if mode is not None:
        path.chmod(mode)
    return path


def local_queue(binary, data, user=0):
    """Its exit code and what it says; it is ended where it starts."""
    command = ["timeout", "-s", "KILL", "120", binary, "local-queue", "--port", "0", "--data", str(data)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    said = ""
    with subprocess.Popen(
        command, user=user, group=user, env={"PATH": os.environ["PATH"]}, cwd="/", stdin=subprocess.DEVNULL, **pipes
    ) as process:
        for line in process.stdout:
            said += line
            if "listens on" in line:
                process.terminate()
    return process.returncode, said


class TestTheLocalQueuesFolder:
    @pytest.mark.parametrize("user", [0, USER], ids=["root", "another"])
    def test_one_that_another_user_made_in_a_shared_folder(self, user, binary, shared):
        data = shared / "data"
        data.mkdir()
        own(data, OTHER, 0o777)
        code, said = local_queue(binary, data, user)
        assert code == 1
        assert f"{data} belongs to the user with the number {OTHER}" in said and "--data" in said
        assert list(data.iterdir()) == []

    @pytest.mark.parametrize("user", [0, USER], ids=["root", "another"])
    def test_a_link_that_another_user_put_into_a_shared_folder(self, user, binary, shared):
        mine = shared / "mine"
        mine.mkdir()
        own(mine, user, 0o700)
        (shared / "data").symlink_to(mine)
        own(shared / "data", OTHER)
        code, said = local_queue(binary, shared / "data", user)
        assert code == 1 and "is a symbolic link of the user with the number" in said
        assert list(mine.iterdir()) == []

    @pytest.mark.parametrize("name", ["queues.sqlite", "queues.sqlite-wal"])
    def test_a_file_that_another_user_left_in_it(self, name, binary, shared):
        own_file = shared / name
        own_file.touch()
        own(own_file, OTHER, 0o666)
        code, said = local_queue(binary, shared, USER)
        assert code == 1 and f"{own_file} belongs to" in said

    def test_one_in_which_everyone_may_write(self, binary, shared):
        data = shared / "data"
        data.mkdir()
        own(data, USER, 0o777)
        code, said = local_queue(binary, data, USER)
        assert code == 1 and f"chmod o-w '{data}'" in said

    @pytest.mark.parametrize(
        ("owner", "mode", "user"),
        [(USER, 0o700, USER), (USER, 0o1777, USER), (0, 0o777, USER), (0, 0o755, 0)],
        ids=["one's own", "one's own with the sticky bit", "a container's volume", "root's"],
    )
    def test_those_that_are_in_order(self, owner, mode, user, binary, shared):
        data = shared / "data"
        data.mkdir()
        own(data, owner, mode)
        _, said = local_queue(binary, data, user)
        assert "listens on" in said

    def test_root_may_use_a_users_own_folder(self, binary):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            data = Path(folder) / "data"
            data.mkdir()
            own(data, OTHER, 0o755)
            assert "listens on" in local_queue(binary, data, 0)[1]

    def test_so_does_dev(self, binary, shared):
        (shared / ".worker").mkdir()
        own(shared / ".worker", OTHER, 0o777)
        done = subprocess.run([binary, "dev", "--port", "0", "--until-empty"], cwd=shared, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and ".worker belongs to" in done.stderr
        assert list((shared / ".worker").iterdir()) == []


# The files are what is tested, so one server is enough.
@pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
class TestThePrizeDatabase:
    @pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
    def test_a_file_that_another_user_left_in_a_shared_folder(self, suffix, worker, prizes, shared):
        path = shared / "prizes.db"
        left = Path(f"{path}{suffix}")
        left.touch()
        own(left, OTHER, 0o666)
        worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{path}"
        routes = worker.write_routes()
        for arguments in (["run", "--until-empty"], ["prizes", "import", "catalog.yaml"]):
            (worker.folder / "catalog.yaml").write_text("characters: [{ id: a, name: A }]\n")
            said = worker.command(*arguments, "--routes", routes).failed().stderr
            assert f"cannot open the prize database: {left} belongs to the user with the number {OTHER}" in said
        if not suffix:
            assert "belongs to" in worker.command("prizes", "holdings", "--user", UNLINKED, "--routes", routes).failed().stderr
            assert "belongs to" in worker.command("doctor", "--routes", routes).failed().stdout

    def test_one_that_everyone_may_write(self, worker, prizes):
        worker.database.chmod(0o666)
        said = worker.command("run", "--until-empty", "--routes", worker.write_routes()).failed().stderr
        assert f"chmod o-w '{worker.database}'" in said
        worker.database.chmod(0o660)
        worker.run_until_empty()

    def test_one_that_is_shared_with_a_group(self, binary, worker):
        """As docs/deployment.md has it: the worker is one user, and an operator another."""
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            folder = Path(folder)
            os.chown(folder, OTHER, USER)
            folder.chmod(0o770)
            (folder / "prizes.db").touch(0o660)
            os.chown(folder / "prizes.db", OTHER, USER)
            (folder / "prizes.db").chmod(0o660)
            (folder / "catalog.yaml").write_text("characters: [{ id: a, name: A }]\n")
            worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{folder}/prizes.db"
            routes = folder / "routes.yaml"
            routes.write_text(worker.write_routes().read_text())
            command = [binary, "prizes", "import", folder / "catalog.yaml", "--routes", routes]
            done = subprocess.run(command, user=USER, group=USER, cwd=folder, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr

    def test_roots_own_in_a_shared_folder(self, worker, queue, prizes, shared):
        worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{shared}/prizes.db"
        worker.run_until_empty()
        assert (shared / "prizes.db").stat().st_mode & 0o777 == 0o600
