"""Writes docs/commands.md: what each command of the worker says of itself, by its `--help`.

`commands.py` writes the page anew. A test compares it with what the binary says.
"""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "commands.md"
INTRODUCTION = """\
# Commands

The text of each command's `--help`. `python3 scripts/commands.py` writes this page.
"""


def page(binary):
    """The whole page, from the worker at `binary`."""
    return INTRODUCTION + "".join(sections(str(binary), []))


def sections(binary, command):
    # Help is as wide as the terminal.
    environment = {**os.environ, "COLUMNS": "100"}
    text = subprocess.run(
        [binary, *command, "--help"], env=environment, check=True, capture_output=True, text=True
    ).stdout
    name = " ".join(["worker", *command])
    yield f"\n## {name}\n\n```text\n{text.rstrip()}\n```\n"
    subcommands = text.partition("SUBCOMMANDS:\n")[2].partition("\n\n")[0]
    for subcommand in re.findall(r"^  ([a-z][a-z-]*)", subcommands, re.MULTILINE):
        yield from sections(binary, [*command, subcommand])


if __name__ == "__main__":
    PAGE.write_text(page(ROOT / ".build/debug/worker"))
