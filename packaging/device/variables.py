#!/usr/bin/python3 -IB
"""Prints the variables of the app as options of uWSGI: Debian's emperor sets the same for all vassals.

uWSGI runs it, as the app's user, when it reads the configuration of a release. Its argument is the
release's folder.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment
from release import Release

_CHANGED = re.compile(r"[%$@]\(|[\r\n]|\A\s|\s\Z")
"""Text that uWSGI would replace or cut."""


def options(found: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that set the variables ``found``; if uWSGI cannot keep one, a line names it."""
    yield "[uwsgi]"
    for name, value in found.items():
        if _CHANGED.search(value):
            print(f"{name} is not set: uWSGI cannot take its value as it is", file=sys.stderr)
        else:
            yield f"env = {name}={value.replace('%', '%%')}"


if __name__ == "__main__":
    for line in options(environment.variables(Release.read(Path(sys.argv[1])), {})):
        print(line)
