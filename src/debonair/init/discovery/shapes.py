"""Classify statements and functions of Python by their shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def inside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.stmt]:
    """Yield the statements of a function, except those of nested functions."""
    waiting = list[ast.AST](function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.stmt):
            yield node
        waiting += ast.iter_child_nodes(node)


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement binds."""
    if isinstance(node, ast.ImportFrom | ast.Import):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def last(dotted: str) -> str:
    """Return the last name of a call: ``b`` of ``a.b(c)``."""
    return dotted.partition("(")[0].rpartition(".")[2]
