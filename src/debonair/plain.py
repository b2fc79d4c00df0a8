"""Text of others, for a terminal: what would command it is shown instead of obeyed."""

from __future__ import annotations

import re

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, line ends of Unicode, and what turns the direction of text."""


def plain(text: str) -> str:
    r"""Return ``text`` with what commands a terminal written out, such as ``\x1b``; lines end by ``\n``."""
    return _COMMANDS.sub(lambda found: _shown(found[0]), text.replace("\r\n", "\n"))


def _shown(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
