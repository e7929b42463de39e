"""A PostgreSQL server for the worker's prizes, and what can happen to it and to the way there."""

import os
import select
import signal
import socket
import threading
from contextlib import closing, suppress
from pathlib import Path

import psycopg

from postgres_server import HOST, Cluster
from support.prizes import Prizes


class PostgresPrizes(Prizes):
    def __init__(self, worker, cluster, database):
        super().__init__(worker)
        self.cluster, self.database = cluster, database

    def connect(self, **options):
        return psycopg.connect(self.cluster.uri(self.database), autocommit=True, connect_timeout=30, **options)

    def check_integrity(self):
        """Each index has each row, and no stack was added to without a handled event."""
        tables = ("items", "characters", "handled_events", "discord_accounts")
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
            for table in tables:
                connection.execute(
                    "SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = %s::regclass", [table]
                )

    def execute(self, sql):
        with self.connect() as connection:
            connection.execute(sql)

    def query(self, sql, *values):
        with self.connect() as connection:
            return connection.execute(sql.replace("%", "%%").replace("?", "%s"), values).fetchall()


def use_postgres(worker, uri):
    """Where the worker keeps its prizes, as an operator sets it."""
    worker.routes["plugins"]["prizes"]["database"] = "${PRIZE_DATABASE}"
    worker.environment["PRIZE_DATABASE"] = uri


def make_standby(primary):
    """A standby that the primary waits for with each commit."""
    standby = Cluster()
    standby.run(
        "pg_basebackup", "-D", standby.data, "-d", primary.uri() + "?application_name=standby", "-R", "-X", "stream",
        "-c", "fast", "--no-sync",
    )  # fmt: skip
    standby.start()
    primary.configure("synchronous_standby_names = 'standby'", "synchronous_commit = on")
    primary.run("pg_ctl", "-D", primary.data, "reload")
    return standby


def promote(standby):
    standby.run("pg_ctl", "-D", standby.data, "-w", "promote")


def freeze(cluster):
    """Stops all processes of the server where they are. Returns what lets them go on."""
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)  # first: it starts no child after those that are listed
    pids = [postmaster, *children(postmaster)]
    for pid in pids[1:]:
        with suppress(ProcessLookupError):  # a child that serves nobody any more may end by itself
            os.kill(pid, signal.SIGSTOP)

    def thaw():
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return thaw


def children(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, rest = stat.read_text().split(" ", 1)
            if int(rest.rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(number))
    return found


class TCPProxy:
    """Between a client and a server. It can swallow everything, cut all connections, and cut one as the server answers."""

    def __init__(self, port):
        self.target = (HOST, port)
        self.is_frozen = False
        self.on_answer = lambda data: True
        """Returns whether what the server says is passed on; where it is not, the connection is cut."""
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((HOST, 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        # To close it alone would not end an accept that waits, which takes one more connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self):
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with closing(client):
            while self.is_frozen and client.fileno() >= 0:
                if not self._waits(client):
                    return
            with suppress(OSError), socket.create_connection(self.target) as server:
                pair = (client, server)
                with self._lock:
                    self._pairs.add(pair)
                try:
                    self._pass_on(client, server)
                finally:
                    with self._lock:
                        self._pairs.discard(pair)

    @staticmethod
    def _waits(client):
        """Whether the client is still there, a moment later."""
        readable, _, _ = select.select([client], [], [], 0.1)
        if readable:
            with suppress(OSError):
                return bool(client.recv(1, socket.MSG_PEEK)) and not threading.Event().wait(0.1)
            return False
        return True

    def _pass_on(self, client, server):
        while True:
            readable, _, _ = select.select([client, server], [], [], 0.1)
            if self.is_frozen:
                threading.Event().wait(0.05)
                continue
            for end in readable:
                data = end.recv(65536)
                if not data:
                    return
                if end is server and not self.on_answer(data):
                    return
                (client if end is server else server).sendall(data)
