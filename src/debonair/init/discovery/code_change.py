"""Changes of an author's code that ``debonair init`` proposes, and makes if the author agrees."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debonair.errors import ProjectError
from debonair.host.cache import whole
from debonair.project import reader

_IMPORTS = {"os": "import os", "Path": "from pathlib import Path"}
"""The names that a change may need, each with the line that imports it."""


@dataclass(frozen=True)
class Change:
    """A part of a Python file to replace."""

    path: Path
    """The file, relative to the project."""
    why: str
    """A sentence: why the code does not work on the Pi."""
    code: str
    """The code to write there; or a statement to append, if there is no ``node``."""
    node: ast.expr | None = None
    """The expression to replace."""
    shown: str = ""
    """The code to show instead, if the code has a secret."""
    setting: str = ""
    """The name of the setting to change."""

    @property
    def note(self) -> str:
        """The proposal in one or two sentences, with the line and the code."""
        line = f":{self.node.lineno}" if self.node else ""
        return f"{self.path}{line}: {self.why} {self.shown or self.code}"


def make(root: Path, changes: Sequence[Change]) -> list[str]:
    """Make ``changes`` in the project at ``root``, and return a sentence for each changed file.

    Raises ``ProjectError`` if a file cannot be changed, such as a link that leads out of the project; no
    file is half written.
    """
    made = []
    for path in dict.fromkeys(change.path for change in changes):
        here = [change for change in changes if change.path == path]
        before = reader.text(root / path, root)
        try:
            after = changed(before, here)
            compile(after, str(path), "exec", dont_inherit=True)  # checks more than the syntax tree
        except (SyntaxError, ValueError):
            raise ProjectError(
                f"{path} could not be changed, because the result would not be valid Python.",
                hint="Change it by hand, as described above.",
            ) from None
        with whole(Path(os.path.realpath(root / path))) as temporary:
            temporary.write_text(after, encoding="utf-8", newline="")
        lines = [str(line) for line in sorted(change.node.lineno for change in here if change.node)]
        shown = [f"line{'s' * (len(lines) > 1)} {', '.join(lines)}"] if lines else []
        shown += ["the end"] if any(change.node is None for change in here) else []
        made.append(f"{path}: changed {' and '.join(shown)}.")
    return made


def changed(text: str, changes: Iterable[Change]) -> str:
    """Return ``text`` with ``changes``, and with the imports that they need.

    Raises ``SyntaxError`` if the result is not valid Python, and ``ValueError`` for unusual line ends.
    """
    data = text.encode()
    if re.search(rb"\r(?!\n)", data):
        raise ValueError("Python counts lines that end by a carriage return; so must we")
    starts = [0, *(number + 1 for number, byte in enumerate(data) if byte == ord("\n"))]
    end_of_line = "\r\n" if b"\r\n" in data else "\n"
    replaced, appended = list[tuple[int, int, str]](), list[str]()
    for change in changes:
        node = change.node
        if node is None or node.end_lineno is None or node.end_col_offset is None:
            appended.append(change.code)
        else:
            first = starts[node.lineno - 1] + node.col_offset
            replaced.append((first, starts[node.end_lineno - 1] + node.end_col_offset, change.code))
    for first, last, code in sorted(replaced, reverse=True):
        data = data[:first] + code.encode() + data[last:]
    text = data.decode()
    if appended:
        text = (
            text.rstrip("\r\n") + "".join(f"{end_of_line}{line}" for line in ["", *appended]) + end_of_line
        )
    needed = list(_missing(text))
    if not needed:
        return text
    lines = text.split("\n")  # as Python counts them, unlike str.splitlines()
    lines = [*(f"{line}\n" for line in lines[:-1]), *filter(None, lines[-1:])]
    lines[(place := _place(text)) : place] = [f"{line}{end_of_line}" for line in needed]
    return "".join(lines)


def _missing(text: str) -> Iterator[str]:
    """Yield the imports of names that ``text`` uses but does not define."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    # An import in a function or a condition may not count for the whole module. A second one does no harm.
    known = {
        (alias.asname or alias.name).partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    yield from (line for name, line in _IMPORTS.items() if name in used - known)


def _place(text: str) -> int:
    """Return the number of lines before the first place in ``text`` for an import."""
    place = 0
    for node in ast.parse(text).body:
        documents = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not documents and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            return node.lineno - 1
        place = node.end_lineno or place
    return place
