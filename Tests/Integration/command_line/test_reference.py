"""docs/commands.md and docs/configuration-keys.md are what the binary says of itself."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_command_reference_is_the_help_of_the_commands(binary):
    commands = runpy.run_path(str(ROOT / "scripts" / "commands.py"))
    assert commands["PAGE"].read_text() == commands["page"](binary), "run: python3 scripts/commands.py"


def test_the_keys_reference_is_the_schema_of_the_routes_file(binary):
    keys = runpy.run_path(str(ROOT / "scripts" / "configuration_keys.py"))
    assert keys["PAGE"].read_text() == keys["page"](binary), "run: python3 scripts/configuration_keys.py"
