"""How many instructions the worker's hot pieces take, against what is on record: a change that makes one dearer fails.

Valgrind counts them, which no other load on the machine changes, as it would change a time. Each piece runs so often, and
twice as often; the difference is what it costs, without the process's start. Counts of other kinds of processors and of other
versions of Swift are not comparable.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "Benchmarks/instructions.json"
BINARY = ROOT / ".build-benchmarks/release/CountedPieces"
# Runs of a piece; the other count is of twice as many.
TIMES = 100
# Of the recorded count. Two counts of the same binary differ by less than a fifth of it.
TOLERANCE = 0.05
ADVICE = """\
Look where the instructions go:          make profile-piece PIECE={piece}
If they are to be spent, record them:    make record-instructions
and say in the commit why."""


@dataclass
class Verdict:
    """What a piece costs now, beside what is on record; either is missing where there is none."""

    piece: str
    recorded: int | None
    counted: int | None

    @property
    def change(self):
        return self.counted / self.recorded - 1

    @property
    def is_failure(self):
        return self.recorded is None or self.counted is None or self.change > TOLERANCE

    @property
    def remark(self):
        if self.recorded is None:
            return "is not on record"
        if self.counted is None:
            return "is on record, and no longer a piece"
        if self.change > TOLERANCE:
            return f"costs {self.change:.1%} more, and {TOLERANCE:.0%} is allowed"
        if self.change < -TOLERANCE:
            return f"costs {-self.change:.1%} less: record that, or it can be lost again unseen"
        return ""

    def __str__(self):
        def number(value):
            return "-" if value is None else f"{value:,}"

        change = f"{self.change:+.1%}" if self.recorded and self.counted else ""
        return f"{self.piece:<18}{number(self.recorded):>12}{number(self.counted):>12}{change:>9}  {self.remark}".rstrip()


def compare(recorded, counted):
    """A verdict for each piece, in the order of the count."""
    return [Verdict(piece, recorded.get(piece), counted.get(piece)) for piece in {**counted, **recorded}]


def report(verdicts):
    """What a person reads, and the exit code."""
    failures = [verdict for verdict in verdicts if verdict.is_failure]
    lines = [f"{'piece':<18}{'recorded':>12}{'now':>12}", *map(str, verdicts)]
    if failures:
        lines += ["", ADVICE.format(piece=failures[0].piece)]
    return "\n".join(lines), 1 if failures else 0


def functions(annotated):
    """The instructions of each function in callgrind_annotate's table."""
    counts = Counter()
    for line in annotated.splitlines():
        if match := re.match(r"\s*([\d,]+) +\([ \d.]+%\)  \S*?:(\S.*) \[(.*)\]$", line):
            count, name, library = match.groups()
            # A function that called itself: what it did then is in the first call's count already.
            if name.endswith("'2"):
                continue
            counts[f"{name}  [{Path(library).name}]"] += int(count.replace(",", ""))
    return counts


