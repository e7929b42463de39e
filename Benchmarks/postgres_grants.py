"""Durable grants on PostgreSQL: the worker's, beside the same statements by pgbench on the same server, and beside SQLite.

    postgres_grants.py [--grants N] [--rounds N] BENCHMARK

BENCHMARK is the binary GrantBenchmark. All take turns in each round; a figure is the median of the rounds.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from postgres_server import Cluster

BATCHES = (1, 10, 100, 250)
GOALS = {"times one by one": 10, "of pgbench's": 0.7, "two workers, times one": 1.5, "CPU, times SQLite's": 1.5}
"""Of batches of 100. The last is met by what is less, the others by what is more."""
CONTENT = '{{"discordGuildId":"123456789012345678","discordUserId":"{}","itemTypeId":"cluid123abc","quantity":1}}'


def array(values):
    return "'{" + ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "}'"


def script(batch, first, ledger=True):
    """What the worker sends for a batch: two round trips, each of several statements."""
    users = [str(1_000 + (first + number) % 1_000) for number in range(batch)]
    keys = array(f"message:{first}-:r-:s-{number}" for number in range(batch))
    accounts = array(sorted(set(users)))
    read = [
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        "SELECT set_config('idle_in_transaction_session_timeout', '5s', true), set_config('statement_timeout', '10s', true), "
        "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
        "ELSE current_setting('synchronous_commit') END, true)",
        "INSERT INTO handled_events (event_type, key, content, handled_at) SELECT event_type, key, content, now() "
        f"FROM unnest({array(['ITEM_AWARDED'] * batch)}::text[], {keys}::text[], "
        f"{array(CONTENT.format(user) for user in users)}::text[]) WITH ORDINALITY AS e (event_type, key, content, n) "
        "ORDER BY n ON CONFLICT (event_type, key) DO NOTHING RETURNING event_type, key",
        f"INSERT INTO discord_accounts (discord_user_id) SELECT id FROM unnest({accounts}::text[]) WITH ORDINALITY AS a (id, n) "
        "ORDER BY n ON CONFLICT (discord_user_id) DO NOTHING",
        f"SELECT 1 FROM discord_accounts WHERE discord_user_id = ANY ({accounts}::text[]) AND user_id IS NULL "
        "ORDER BY discord_user_id FOR NO KEY UPDATE",
        f"SELECT discord_user_id, user_id FROM linked_accounts WHERE discord_user_id = ANY ({accounts}::text[])",
        "SELECT item_types.id, item_types.stackable::int, communities.discord_guild_id, communities.id FROM item_types "
        "JOIN communities ON communities.id = item_types.community_id WHERE item_types.id = ANY ('{cluid123abc}'::text[])",
        "SELECT discord_guild_id FROM communities WHERE discord_guild_id = ANY ('{123456789012345678}'::text[])",
    ]
    holders = sorted(set(users))
    counts = ",".join(str(users.count(holder)) for holder in holders)
    write = [
        "INSERT INTO items (pending_discord_user_id, item_type_id, stacks, quantity) SELECT holder, type, true, quantity "
        f"FROM unnest({array(holders)}::text[], {array(['cluid123abc'] * len(holders))}::text[], '{{{counts}}}'::bigint[]) "
        "WITH ORDINALITY AS s (holder, type, quantity, n) ORDER BY n ON CONFLICT (pending_discord_user_id, item_type_id) "
        "WHERE stacks AND pending_discord_user_id IS NOT NULL DO UPDATE SET quantity = items.quantity + excluded.quantity",
    ]
    if ledger:
        write.append(
            "INSERT INTO ledger (at, change, discord_user_id, user_id, community_id, item_type_id, character_id, quantity, "
            "event_type, key) SELECT now(), change, account, NULL, community, item, NULL, quantity, event_type, key "
            f"FROM unnest({array(['pending'] * batch)}::text[], {array(users)}::text[], {array(['crew'] * batch)}::text[], "
            f"{array(['cluid123abc'] * batch)}::text[], '{{{','.join(['1'] * batch)}}}'::bigint[], "
            f"{array(['ITEM_AWARDED'] * batch)}::text[], {keys}::text[]) WITH ORDINALITY "
            "AS l (change, account, community, item, quantity, event_type, key, n) ORDER BY n"
        )
    write.append("COMMIT")
    # pgbench puts variables into texts in its simple protocol alone.
    text = "\\set r random(1, 2000000000)\n\\set s random(1, 2000000000)\n"
    return text + "".join("\\;\n".join(part) + ";\n" for part in (read, write))


def bare(cluster, database, batch, grants, ledger=True):
    """Grants a second by pgbench, with one client."""
    files = []
    with tempfile.TemporaryDirectory(dir=cluster.folder) as folder:
        Path(folder).chmod(0o755)
        for number in range(10):
            path = Path(folder) / f"{number}.sql"
            path.write_text(script(batch, number * batch, ledger))
            files += ["-f", path]
        count = max(1, grants // batch)
        said = cluster.run("pgbench", "-n", "-M", "simple", "-c", 1, "-t", count, *files, "-h", "127.0.0.1", "-p", cluster.port,
                           "-U", "worker", database)  # fmt: skip
    return float(re.search(r"tps = ([0-9.]+)", said)[1]) * batch


def workers(binary, uri, grants, count):
    """What each of some workers at once prints."""
    command = [binary, "--postgres", uri, "--grants", str(grants), "--rounds", "1", "--folder", tempfile.gettempdir()]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for process in running:
        shown = process.communicate()[0]
        if process.returncode != 0:
            raise SystemExit("the benchmark failed")
        for line in shown.splitlines():
            store, batch, rate, cpu = line.split("\t")
            yield store, int(batch), float(rate), float(cpu)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--grants", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("binary")
    options = parser.parse_args()
    rates, times = defaultdict(list), defaultdict(list)
    with Cluster() as cluster:
        for name in ("grants", "bare", "no_ledger"):
            cluster.sql(f"CREATE DATABASE {name}")
            list(workers(options.binary, cluster.uri(name), 250, 1))
        for _ in range(options.rounds):
            for store, batch, rate, cpu in workers(options.binary, cluster.uri("grants"), options.grants, 1):
                rates[store, batch].append(rate)
                times[store, batch].append(cpu)
            together = defaultdict(float)
            for store, batch, rate, _ in workers(options.binary, cluster.uri("grants"), options.grants, 2):
                together[store, batch] += rate
            for batch in BATCHES:
                rates["two workers", batch].append(together["postgresql", batch])
                rates["pgbench", batch].append(bare(cluster, "bare", batch, options.grants))
                rates["no ledger", batch].append(bare(cluster, "no_ledger", batch, options.grants, ledger=False))
    rate = {key: statistics.median(values) for key, values in rates.items()}
    time = {key: statistics.median(values) for key, values in times.items()}
    print(f"\n{'grants a second':24}" + "".join(f"{f'{batch} a commit':>14}" for batch in BATCHES))
    for name in ("postgresql", "two workers", "pgbench", "no ledger", "sqlite"):
        print(f"{name:24}" + "".join(f"{rate[name, batch]:14,.0f}" for batch in BATCHES))
    print(f"{'CPU µs, postgresql':24}" + "".join(f"{time['postgresql', batch]:14.1f}" for batch in BATCHES))
    print(f"{'CPU µs, sqlite':24}" + "".join(f"{time['sqlite', batch]:14.1f}" for batch in BATCHES))
    print()
    for batch in BATCHES:
        ours = rate["postgresql", batch]
        print(
            f"{batch} a commit: {ours / rate['postgresql', 1]:.1f} times one by one; {100 * ours / rate['pgbench', batch]:.0f} % of "
            f"pgbench's; two workers {rate['two workers', batch] / ours:.2f} times one; "
            f"{time['postgresql', batch] / time['sqlite', batch]:.2f} times SQLite's CPU; the ledger costs "
            f"{100 * (1 - rate['pgbench', batch] / rate['no ledger', batch]):.0f} %"
        )
    print()
    ours = rate["postgresql", 100]
    ratios = (ours / rate["postgresql", 1], ours / rate["pgbench", 100], rate["two workers", 100] / ours,
              time["postgresql", 100] / time["sqlite", 100])  # fmt: skip
    for (name, goal), ratio in zip(GOALS.items(), ratios, strict=True):
        is_met = ratio <= goal if name.startswith("CPU") else ratio >= goal
        print(f"  100 a commit: {ratio:.2f} {name}; goal {goal}: {'met' if is_met else 'NOT met'}")


if __name__ == "__main__":
    main()
