"""Parse nginx's configuration: directives that end with a semicolon or have a block.

The package index has a parser, crossplane. But it has had no release since 2022, and Debian does not
package it. The syntax is small; nginx's ``ngx_conf_file.c`` and "Beginner's Guide" describe it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debonair.init.imports.forms import error
from debonair.project import reader

_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    | (?P<mark>[;{}])
    | "(?P<double>(?:\\.|[^"\\])*)" | '(?P<single>(?:\\.|[^'\\])*)'
    | (?P<word>(?:\$\{[^}]*\}|\\.|[^\s;{"'\\])(?:\$\{[^}]*\}|\\.|[^\s;{\\])*)""",
    re.VERBOSE | re.DOTALL,
)
_DEEPEST = 32
"""The most blocks inside each other."""
_SHOWN = 1000
"""The most characters of a directive that are kept as written."""
_OFTEN = {
    "alias",
    "include",
    "listen",
    "location",
    "proxy_pass",
    "root",
    "server",
    "server_name",
    "uwsgi_pass",
}
"""Words that start a directive at the beginning of a line, even if they might continue the last one."""


@dataclass(frozen=True)
class Directive:
    """A directive with the contents of its block."""

    line: int
    text: str
    """The directive as written, on one line, without its semicolon or block."""
    name: str
    words: tuple[str, ...]
    """The words after its name, without quotes."""
    block: tuple[Directive, ...] = ()

    def within(self) -> Iterator[Directive]:
        """Yield the directive, and all directives inside it."""
        yield self
        for inner in self.block:
            yield from inner.within()


def read(path: Path, root: Path) -> tuple[Directive, ...]:
    """Return the directives of the file ``path``, which must be in the folder ``root``.

    Raises ``ProjectError`` with file and line if nginx could not read it either.
    """
    text = reader.text(path, root)
    tokens = _tokens(path, text)
    return tuple(_block(path, text, tokens, deep=0))


def _block(
    path: Path, text: str, tokens: Iterator[tuple[str, str, int, int]], *, deep: int
) -> Iterator[Directive]:
    words: list[str] = []
    start = line = 0
    for kind, value, begin, now in tokens:
        if kind != "mark":
            if words and now > line and value in _OFTEN:
                raise error(path, line, f"'{words[0]}' has no end", "Add a ; at its end.")
            if not words:
                start, line = begin, now
            words.append(value)
        elif value == "}":
            if words:
                raise error(path, line, f"'{words[0]}' has no end", "Add a ; at its end.")
            if not deep:
                raise error(path, now, "a } closes nothing", "Remove it, or open its block.")
            return
        elif not words:
            raise error(path, now, f"a {value} is on its own", "Remove it.")
        else:
            if deep == _DEEPEST:
                raise error(path, now, f"blocks are nested more than {_DEEPEST} deep", "Nest fewer blocks.")
            written = " ".join(text[start : min(begin, start + _SHOWN)].split())
            block = tuple(_block(path, text, tokens, deep=deep + 1)) if value == "{" else ()
            yield Directive(line, written, words[0], tuple(words[1:]), block)
            words = []
    last = text.rstrip().count("\n") + 1
    if words:
        raise error(path, line, f"'{words[0]}' has no end", "Add a ; at its end.")
    if deep:
        raise error(path, last, "the file ends inside a block", "Close the block with a }.")


def _tokens(path: Path, text: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield the kind, value, position and line of each word and mark."""
    place, line = 0, 1
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise error(path, line, f"a {text[place]} is not closed", "Write the second one.")
        kind = found.lastgroup or "word"
        if len(found[kind]) > reader.LONGEST and kind != "blank":
            raise error(
                path,
                line,
                "a word is longer than 4096 characters",
                "Shorten it: nginx does not accept it either.",
            )
        if kind != "blank":
            yield kind, found[kind], place, line
        line += found[0].count("\n")
        place = found.end()
