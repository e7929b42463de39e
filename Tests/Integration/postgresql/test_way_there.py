"""What stands between a worker and its server: TLS, and PgBouncer in transaction mode."""

import os
import subprocess
from contextlib import closing

import psycopg
import pytest

from support import wait_until
from support.events import UNLINKED, item, somebody
from support.pgbouncer import PgBouncer
from support.postgres import use_postgres

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def test_a_session_that_is_shared(queue, worker, prizes, cluster, database):
    with closing(PgBouncer(cluster)) as bouncer:
        use_postgres(worker, cluster.uri(database, port=bouncer.port))
        worker.settings["concurrency"] = 64
        running = [worker.start(), worker.start()]
        for number in range(100):
            queue.send(item(somebody(number % 10)))
            queue.send(item(somebody(number % 10), 1, "nothing"))
        queue.wait_for_dead_letters(100, deadline=180)
        queue.wait_until_empty()
        for each in running:
            each.stop()
            assert "the plugin is down" not in each.log()
        assert prizes.query("SELECT sum(quantity) FROM items") == [(100,)]
        # Nothing was set for whoever has the session next.
        with psycopg.connect(cluster.uri(database, port=bouncer.port), autocommit=True) as connection:
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                assert connection.execute(f"SHOW {name}").fetchone() == ("0",)


class TestOverTLS:
    """On a server of its own: one with a certificate answers everybody over TLS."""

    @pytest.fixture
    def cluster(self, own_cluster):
        return own_cluster

    @pytest.fixture
    def certificates(self, cluster):
        """An authority's, and the server's for `localhost`."""
        folder = cluster.folder / "certificates"
        folder.mkdir()

        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

        new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        openssl(*new, "-keyout", "authority.key", "-out", "authority.crt", "-subj", "/CN=tests")
        openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost",
        )  # fmt: skip
        openssl(
            "x509", "-req", "-in", "server.csr", "-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial",
            "-days", "2", "-out", "server.crt",
        )  # fmt: skip
        for name in ("server.key", "server.crt"):
            path = folder / name
            path.chmod(0o600)
            if cluster.account:
                os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)
        folder.chmod(0o755)
        cluster.configure(f"ssl_cert_file = '{folder}/server.crt'", f"ssl_key_file = '{folder}/server.key'", "ssl = on")
        cluster.run("pg_ctl", "-D", cluster.data, "reload")
        # It is a signal: the server heeds it when it comes to it.
        wait_until(lambda: cluster.sql("SHOW ssl") == [["on"]], "the server has its certificate")
        return folder

    def test_a_certificate_is_checked(self, queue, worker, prizes, cluster, database, certificates):
        where = f"localhost:{cluster.port}/{database}"
        checked = f"sslmode=verify-full&sslrootcert={certificates}/authority.crt"
        use_postgres(worker, f"postgres://worker@{where}?{checked}")
        assert f"postgres://{where}: PostgreSQL {cluster.version} answers, over TLS" in worker.command(
            "doctor", "--routes", worker.write_routes()
        ).stdout
        queue.send(item(UNLINKED, 5))
        worker.run_until_empty()
        assert prizes.waiting_quantity(UNLINKED) == 5
        # Another name than the certificate's.
        use_postgres(worker, f"postgres://worker@127.0.0.1:{cluster.port}/{database}?{checked}")
        failed = worker.command("run", "--routes", worker.write_routes()).failed()
        assert "does not match host name" in failed.output
