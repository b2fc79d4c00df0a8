"""A page as text for people, shortened."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from debonair.debian.rootfs.machine import Reply

_BODY_LINES = 40
_BODY_COLUMNS = 160
_COLUMNS = 76
_LONGEST = 200_000  # characters of HTML that are read
_UNSEEN = frozenset({"head", "script", "style", "template", "svg"})
_INLINE = frozenset({"a", "b", "code", "em", "i", "small", "span", "strong", "time"})


def page(found: Reply) -> str:
    """Return the body of an answer as text for people, shortened to a screenful."""
    kind = found.headers.get("content-type", "")
    if not kind.startswith(("text/", "application/json")):
        return f"({kind or 'no content type'}, {len(found.body)} bytes)"
    lines = [line.rstrip() for line in found.text.splitlines() if line.strip()]
    shown = [line if len(line) <= _BODY_COLUMNS else line[: _BODY_COLUMNS - 3] + "..." for line in lines]
    if len(shown) > _BODY_LINES:
        shown[_BODY_LINES:] = [f"({len(shown) - _BODY_LINES} more lines)"]
    return "\n".join(shown)


def first_lines(found: Reply, most: int) -> list[str]:
    """Return the first ``most`` lines of a page as a person reads them: without the tags of HTML."""
    lines = page(found).splitlines()
    if found.headers.get("content-type", "").startswith("text/html"):
        reader = _Reader()
        reader.feed(found.text[:_LONGEST])
        lines = reader.lines() or lines
    return lines[:most]


class _Reader(HTMLParser):
    """The text of a page of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self._unseen = 0
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where text begins that is not shown."""
        del attrs
        self._unseen = 0 if tag == "body" else self._unseen + (tag in _UNSEEN)  # </head> is optional
        self._text.append("\n" if tag not in _INLINE else "")

    def handle_endtag(self, tag: str) -> None:
        """Note where it ends."""
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._text.append("\n" if tag not in _INLINE else "")

    def handle_data(self, data: str) -> None:
        """Keep a text that is shown."""
        if not self._unseen:
            self._text.append(re.sub(r"\s+", " ", data))

    def lines(self) -> list[str]:
        """Return its lines that are not empty, each at most 76 characters long."""
        lines = (line.strip() for line in "".join(self._text).splitlines())
        return [line if len(line) <= _COLUMNS else line[: _COLUMNS - 3] + "..." for line in lines if line]
