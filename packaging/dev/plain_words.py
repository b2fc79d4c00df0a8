"""Check that texts for people are plain English: the words and the length of each sentence.

``plain-words.toml`` beside this file names the files, the longest sentence and the patterns. Each find is
printed with its file and line, the reason and a better wording; the exit status is then 1.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from prose import CODE, TARGET, Paragraph, paragraphs

ROOT = Path(__file__).parents[2]
RULES = Path(__file__).with_name("plain-words.toml")

_SENTENCE_END = re.compile(r"(?<=[.!?])[\")*_]*\s+|(?<=:)[*_]*\s+(?=[\"'(\[*_]*[A-Z0-9\0])")
_WORD = re.compile(rf"{CODE}+(?:,? {CODE}+)*|\[[^]{TARGET}]*\]{TARGET}+|{TARGET}+|[\w'-]+")
"""A word; a row of code spans with commas between them is one word, and so is a link."""


@dataclass(frozen=True)
class Pattern:
    """An expression that no sentence may match."""

    find: re.Pattern[str]
    why: str
    write: str


@dataclass(frozen=True)
class Rules:
    """The content of ``plain-words.toml``."""

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
    """Return the finds in ``text``; the ``name`` of its file decides which parts are prose."""
    return [find for paragraph in paragraphs(name, text) for find in _judge(paragraph, rules)]


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
    text = re.sub(rf"{CODE}+", "`...`", text).replace(TARGET, "").strip()
    return text if len(text) <= most else f"{text[:most]}..."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
