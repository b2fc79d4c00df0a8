"""Read the literal values in a setup.py from its syntax, without running it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from debonair.project import reader, syntax

_MOST = 4_000_000
"""The most characters of all values: a text that is added to itself grows as 2**n."""

Plain = str | int | list[str] | dict[str, Any]
"""A text, a number, a list of texts, or a table of these: the types of metadata."""


def read(path: Path, root: Path) -> dict[str, Any]:
    """Return the arguments of the call of ``setup()`` in ``path``, a file of the project in ``root``.

    A name has its last assigned value. An argument that needs computing is ``None``. The result is empty
    for a file that this Python cannot parse, perhaps of Python 2. Raises ``ProjectError`` if the file is
    not text.
    """
    try:
        tree = syntax.parse(reader.text(path, root), str(path))
    except SyntaxError:
        return {}
    values = _Values()
    arguments = dict[str, Any]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            value = values.of(node.value)
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            values.known |= {} if value is None else dict.fromkeys(names, value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setup":
            arguments |= {word.arg: values.of(word.value) for word in node.keywords if word.arg}
    return arguments


class _Values:
    """The values of names, and the number of characters that they may still take."""

    def __init__(self) -> None:
        self.known: dict[str, Plain] = {}
        self.left = _MOST

    def of(self, node: ast.expr) -> Plain | None:
        """Return the literal value of an expression; ``None`` if it would have to be run."""
        value = self._plain(node)
        self.left -= 0 if value is None else _size(value)
        return value if self.left > 0 else None

    def _plain(self, node: ast.expr) -> Plain | None:  # noqa: PLR0911 - one for each form
        match node:
            case ast.Name(id=name):
                return self.known.get(name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                values = [self.of(item) for item in items]
                texts = [value for value in values if isinstance(value, str)]
                return texts if len(texts) == len(values) else None
            case ast.Dict(keys=keys, values=items):
                return {
                    key.value: value
                    for key, item in zip(keys, items, strict=True)
                    if isinstance(key, ast.Constant)
                    and isinstance(key.value, str)
                    and isinstance(value := self.of(item), str | list)
                }
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                first, second = self.of(left), self.of(right)
                if isinstance(first, str) and isinstance(second, str):
                    return first + second
                return first + second if isinstance(first, list) and isinstance(second, list) else None
            case ast.Constant(value=str() | int() as value):
                return value
        return None


def _size(value: Plain) -> int:
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return 1 + sum(len(text) + 1 for text in texts)
