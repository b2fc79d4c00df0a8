"""Text of others, made safe for a terminal and a note: few and short lines, no control characters."""

from __future__ import annotations

import re
import unicodedata

from chatter import without

LINES = 20
_LENGTH = 400  # characters of a line
_AFTER = 5  # lines that may follow the last line of a traceback
_REQUEST = re.compile(r"\[pid: \d+\|app: ")
_CONTROL = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Categories of Unicode that move the cursor, hide text or turn its direction (UAX 44)."""


def printable(text: str) -> str:
    """Return ``text`` in one line, cut if long, with escapes for characters that control a terminal."""
    shown = "".join(_shown(character) for character in text[: _LENGTH + 1])
    return shown if len(text) <= _LENGTH else f"{shown[:_LENGTH]}..."


def _shown(character: str) -> str:
    if character == "\t" or (character.isprintable() and unicodedata.category(character) not in _CONTROL):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def tail(text: str) -> str:
    """Return the lines of a program's output that explain its failure, safe for a terminal.

    These are its last lines. If there are tracebacks, these are the lines of the last traceback, and few
    lines after it. A program that is restarted again and again has the reason above its newest output.
    uWSGI's lines about requests and about its start are left out, unless there are no others.
    """
    lines = text.strip().split("\n")
    lines = [line for line in lines if not _REQUEST.match(line)] or lines
    lines = without(lines) or lines
    begins = [number for number, line in enumerate(lines) if "Traceback (most recent" in line]
    if begins:
        lines = lines[begins[-1] :]
        ends = (number for number, line in enumerate(lines) if number and line[:1].strip())
        error = next(ends, len(lines))
        lines = lines[: max(error + _AFTER, LINES)]
    return "\n".join(printable(line.rstrip("\r")) for line in lines[-LINES:])
