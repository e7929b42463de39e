"""Compiles the files that are named, writing nothing; any warning is an error."""

import sys
import warnings

warnings.simplefilter("error")
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        compile(file.read(), path, "exec")
