"""Text of others, made safe for a terminal and a note: few and short lines, no control characters."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata

from chatter import without

LINES = 20
_LENGTH = 400  # characters of a line
_AFTER = 5  # lines that may follow the last line of a traceback
_NARROW = 40  # columns of a terminal below which lines are not broken
_REQUEST = re.compile(r"\[pid: \d+\|app: ")
_CONTROL = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Categories of Unicode that move the cursor, hide text or turn its direction (UAX 44)."""


def say(text: str, *, error: bool = False, indent: str = "", lines: bool = False) -> None:
    """Print one line, safe for a terminal, and broken at the width of one with an ``indent``.

    The command of the app prints all text through this function, because most of it may be the app's. Files
    and pipes get lines unbroken. With ``lines``, a line break in ``text`` remains one.
    """
    stream = sys.stderr if error else sys.stdout
    for line in text.split("\n") if lines else [text]:
        shown = escaped(line)
        if stream.encoding:  # a terminal may not have all characters
            shown = shown.encode(stream.encoding, "backslashreplace").decode(stream.encoding)
        wrap = indent and stream.isatty()
        for part in broken(shown, shutil.get_terminal_size().columns, indent) if wrap else [shown]:
            print(part, file=stream)


def broken(line: str, columns: int, indent: str) -> list[str]:
    """Return ``line`` in lines of at most ``columns``, the later ones with ``indent``; words stay whole."""
    if columns < _NARROW or len(line) <= columns:
        return [line]
    return textwrap.wrap(
        line,
        columns,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def escaped(text: str) -> str:
    """Return ``text`` in one line, with escapes for characters that control a terminal."""
    return "".join(_shown(character) for character in text)


def printable(text: str) -> str:
    """Return ``text`` as ``escaped`` does, cut if it is long."""
    shown = escaped(text[: _LENGTH + 1])
    return shown if len(text) <= _LENGTH else f"{shown[:_LENGTH]}..."


def _shown(character: str) -> str:
    if character == "\t" or (character.isprintable() and unicodedata.category(character) not in _CONTROL):
        return character
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8 (PEP 383)
        return f"\\x{os.fsencode(character).hex()}"
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
