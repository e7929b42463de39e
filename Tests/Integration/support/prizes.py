"""What the worker did: read from the database by its own command, or past it where a test must not wait for one."""

import json
import sqlite3
from contextlib import closing, contextmanager

from support import wait_until
from support.events import CATALOG


class Prizes:
    def __init__(self, worker):
        self.worker = worker

    def import_catalog(self, catalog):
        path = self.worker.folder / "catalog.yaml"
        path.write_text(json.dumps(catalog))
        self.worker.command("prizes", "import", path, "--routes", self.worker.write_routes()).succeeded()

    def learn(self, *ids):
        """Has items of these types: what made events with them fail is set right."""
        first, *others = CATALOG["communities"]
        types = [*first["itemTypes"], *({"id": id, "name": id, "stackable": True} for id in ids)]
        self.import_catalog({**CATALOG, "communities": [first | {"itemTypes": types}, *others]})

    def holdings(self, user):
        """As `worker prizes holdings --json` prints it."""
        routes = self.worker.write_routes()
        shown = self.worker.command("prizes", "holdings", "--user", user, "--json", "--routes", routes).succeeded()
        return json.loads(shown.stdout)

    def owned(self, user):
        """Ids of what is owned, items with their quantities: `{"cluid123abc": 5}`; a character counts as 1."""
        return self._summary(user, "owned")

    def pending(self, user):
        """The same of what waits until the account is linked."""
        return self._summary(user, "pending")

    def _summary(self, user, division):
        holdings = self.holdings(user)
        items = {entry["itemTypeId"]: entry["quantity"] for entry in holdings["items"][division]}
        return items | {entry["characterId"]: 1 for entry in holdings["characters"][division]}

    def query(self, sql, *values):
        """Rows of the database, which is opened for reading alone."""
        with closing(sqlite3.connect(f"file:{self.worker.database}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(sql, values).fetchall()

    def execute(self, sql):
        with closing(sqlite3.connect(self.worker.database, timeout=30, isolation_level=None)) as database:
            database.execute(sql)

    def check_integrity(self):
        assert self.query("PRAGMA integrity_check") == [("ok",)]

    def waiting_quantity(self, discord_user):
        """How many items wait for a Discord user."""
        sql = "SELECT coalesce(sum(quantity), 0) FROM items WHERE pending_discord_user_id = ?"
        return self.query(sql, discord_user)[0][0]

    def wait_for(self, discord_user, quantity=1, deadline=120.0):
        what = f"{quantity} items wait for {discord_user}"
        wait_until(lambda: self.waiting_quantity(discord_user) >= quantity, what, deadline)

    @contextmanager
    def locked(self):
        """Keeps everyone else from writing: to the worker, a database that is busy. Yields what ends it early."""
        with closing(sqlite3.connect(self.worker.database, timeout=30, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")

            def release():
                if database.in_transaction:
                    database.execute("ROLLBACK")

            try:
                yield release
            finally:
                release()
