"""Write values as TOML, for files of ours that have comments, or inline tables on lines of their own."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def value(found: Any) -> str:
    """Return a text, a number, a boolean, or a list of them as TOML, on one line.

    They have the syntax of JSON, except for one control character.
    """
    if isinstance(found, list | tuple):
        return f"[{', '.join(map(value, found))}]"
    return msgspec.json.encode(found).decode().replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """Return ``name`` as one part of a key."""
    return name if _BARE.fullmatch(name) else value(name)
