"""Classify statements and functions of Python by their shape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence


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


def is_environ(parameters: Sequence[str]) -> bool:
    """Tell whether ``parameters`` are those of an application (PEP 3333)."""
    return (
        len(parameters) == 2
        and parameters[0] in {"environ", "env", "_environ"}
        and bool(re.search("start|respon", parameters[1]))
    )


def wants_arguments(arguments: ast.arguments) -> bool:
    """Tell whether a function with these ``arguments`` requires any."""
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)


def last(dotted: str) -> str:
    """Return the last name of a call: ``b`` of ``a.b(c)``."""
    return dotted.partition("(")[0].rpartition(".")[2]
