"""What a database suffers under a running worker, and what can be undone without undoing a commit."""

import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing, contextmanager

from support.postgres import promote

CALM = 10
"""In seconds, at least, from one to the next: time to handle what waited."""
# In a process of its own: where a process closes a file, it loses all locks that SQLite has on it.
DAMAGE = """
import os, sys
path, size, page = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
file = os.open(path, os.O_RDWR)
place = (page - 1) * size
whole = os.pread(file, size, place)
os.pwrite(file, bytes(size), place)
print(flush=True)
sys.stdin.read()
os.pwrite(file, whole, place)
"""


class Outages:
    """One after the other, while the rest of the chaos goes on."""

    kinds = {}
    """What each does, a context manager, and for how many seconds, from and to. All are longer than messages are their receivers'."""

    def __init__(self, random):
        self.happened = Counter()
        self._random = random
        self._deck = []
        self._thread = None
        self._over = threading.Event()
        self._failure = None

    def begin(self):
        """Takes the database away for a while. Returns whether it did: it does one at a time, and each as often."""
        if self._thread is not None and self._thread.is_alive():
            return False
        if not self._deck:
            self._deck = self._random.sample(list(self.kinds), len(self.kinds))
        kind = self._deck.pop()
        outage, seconds = self.kinds[kind]
        self.happened[f"{kind} the database"] += 1
        self._thread = threading.Thread(target=self._run, args=(outage(self), self._random.uniform(*seconds)), daemon=True)
        self._thread.start()
        return True

    def end(self):
        self._over.set()
        if self._thread is not None:
            self._thread.join(240)
            assert not self._thread.is_alive(), "the database is not what it was"
        self.check()

    def check(self):
        if self._failure is not None:
            raise self._failure

    def _run(self, outage, seconds):
        try:
            with outage:
                self._over.wait(seconds)
            self._over.wait(CALM)
        except BaseException as failure:
            self._failure = failure


class SQLiteOutages(Outages):
    def __init__(self, database, random):
        super().__init__(random)
        self._database = database

    @contextmanager
    def _locked(self):
        with closing(self._connect()) as database:
            database.execute("BEGIN EXCLUSIVE")
            yield
            database.execute("ROLLBACK")

    @contextmanager
    def _damaged(self):
        """The first page of a table or an index is lost, and comes back."""
        with closing(self._connect()) as reader:
            self._hold_file(reader)
            trees = reader.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 1 ORDER BY name").fetchall()
            (size,) = reader.execute("PRAGMA page_size").fetchone()
            command = [sys.executable, "-c", DAMAGE, self._database, size, self._random.choice(trees)[0]]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            with subprocess.Popen([str(each) for each in command], **pipes) as damage:
                damage.stdout.readline()
                yield
                damage.communicate()
            assert damage.returncode == 0, "the page was not put back"

    def _hold_file(self, reader):
        """Begins to read when all of the log is in the database file. As long as that goes on, no checkpoint writes to the
        file: what is put back is what would be there, and commits are in the log."""
        while True:
            with closing(self._connect()) as writer:
                writer.execute("BEGIN IMMEDIATE")
                _, frames, written = reader.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if frames == written:
                    reader.execute("BEGIN")
                    reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                    return
            self._over.wait(0.05)

    def _connect(self):
        return sqlite3.connect(self._database, timeout=60, isolation_level=None)

    # Some locks are longer than a worker waits for one.
    kinds = {"lock": (_locked, (3, 8)), "damage": (_damaged, (3, 5))}


class PostgresOutages(Outages):
    """Of the server, and of the way to it."""

    def __init__(self, prizes, proxies, random):
        super().__init__(random)
        self._prizes, self._proxies = prizes, proxies

    @contextmanager
    def _killed(self):
        cluster = self._prizes.cluster
        cluster.stop("immediate")
        yield
        cluster.start()

    @contextmanager
    def _cut(self):
        for proxy in self._proxies:
            proxy.cut()
        yield

    @contextmanager
    def _swallowed(self):
        for proxy in self._proxies:
            proxy.is_frozen = True
        yield
        for proxy in self._proxies:
            proxy.is_frozen = False

    kinds = {"kill": (_killed, (1, 4)), "cut": (_cut, (0, 1)), "swallow": (_swallowed, (3, 8))}


class FailoverOutages(PostgresOutages):
    """The primary dies for good, and its standby takes its place, once."""

    def __init__(self, prizes, standby, proxies, random):
        super().__init__(prizes, proxies, random)
        self._standby = standby

    @contextmanager
    def _failed_over(self):
        standby, self._standby = self._standby, None
        if standby is not None:
            self._prizes.cluster.stop("immediate")
            # libpq tries the next server where one refuses a connection, and not where it takes one and says nothing.
            self._proxies[0].close()
            promote(standby)
            self._prizes.cluster = standby
        yield

    kinds = {"fail over": (_failed_over, (1, 2)), **PostgresOutages.kinds}