class Pieces:
    """The binary that runs one piece at a time, under valgrind."""

    def __init__(self, binary, folder):
        self.folder = folder
        # Valgrind does not read the debug information of today's compilers.
        self.binary = folder / binary.name
        subprocess.run(["strip", "--strip-debug", "-o", self.binary, binary], check=True)

    @property
    def names(self):
        output = subprocess.run([self.binary], check=True, capture_output=True, text=True).stdout
        return [line.split("\t")[0] for line in output.splitlines()]

    def count(self, piece):
        """The instructions of one run."""
        few, many = (self._total(piece, times) for times in (TIMES, 2 * TIMES))
        return round((many - few) / TIMES)

    def profile(self, piece):
        """Where the instructions of one run are: a table of functions by their own, and one with what they call."""
        paths = []
        for times in (TIMES, 2 * TIMES):
            paths.append(self.folder / f"callgrind.{times}")
            self._run(piece, times, "--tool=callgrind", f"--callgrind-out-file={paths[-1]}")
        tables = []
        for title, inclusive in [("themselves", "no"), ("with what they call", "yes")]:
            few, many = (functions(self._annotate(path, inclusive)) for path in paths)
            costs = Counter({name: (count - few[name]) // TIMES for name, count in many.items()})
            rows = [f"{count:>12,}  {name}" for name, count in costs.most_common(60)]
            tables.append("\n".join([f"instructions of one run of {piece}, in functions {title}", *rows]))
        text = "\n\n".join(tables)
        return subprocess.run(
            ["swift", "demangle", "--simplified"], input=text, check=True, capture_output=True, text=True
        ).stdout

    def _annotate(self, path, inclusive):
        return subprocess.run(
            ["callgrind_annotate", "--threshold=100", f"--inclusive={inclusive}", path],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def _total(self, piece, times):
        log = self._run(piece, times, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
        return int(re.search(r"I\s+refs:\s+([\d,]+)", log)[1].replace(",", ""))

    def _run(self, piece, times, *options):
        # SQLite's file in memory where that can be had: a disk's waits are not the worker's work.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            run = subprocess.run(
                ["valgrind", *options, self.binary, piece, str(times), folder],
                capture_output=True,
                text=True,
                # Hashes are drawn anew in each process otherwise, and with them the length of searches.
                env={**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"},
            )
        if run.returncode != 0:
            sys.exit(f"{piece} failed under valgrind:\n{run.stdout}{run.stderr}")
        return run.stderr


def count_all(pieces, names):
    """The instructions of one run of each piece, several pieces at a time.

    Each has one processor for itself: with one, Swift runs one task at a time, and always in the same order.
    """
    processors = SimpleQueue()
    for processor in os.sched_getaffinity(0):
        processors.put(processor)
    # It counts for the thread that asks, and for the processes that it starts.
    with ThreadPoolExecutor(
        processors.qsize(), initializer=lambda: os.sched_setaffinity(0, {processors.get()})
    ) as pool:
        return dict(zip(names, pool.map(pieces.count, names), strict=True))


def count_surely(count, names, recorded):
    """The same by `count`; what differs from what is on record is the median of three counts.

    Once in a while a thread starts late, in one of a piece's two runs alone.
    """
    counts = [count(names)]
    doubtful = [verdict.piece for verdict in compare(recorded, counts[0]) if verdict.counted and verdict.remark]
    if doubtful:
        counts += [count(doubtful), count(doubtful)]
    return {piece: round(median(each[piece] for each in counts if piece in each)) for piece in names}


def swift_version():
    output = subprocess.run(["swift", "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"Swift version (\S+)", output)[1]


def hindrance(record, processor, swift):
    """Why counts cannot be compared with what is on record; None where they can."""
    if record is None:
        return f"nothing is on record for this processor, {processor}"
    if record["swift"] != swift:
        return f"the record is of Swift {record['swift']}, and this is {swift}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=BINARY, help="CountedPieces, built for release")
    parser.add_argument("--record", action="store_true", help="put what is counted on record")
    parser.add_argument("--profile", metavar="PIECE", help="show in which functions a piece's instructions are")
    arguments = parser.parse_args()

    if not shutil.which("valgrind"):
        print("valgrind is not here, so nothing was counted and nothing compared")
        return 0
    records = json.loads(RECORD.read_text(encoding="utf-8"))
    processor, swift = platform.machine(), swift_version()
    record = records.get(processor)
    with tempfile.TemporaryDirectory() as folder:
        pieces = Pieces(arguments.binary, Path(folder))
        if arguments.profile:
            print(pieces.profile(arguments.profile))
            return 0
        names = pieces.names
        if arguments.record:
            counted = count_surely(partial(count_all, pieces), names, {})
            records[processor] = {"swift": swift, "instructions": counted}
            RECORD.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
            print(*(f"{piece:<18}{count:>12,}" for piece, count in counted.items()), sep="\n")
            print(f"\nRecorded in {RECORD.relative_to(ROOT)}.")
            return 0
        if reason := hindrance(record, processor, swift):
            print(f"nothing was counted and nothing compared: {reason}; `make record-instructions` makes a record")
            return 0
        recorded = record["instructions"]
        text, code = report(compare(recorded, count_surely(partial(count_all, pieces), names, recorded)))
        print(text)
        return code


if __name__ == "__main__":
    sys.exit(main())
