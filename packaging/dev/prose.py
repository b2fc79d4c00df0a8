"""Find the prose in a file: the text that people read, without code, addresses and markup."""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CODE = "\0"
"""A placeholder for each character of code, which is never judged."""
TARGET = "\1"
"""A placeholder for each character of an address, or of a link's target."""

_FENCE = re.compile(r"^\s*(```|~~~)")
_MARKER = re.compile(r"^(\s*(?:[-*+]|\d+\.|>|#{1,6})\s+)+")
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)|\{\{.*?\}\}", re.DOTALL)
_ADDRESS = re.compile(r"(?<=\])\([^)\s]*\)|<https?:[^>]*>|https?:[^\s)]+")
_COMMENT = re.compile(r"^\s*#(?!!) ?(?P<text>.*)$")
_TRAILING_COMMENT = re.compile(r"\S +# (?P<text>.*)$")
_DIRECTIVE = re.compile(r"# ?(!|noqa|type:|fmt:|shellcheck|pragma)")
_PROSE_ARGUMENTS = frozenset({"help", "short_help", "epilog", "hint", "description"})
_PROSE_CALLS = frozenset({"say", "echo", "fail", "error", "note", "Unfit"})
"""Calls that print progress, or refuse a file or a setting."""


@dataclass(frozen=True)
class Paragraph:
    """Text that belongs together, with the line on which it starts; its own line breaks are kept."""

    line: int
    text: str


Reader = Callable[[str], Iterator[Paragraph]]


def paragraphs(name: str, text: str) -> list[Paragraph]:
    """Return the prose of ``text`` in its order; the ``name`` of its file decides which parts are prose.

    Markdown (.md), Python (.py), manual pages (.1.in) and plain text (README, .txt) have a reader of their
    own. In any other file the comments are the prose, which start with ``#``.
    """
    stem = name.removesuffix(".in")
    read = next((read for pattern, read in _READERS if re.search(pattern, stem)), comments)
    return sorted(read(text), key=lambda paragraph: paragraph.line)


def markdown(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs, list items and table cells of Markdown."""
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
            cells = (cell.strip() for cell in _without_code(line).split("|"))
            yield from (Paragraph(number, cell) for cell in cells if cell)
        else:
            marker = _MARKER.match(line)
            if marker:
                yield from ended()
            if not lines:
                start = number
            lines.append(line[marker.end() :] if marker else line)
    yield from ended()


def python(text: str) -> Iterator[Paragraph]:
    """Yield docstrings, comments, descriptions of options and settings, progress, and errors with hints."""
    for node in ast.walk(ast.parse(text)):
        for value in _texts(node):
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                first, _, rest = value.value.partition("\n")
                yield from _moved(markdown(f"{first}\n{textwrap.dedent(rest)}"), value.lineno)
            elif isinstance(value, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else CODE for part in value.values]
                yield Paragraph(value.lineno, _without_code("".join(map(str, parts))))
    whole: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        if token.line.lstrip().startswith("#"):
            whole[token.start[0]] = token.string.lstrip("# ")
        else:
            yield Paragraph(token.start[0], _without_code(token.string.lstrip("# ")))
    yield from markdown("\n".join(whole.get(number, "") for number in range(1, max(whole, default=0) + 1)))


def comments(text: str) -> Iterator[Paragraph]:
    """Yield the comments of a file; consecutive lines of comments belong together."""
    whole = []
    for number, line in enumerate(text.splitlines(), 1):
        comment = None if _DIRECTIVE.match(line.lstrip()) else _COMMENT.match(line)
        whole.append(comment["text"] if comment else "")
        trailing = None if comment else _TRAILING_COMMENT.search(line)
        if trailing:
            yield Paragraph(number, _without_code(trailing["text"]))
    yield from markdown("\n".join(whole))


def plain(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of a text without markup; an indented line is a row of columns."""
    flush = []
    for number, line in enumerate(text.splitlines(), 1):
        flush.append("" if line.startswith(" ") else line)
        if line.startswith(" "):
            for cell in re.split(r"\s{2,}", _without_code(line.strip())):
                yield Paragraph(number, cell)
    yield from markdown("\n".join(flush))


def roff(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of a manual page (man(7)); a tag is left out."""
    lines, tag = list[str](), False
    for line in text.splitlines():
        macro = re.match(r"\.(?P<name>\S*)\s*", line)
        font = macro is not None and macro["name"] in ("B", "I", "BR", "IR")
        shown = line[macro.end() :] if macro else line
        lines.append("" if tag or (macro and not font) else shown.replace("\\-", "-").replace("\\&", ""))
        tag = line.startswith(".TP")
    return markdown("\n".join(lines))


_READERS: tuple[tuple[str, Reader], ...] = (
    (r"\.md$", markdown),
    (r"\.py$", python),
    (r"\.[1-8]$", roff),
    (r"\.txt$|^README", plain),
)
"""The reader of a file, by its name without ``.in``."""


def _texts(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Expr | ast.keyword) and getattr(node, "arg", "help") in _PROSE_ARGUMENTS:
        yield node.value
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _PROSE_CALLS or name.endswith("Error"):
            yield from node.args


def _moved(found: Iterator[Paragraph], line: int) -> Iterator[Paragraph]:
    for paragraph in found:
        yield Paragraph(line + paragraph.line - 1, paragraph.text)


def _without_code(text: str) -> str:
    text = _INLINE_CODE.sub(lambda found: re.sub(r"[^\n]", CODE, found[0]), text)
    return _ADDRESS.sub(lambda found: TARGET * len(found[0]), text)
