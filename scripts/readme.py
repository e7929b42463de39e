"""Keeps the code blocks of the README and of docs/ the same as the files that they show.

A block after a line `<!-- path -->` shows that file whole. `readme.py` writes the blocks anew, `readme.py --check` only
says which differ.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- (?P<path>\S+) -->\n```\w*\n)(?P<body>.*?)(^```$)", re.DOTALL | re.MULTILINE)


def main():
    readme = ROOT / "README.md"
    if (ROOT / "routes.yaml").read_text().split("version: 1", 1)[1] not in readme.read_text():
        sys.exit("README.md: the routes file is not the one in routes.yaml; copy it there")
    for document in [readme, *sorted((ROOT / "docs").glob("*.md"))]:
        fill_in(document)


def fill_in(document):
    text = document.read_text()
    stale = []

    def fill(match):
        body = (ROOT / match["path"]).read_text()
        if body != match["body"]:
            stale.append(match["path"])
        return match[1] + body + match[4]

    filled = BLOCK.sub(fill, text)
    if "--check" not in sys.argv:
        document.write_text(filled)
    elif stale:
        sys.exit(f"{document.relative_to(ROOT)} is behind " + ", ".join(stale) + "; run: python3 scripts/readme.py")


main()
