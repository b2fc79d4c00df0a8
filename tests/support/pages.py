"""Pages of the documentation, as a reader follows them: the files to write, and the commands to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```(?P<words>[^\n`]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"`(?P<name>[\w./-]+\.\w+)`(, [^.:`]*)?:$")
"""The end of the text before the content of a file: its name in backquotes, perhaps a clause, a colon."""


@dataclass(frozen=True)
class Block:
    """A block between fences."""

    line: int
    words: tuple[str, ...]
    """The words behind the opening fence: a language, and where to type commands."""
    body: str
    file: str
    """The name of its file, if it is the content of one."""

    @property
    def is_command(self) -> bool:
        """Return whether a reader types it."""
        return bool(self.words) and self.words[0] == "sh"

    @property
    def place(self) -> str:
        """Return where to type it: ``pi``, a ``clone`` of Debonair, or empty for the reader's folder."""
        return self.words[1] if len(self.words) > 1 else ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of ``page``, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        before = text[: found.start()].rstrip().rpartition("\n\n")[2].replace("\n", " ")
        words = tuple(found["words"].split())
        named = _FILE.search(before) if words[:1] != ("sh",) else None
        yield Block(
            line=text.count("\n", 0, found.start()) + 1,
            words=words,
            body=found["body"],
            file=named["name"] if named else "",
        )


def followed() -> list[Path]:
    """Return the pages with instructions for a reader: the tutorial and the how-to guides."""
    return [*sorted((DOCS / "tutorial").glob("*.md")), *sorted((DOCS / "how-to").glob("*.md"))]
