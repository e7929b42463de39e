"""Keeps the documentation in step with the project: code blocks with the files that they show, links with their targets.

A block after a line `<!-- path -->` shows that file whole. `readme.py` rewrites the blocks; `readme.py --check` reports the
blocks that differ, and links whose file or heading does not exist.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- (?P<path>\S+) -->\n```\w*\n)(?P<body>.*?)(^```$)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|^ {4}.*?$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def main():
    readme = ROOT / "README.md"
    if (ROOT / "routes.yaml").read_text().split("version: 1", 1)[1] not in readme.read_text():
        sys.exit("README.md: the routes file is not the one in routes.yaml; copy it there")
    documents = [readme, *sorted((ROOT / "docs").glob("*.md"))]
    for document in documents:
        fill_in(document)
    others = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "infra/README.md"]
    broken = [line for document in documents + others for line in broken_links(document)]
    if broken:
        sys.exit("\n".join(broken))


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


def broken_links(document):
    for path, anchor in LINK.findall(CODE.sub("", document.read_text())):
        target = (document.parent / path).resolve() if path else document
        if not target.exists():
            yield f"{document.relative_to(ROOT)}: there is no {path}"
        elif anchor and anchor not in anchors(target):
            yield f"{document.relative_to(ROOT)}: {target.relative_to(ROOT)} has no heading #{anchor}"


def anchors(document):
    """As GitHub derives them from headings; of two equal headings, only the first has one here."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


main()
