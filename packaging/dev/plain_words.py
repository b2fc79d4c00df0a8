"""Check that what people read is plain English: the words and the length of each sentence.

``plain-words.toml`` beside this file names the files, the longest sentence and the patterns. Each find is
printed with its file and line, the reason and a better wording; the exit status is then 1.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RULES = Path(__file__).with_name("plain-words.toml")

_CODE = "\0"
"""Stands for each character of code, which is never judged."""
_TARGET = "\1"
"""Stands for each character of an address, or of a link's target."""
_FENCE = re.compile(r"^\s*(```|~~~)")
_MARKER = re.compile(r"^(\s*(?:[-*+]|\d+\.|>|#{1,6})\s+)+")
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_ADDRESS = re.compile(r"(?<=\])\([^)\s]*\)|<https?:[^>]*>|https?:[^\s)]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\")*_]*\s+|(?<=:)[*_]*\s+(?=[\"'(\[*_]*[A-Z0-9\0])")
_WORD = re.compile(rf"{_CODE}+(?:,? {_CODE}+)*|\[[^]{_TARGET}]*\]{_TARGET}+|{_TARGET}+|[\w'-]+")
"""A word; a row of code spans with commas between them is one word, and so is a link."""


@dataclass(frozen=True)
class Pattern:
    """An expression that no sentence may match."""

    find: re.Pattern[str]
    why: str
    write: str


@dataclass(frozen=True)
class Rules:
    """What ``plain-words.toml`` asks for."""

    patterns: tuple[Pattern, ...]
    max_words: int
    files: tuple[str, ...]
    exclude: tuple[str, ...]


@dataclass(frozen=True)
class Find:
    """A sentence that breaks a rule."""

    line: int
    found: str
    why: str
    write: str


@dataclass(frozen=True)
class Paragraph:
    """Text that belongs together, with the line on which it starts; its own line breaks are kept."""

    line: int
    text: str


def main(words: Sequence[str]) -> int:
    """Check the files named in ``words``, or those of the rules; return the exit status."""
    rules = load(RULES.read_text(encoding="utf-8"))
    count = 0
    for path in [Path(word).absolute() for word in words] or files(ROOT, rules):
        for find in check(path.name, path.read_text(encoding="utf-8"), rules):
            count += 1
            shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            print(f"{shown}:{find.line}: {find.found!r}: {find.why} Write: {find.write}")
    return 1 if count else 0


def load(text: str) -> Rules:
    """Read the rules from TOML; an expression that does not compile raises ``re.error``."""
    data: dict[str, Any] = tomllib.loads(text)
    return Rules(
        patterns=tuple(
            Pattern(re.compile(each["find"]), each["why"], each["write"]) for each in data["pattern"]
        ),
        max_words=data["max-words"],
        files=tuple(data["files"]),
        exclude=tuple(data.get("exclude", ())),
    )


def files(root: Path, rules: Rules) -> list[Path]:
    """Return the files that the rules name below ``root``.

    A name that matches no file raises ``ValueError``: it would check nothing.
    """
    found: set[Path] = set()
    for name in rules.files:
        these = {path for path in root.glob(name) if path.is_file()}
        if not these:
            raise ValueError(f"plain-words.toml: no file matches {name!r}")
        found |= these
    return sorted(path for path in found if not any(path.match(name) for name in rules.exclude))


def check(name: str, text: str, rules: Rules) -> list[Find]:
    """Return what is not plain in ``text``; the suffix of ``name`` decides what is prose."""
    read = READERS.get(Path(name).suffix, plain)
    return [find for paragraph in read(text) for find in _judge(paragraph, rules)]


def markdown(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs, list items and table cells of Markdown, without code and link targets."""
    start, lines, fenced = 1, list[str](), False

    def ended() -> Iterator[Paragraph]:
        if lines:
            yield Paragraph(start, _without_code("\n".join(lines)))
            lines.clear()

    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
            yield from ended()
        elif fenced or not line.strip() or (line.startswith("    ") and not lines):
            yield from ended()
        elif line.lstrip().startswith("|"):
            yield from ended()
            yield from (
                Paragraph(number, cell.strip()) for cell in _without_code(line).split("|") if cell.strip()
            )
        else:
            marker = _MARKER.match(line)
            if marker:
                yield from ended()
            if not lines:
                start = number
            lines.append(line[marker.end() :] if marker else line)
    yield from ended()


def python(text: str) -> Iterator[Paragraph]:
    """Yield the prose of Python: docstrings, comments, and the texts that are passed as ``help``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword):
            value = node.value if node.arg in ("help", "short_help", "epilog") else None
        else:
            value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            for paragraph in plain(value.value):
                yield Paragraph(value.lineno + paragraph.line - 1, paragraph.text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(
            ("#!", "# noqa", "# type:", "# fmt:")
        ):
            yield Paragraph(token.start[0], _without_code(token.string.lstrip("# ")))


def plain(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of a text without markup; ``#`` at the start of a line is no part of it."""
    lines = [re.sub(r"^\s*#+ ?", "", line) for line in text.splitlines()]
    return markdown("\n".join(line.strip() for line in lines))


READERS: dict[str, Callable[[str], Iterator[Paragraph]]] = {".md": markdown, ".py": python}
"""What reads the prose of a file, by its suffix; any other is plain text."""


def _without_code(text: str) -> str:
    text = _INLINE_CODE.sub(lambda found: _CODE * len(found[0]), text)
    return _ADDRESS.sub(lambda found: _TARGET * len(found[0]), text)


def _judge(paragraph: Paragraph, rules: Rules) -> Iterator[Find]:
    text = paragraph.text.replace("\n", " ")
    starts = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        sentence = text[start:end].lstrip("*_\"'([ ")
        at = end - len(sentence)

        def line(offset: int, at: int = at) -> int:
            return paragraph.line + paragraph.text.count("\n", 0, at + offset)

        for pattern in rules.patterns:
            for found in pattern.find.finditer(sentence.rstrip()):
                yield Find(line(found.start()), _shown(found[0]), pattern.why, pattern.write)
        length = len(_WORD.findall(sentence))
        if length > rules.max_words:
            yield Find(
                line(0),
                _shown(sentence),
                f"The sentence has {length} words.",
                f"sentences of at most {rules.max_words} words, one idea each",
            )


def _shown(text: str, most: int = 60) -> str:
    text = re.sub(rf"{_CODE}+", "`...`", text).replace(_TARGET, "").strip()
    return text if len(text) <= most else f"{text[:most]}..."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
