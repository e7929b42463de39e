"""Checks that no arrow in Sources/WorkerKit points the wrong way: a folder names types of those below it alone.

    python3 scripts/check_rooms.py

Between targets the compiler does that. Inside one it does not, so this looks for the names of the types that each folder
declares. What is in one line is side by side: neither knows the other.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "Sources/WorkerKit"

# From the top down.
FLOORS = [
    {"Consumer"},
    {"Routing", "Middleware", "DeadLetters"},
    {"CircuitBreaker", "Limits"},
    {"Events"},
    {"Queue"},
    {"Plugins"},
    {"Telemetry", "Files"},
    {"Concurrency"},
]
DECLARATION = re.compile(
    r"^(?:(?:public|package|final|indirect) )*(?:struct|class|enum|protocol|actor|typealias) (\w+)", re.MULTILINE
)
# A type's own parameters hide types of their names.
PARAMETERS = re.compile(r"<\w[^<>]*>(?=[ (:{])")


def code(path):
    """A file's text without comments and strings."""
    text = re.sub(r'"""(?s:.*?)"""|"(?:[^"\\\n]|\\.)*"', '""', path.read_text())
    return re.sub(r"//.*", "", text)


def main():
    floors = {folder: number for number, floor in enumerate(FLOORS) for folder in floor}
    files = {path: path.relative_to(ROOT).parts[0] for path in sorted(ROOT.rglob("*.swift"))}
    problems = [
        f"{folder}/: place it in FLOORS of {pathlib.Path(__file__).name}"
        for folder in sorted({folder for folder in files.values() if folder not in floors})
    ]
    homes = {name: files[path] for path in files for name in DECLARATION.findall(path.read_text())}
    for path, folder in files.items():
        text = code(path)
        own = {name for parameters in PARAMETERS.findall(text) for name in re.findall(r"\w+", parameters)}
        for name in sorted(set(re.findall(r"\b[A-Z]\w+", text)) - own):
            home = homes.get(name, folder)
            if home != folder and floors.get(home, 0) <= floors.get(folder, 0):
                problems.append(f"{path.relative_to(ROOT)}: {folder} must not know {name}, which is {home}'s")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
