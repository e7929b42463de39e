"""Writes docs/configuration-keys.md: every key of routes.yaml, as `worker schema --configuration` describes it.

`configuration_keys.py` writes the page anew. A test compares it with what the binary says.
"""

import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configuration-keys.md"
INTRODUCTION = """\
# Keys of routes.yaml

Every key that the worker binary reads, as it is declared in the code. [routes.md](routes.md) explains the file, with ranges and examples.
`python3 scripts/configuration_keys.py` writes this page.
"""
EMPTY_DEFAULT = re.compile(r" Default: (\[:?\])?\.$")
NAMED = {"queues": "a name of your choice", "limits": "a name of your choice", "routes": "an event type"}


def page(binary):
    """The whole page, from the worker at `binary`."""
    command = [str(binary), "schema", "--configuration"]
    schema = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return INTRODUCTION + "".join(sections("", schema))


def sections(path, schema):
    """A table for each mapping, and then those of the mappings in it."""
    keys = schema.get("properties", {})
    if keys:
        rows = "".join(f"| `{name}` | {meaning(key)} |\n" for name, key in sorted(keys.items()))
        yield f"\n## {f'`{path}`' if path else 'The file'}\n\n| key | meaning |\n|---|---|\n{rows}"
    for name, key in sorted(keys.items()):
        below = f"{path}.{name}" if path else name
        yield from sections(below, key)
        if isinstance(key.get("additionalProperties"), dict):
            yield from sections(f"{below}.<{NAMED.get(name, 'name')}>", key["additionalProperties"])


def meaning(key):
    described = EMPTY_DEFAULT.sub("", key.get("description", "")).replace("|", "\\|").replace("\n", " ")
    values = key.get("enum") or key.get("items", {}).get("enum")
    if values:
        choice = ", ".join(f"`{value}`" for value in values)
        described += f"{'One' if 'enum' in key else 'Some'} of {choice}."
    return described or ("See below." if key.get("properties") or key.get("additionalProperties") else "")


if __name__ == "__main__":
    PAGE.write_text(page(ROOT / ".build/debug/worker"))
