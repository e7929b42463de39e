"""Prizes on PostgreSQL: the same commands, the same routes, and nothing of the password."""

import stat
from pathlib import Path

import pytest

from support import wait_until
from support.events import LINKED, MIRA, SWORD, UNLINKED, account_linked, character, item
from support.postgres import TCPProxy, use_postgres

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
PASSWORD = "s3cret/pass@word"


def test_the_whole_way(queue, worker, prizes):
    queue.send(item(UNLINKED, 5))
    queue.send(item(LINKED, 2, SWORD))
    queue.send(character(MIRA, UNLINKED))
    queue.send(item(UNLINKED, 1, "nothing"))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {"cluid123abc": 5, MIRA: 1}
    assert prizes.owned("alice") == {SWORD: 2}
    [letter] = queue.wait_for_dead_letters(1)
    assert "notFound" in str(letter.attributes)
    queue.send(account_linked(UNLINKED, "bob"))
    worker.run_until_empty()
    assert prizes.owned("bob") == {"cluid123abc": 5, MIRA: 1}
    shown = worker.command("prizes", "holdings", "--user", "bob", "--routes", worker.write_routes()).succeeded()
    assert f"bob (Discord {UNLINKED}) owns:" in shown.stdout


def test_the_doctor_finds_all_well(worker, prizes, cluster, database):
    shown = worker.command("doctor", "--routes", worker.write_routes())
    where = f"postgres://127.0.0.1:{cluster.port}/{database}"
    assert f"{where}: PostgreSQL {cluster.version} answers, without TLS, as a primary; " in shown.stdout
    assert "connections are left, and its clock differs from this machine's by 0 s" in shown.stdout
    assert f"{where}: prizes can be written" in shown.stdout


@pytest.fixture
def role(cluster, database):
    """Who must give a password."""
    hba = cluster.data / "pg_hba.conf"
    rule = "host all +needs_password 127.0.0.1/32 scram-sha-256\n"
    if rule not in hba.read_text():
        cluster.sql("CREATE ROLE needs_password")
        hba.write_text(rule + hba.read_text())
        cluster.run("pg_ctl", "-D", cluster.data, "reload")
    name = f"role_{database}"
    cluster.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' IN ROLE needs_password")
    cluster.sql(f"ALTER DATABASE {database} OWNER TO {name}")
    return name


@pytest.mark.parametrize("place", ["URI", "parameter", "variable", "file"])
def test_a_password_is_shown_nowhere(place, queue, worker, cluster, database, role):
    encoded = PASSWORD.replace("/", "%2F").replace("@", "%40")
    where = f"127.0.0.1:{cluster.port}/{database}"
    uri = f"postgres://{role}@{where}"
    if place == "URI":
        uri = f"postgres://{role}:{encoded}@{where}"
    elif place == "parameter":
        uri += f"?password={encoded}"
    elif place == "variable":
        worker.environment["PGPASSWORD"] = PASSWORD
    else:
        file = worker.folder / "pgpass"
        file.write_text(f"127.0.0.1:{cluster.port}:*:{role}:{PASSWORD}\n")
        file.chmod(stat.S_IRUSR | stat.S_IWUSR)
        worker.environment["PGPASSFILE"] = str(file)
    use_postgres(worker, uri)
    worker.environment["LOG_LEVEL"] = "trace"
    (worker.folder / "catalog.json").write_text("characters: []\n")
    said = worker.command("prizes", "import", "catalog.json", "--routes", worker.write_routes()).succeeded().output
    said += worker.command("doctor", "--routes", worker.write_routes()).output
    said += worker.command("check", "--routes", worker.write_routes()).output
    running = worker.start()
    queue.send(item())
    queue.wait_for_dead_letters(1)
    arguments = Path(f"/proc/{running.process.pid}/cmdline").read_text()
    running.stop()
    # And where it is wrong.
    cluster.sql(f"ALTER ROLE {role} PASSWORD 'another'")
    failed = worker.command("run", "--routes", worker.write_routes()).failed()
    assert "password authentication failed" in failed.output
    assert "correct the user or the password in PRIZE_DATABASE" in failed.output
    said += running.log() + arguments + failed.output
    for text in (PASSWORD, encoded, "s3cret"):
        assert text not in said


def test_a_service_file_names_the_server(worker, queue, prizes, cluster, database):
    (worker.folder / "services").write_text(
        f"[prizes]\nhost=127.0.0.1\nport={cluster.port}\ndbname={database}\nuser=worker\n"
    )
    worker.environment["PGSERVICEFILE"] = str(worker.folder / "services")
    use_postgres(worker, "postgres:///?service=prizes")
    queue.send(item(UNLINKED, 5))
    worker.run_until_empty()
    assert prizes.waiting_quantity(UNLINKED) == 5


def test_many_workers_may_start_at_once(worker, queue, cluster, database):
    for _ in range(6):
        worker.start("--until-empty")
    assert [each.wait(180) for each in worker.started] == [0] * 6
    assert cluster.sql("SELECT version FROM prize_schema ORDER BY 1", database) == [["1"], ["2"], ["3"]]


def test_a_commit_whose_answer_was_lost_is_known_by_its_key(worker, queue, prizes, cluster, database):
    proxy = TCPProxy(cluster.port)
    lost = []

    def on_answer(data):
        # What the server says of a commit; the connection is cut instead.
        if b"COMMIT\0" in data and len(lost) < 3:
            lost.append(data)
            return False
        return True

    use_postgres(worker, cluster.uri(database, port=proxy.port))
    running = worker.start()
    wait_until(lambda: "worker is running" in running.log() or "consum" in running.log(), "the worker runs")
    proxy.on_answer = on_answer
    queue.send(item(UNLINKED, 5))
    queue.wait_until_empty()
    running.stop()
    assert lost
    assert prizes.waiting_quantity(UNLINKED) == 5
    assert prizes.query("SELECT count(*) FROM handled_events") == [(1,)]
    assert queue.dead_letters() == []
    proxy.close()


def test_keys_are_pruned_by_a_running_worker(queue, worker, prizes):
    for number, days in enumerate([200, 91, 89, 1]):
        prizes.execute(
            f"INSERT INTO handled_events VALUES ('ITEM_AWARDED', 'key {number}', '{{}}', now() - interval '{days} days')"
        )
    running = worker.start()
    keys = "SELECT key FROM handled_events ORDER BY key"
    wait_until(lambda: prizes.query(keys) == [("key 2",), ("key 3",)], "old keys are pruned")
    running.stop()


def test_reports_what_was_granted(queue, worker, prizes):
    queue.send(item(UNLINKED, 5))
    queue.send(item(LINKED, 2, SWORD))
    worker.run_until_empty()
    arguments = ["--by", "community", "--format", "csv", "--routes", worker.write_routes()]
    shown = worker.command("prizes", "report", *arguments).succeeded().stdout
    assert shown.splitlines()[1].split(",")[2:] == ["1", "2", "1", "5", "0", "0"]
