"""Paragraphs of fields, the format of most of Debian's files (deb822(5), Policy section 5.1).

``deb.stanza`` reads the control file of a stranger's package, and refuses anything unusual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_BETWEEN = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each paragraph of ``text``, as ``fields`` returns them."""
    for paragraph in _BETWEEN.split(text.strip("\n")):
        if found := fields(paragraph):
            yield found


def fields(text: str) -> dict[str, str]:
    """Return the fields of the first paragraph of ``text``, by their name; comments are left out.

    A field of several lines keeps them, without the blank that indents each.
    """
    found: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):  # str.splitlines would also break lines at characters that are text here
        if not line.strip():
            break
        if line[0] == "#":
            continue
        if line[0] in " \t" and name:
            found[name] += "\n" + line[1:]
        else:
            name, _, value = line.partition(":")
            found[name] = value.strip()
    return found


def text(fields: Mapping[str, str]) -> str:
    """Return a paragraph with ``fields`` in their order, the further lines of each value indented.

    A value may begin with a line break. An empty line becomes a dot (Policy section 5.6.13).
    """
    return "".join(f"{name}:{_value(value)}\n" for name, value in fields.items())


def _value(value: str) -> str:
    first, *more = value.split("\n")
    start = "" if more and not first else f" {first}"
    return "\n ".join([start, *(line if line.strip() else "." for line in more)])
