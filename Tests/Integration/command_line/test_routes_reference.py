"""docs/routes.md has every key that the framework reads from routes.yaml, with its default."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KEY = re.compile(r'^[^/\n]*ConfigurationKey(?:<\w+>)?\(\s*"(\w+)",(?:\s*default: ([^,]+),)?', re.MULTILINE)
SECTION = re.compile(r"keys: \[([^\]]+)\]")
DURATION = re.compile(r"\.seconds\((\d+)\)")
ROW = re.compile(r"^\| `(\w+)` \| `?([^|`]*)", re.MULTILINE)


def declared(folder):
    """The keys that the sources declare, with their defaults where these are literals."""
    text = "\n".join(source.read_text() for source in sorted((ROOT / folder).rglob("*.swift")))
    keys = {name: None for names in SECTION.findall(text) for name in re.findall(r'"(\w+)"', names)}
    for name, default in KEY.findall(text):
        default = DURATION.sub(r"\1s", default)
        keys[name] = default if re.fullmatch(r"\d+s?|true|false", default) else None
    return keys


def test_every_key_is_documented():
    keys = declared("Sources/WorkerKit")
    assert {"url", "concurrency", "handler", "base", "unrouted", "blocking"} <= keys.keys()
    page = (ROOT / "docs/routes.md").read_text()
    missing = [name for name in keys if f"`{name}`" not in page]
    assert not missing
    documented = {(name, default.strip()) for name, default in ROW.findall(page)}
    names = {name for name, _ in documented}
    defaults = {(name, default) for name, default in keys.items() if default is not None and name in names}
    assert len(defaults) > 5
    assert defaults <= documented


def test_every_documented_key_is_declared():
    page = (ROOT / "docs/routes.md").read_text()
    keys = page[page.index("\n## Keys\n") : page.index("\n## Values\n")]
    documented = {name for name, _ in ROW.findall(keys)}
    assert len(documented) > 25
    assert documented <= declared("Sources/WorkerKit").keys()
