"""A PostgreSQL server of Debian's, to test with.

    postgres_server.py COMMAND...     run COMMAND beside a server, then stop the server

COMMAND finds the server in POSTGRES_TEST_URI; its exit code is the exit code. The server is a cluster of its own in a temporary
folder, on 127.0.0.1 alone, run by a user who is not root.
"""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ports import free_port

HOST = "127.0.0.1"
USER = "worker"


class Cluster:
    """A server in a process of its own, ready once `start` returns. `settings` are lines of postgresql.conf."""

    def __init__(self, settings=()):
        self.programs = _programs()
        # Short, for a socket's path has a hundred bytes; and where another user may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.settings = settings
        self.account = _account()
        if self.account:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    def __enter__(self):
        self.create()
        self.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self):
        self.run("initdb", "-D", self.data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.configure(*self.settings)

    def configure(self, *settings):
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in settings)

    def start(self):
        options = f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories={self.folder} -c max_connections=500"
        self.run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", options, "-w", "-t", "300", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "300", "stop")

    def restart(self, mode="immediate"):
        self.stop(mode)
        self.start()

    @property
    def version(self):
        return self.run("postgres", "--version").split()[2]

    def uri(self, database="postgres", user=USER, port=None):
        return f"postgresql://{user}@{HOST}:{port or self.port}/{database}"

    def sql(self, statement, database="postgres"):
        """The rows of a statement, each a list of texts."""
        shown = self.run("psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", self.uri(database), "-c", statement)
        return [line.split("\t") for line in shown.splitlines()]

    def run(self, program, *arguments):
        identity = {}
        if self.account:
            identity = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        result = subprocess.run(
            [self.programs / program, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **identity,
        )
        if result.returncode != 0:
            log = self.folder / "log"
            said = result.stdout + (log.read_text()[-2000:] if log.exists() else "")
            raise subprocess.CalledProcessError(result.returncode, [program, *map(str, arguments)], said)
        return result.stdout


def _programs():
    """Debian keeps those of a server apart from the path, by version; others have them beside psql."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if found:
        return Path(max(found, key=lambda path: float(path.split("/")[4]))).parent
    beside = shutil.which("initdb")
    if beside:
        return Path(beside).resolve().parent
    raise SystemExit("there is no PostgreSQL server to test with; `make venv` installs Debian's")


def _account():
    """Whoever runs the server where we are root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise SystemExit("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    with Cluster() as cluster:
        print(f"postgres: version {cluster.version} from {cluster.programs} runs for the tests on port {cluster.port}", flush=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        process = subprocess.Popen(
            sys.argv[1:],
            env={**os.environ, "POSTGRES_TEST_URI": cluster.uri()},
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM]),
        )
        # The terminal sends Ctrl-C to the command as well: it decides when to end. A SIGTERM comes to us alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        code = process.wait()
    sys.exit(128 - code if code < 0 else code)


if __name__ == "__main__":
    main()
