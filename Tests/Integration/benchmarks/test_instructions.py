"""The guard against dearer pieces, on made-up counts: what fails, and what it says."""

import importlib.util
from pathlib import Path

PATH = Path(__file__).resolve().parents[3] / "Benchmarks/instructions.py"
specification = importlib.util.spec_from_file_location("instructions", PATH)
instructions = importlib.util.module_from_spec(specification)
specification.loader.exec_module(instructions)


def verdict_on(recorded, counted):
    return instructions.report(instructions.compare(recorded, counted))


def test_a_dearer_piece_fails_with_both_counts_and_what_to_do():
    text, code = verdict_on({"sign": 200_000, "settle": 400_000}, {"sign": 220_000, "settle": 400_000})
    assert code == 1
    line = next(line for line in text.splitlines() if line.startswith("sign"))
    assert "200,000" in line and "220,000" in line and "+10.0%" in line and "5% is allowed" in line
    assert "make profile-piece PIECE=sign" in text
    assert "make record-instructions" in text


def test_what_differs_by_no_more_than_the_tolerance_passes():
    text, code = verdict_on({"sign": 200_000, "settle": 400_000}, {"sign": 209_000, "settle": 385_000})
    assert code == 0
    assert "record" not in text.split("\n", 1)[1]


def test_a_cheaper_piece_passes_and_asks_to_be_recorded():
    text, code = verdict_on({"sign": 200_000}, {"sign": 100_000})
    assert code == 0
    assert "costs 50.0% less: record that" in text


def test_a_piece_without_a_record_fails():
    text, code = verdict_on({"sign": 200_000}, {"sign": 200_000, "grant": 600_000})
    assert code == 1
    assert "grant" in text and "is not on record" in text
    assert "make record-instructions" in text


def test_a_record_without_its_piece_fails():
    text, code = verdict_on({"sign": 200_000, "grant": 600_000}, {"sign": 200_000})
    assert code == 1
    assert "no longer a piece" in text


def test_a_count_that_is_off_once_is_counted_again_and_one_that_stays_is_believed():
    rounds = iter(
        [
            {"sign": 230_000, "settle": 400_000, "grant": 600_000},
            {"sign": 201_000, "grant": 601_000},
            {"sign": 199_000, "grant": 599_000},
        ]
    )
    asked = []

    def count(names):
        asked.append(names)
        counted = next(rounds)
        return {name: counted[name] for name in names}

    recorded = {"sign": 200_000, "settle": 400_000, "grant": 500_000}
    counted = instructions.count_surely(count, ["sign", "settle", "grant"], recorded)
    assert counted == {"sign": 201_000, "settle": 400_000, "grant": 600_000}
    assert asked == [["sign", "settle", "grant"], ["sign", "grant"], ["sign", "grant"]]


def test_counts_of_other_processors_and_compilers_are_not_compared():
    record = {"swift": "6.3.1", "instructions": {"sign": 200_000}}
    assert instructions.hindrance(record, "x86_64", "6.3.1") is None
    assert "Swift 6.3.1, and this is 6.4" in instructions.hindrance(record, "x86_64", "6.4")
    assert "this processor, aarch64" in instructions.hindrance(None, "aarch64", "6.3.1")


def test_a_profile_reads_each_function_once():
    annotated = """\
Ir
1,200 (100.0%)  PROGRAM TOTALS

Ir              file:function

  800 (66.67%)  ???:$s9WorkerKit [/somewhere/CountedPieces]
  300 (25.00%)  ./malloc/./malloc/malloc.c:free [/lib/x86_64-linux-gnu/libc.so.6]
   50 ( 4.17%)  ???:$s9WorkerKit'2 [/somewhere/CountedPieces]
"""
    assert instructions.functions(annotated) == {"$s9WorkerKit  [CountedPieces]": 800, "free  [libc.so.6]": 300}
