"""PgBouncer in transaction mode, before a server of the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from ports import free_port
from postgres_server import HOST
from support import wait_until

ROOT = Path(__file__).resolve().parents[3]


class PgBouncer:
    def __init__(self, cluster):
        own = ROOT / ".pgbouncer"
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=own / "usr/sbin")
        if program is None:
            pytest.skip("there is no pgbouncer; `make venv` fetches it")
        self.folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))
        # Where the one who runs it may read, which a home folder's are not always.
        copy = shutil.copy(program, self.folder)
        libraries = [shutil.copy(library, self.folder) for library in own.glob("usr/lib/*/lib*.so.*")]
        self.port = free_port()
        (self.folder / "users").write_text('"worker" ""\n')
        # One connection to the server for each of two databases' users: whatever stays in a session is another client's.
        (self.folder / "settings").write_text(
            f"""
            [databases]
            * = host={HOST} port={cluster.port}
            [pgbouncer]
            listen_addr = {HOST}
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = any
            auth_file = {self.folder}/users
            pool_mode = transaction
            default_pool_size = 2
            """.replace("* =", "* = user=worker")
        )
        identity = {}
        if cluster.account:
            for path in (self.folder, *map(Path, [copy, *libraries]), self.folder / "users", self.folder / "settings"):
                os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)
            identity = {"user": cluster.account.pw_uid, "group": cluster.account.pw_gid, "extra_groups": []}
        self._process = subprocess.Popen(
            [copy, self.folder / "settings"],
            env={**os.environ, "LD_LIBRARY_PATH": str(self.folder)},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("wb"),
            **identity,
        )
        wait_until(self._answers, f"pgbouncer listens: {(self.folder / 'log').read_text()}")

    def _answers(self):
        with suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        assert self._process.poll() is None, (self.folder / "log").read_text()
        return False

    def close(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
