"""Parse the syntax of a Python file without running it."""

from __future__ import annotations

import ast
import warnings

_DEEPEST = 100
"""The most nested nodes. Functions that walk a tree recurse for each, and Python allows 1000 calls."""


def parse(source: bytes | str, filename: str) -> ast.Module:
    """Return the tree of ``source``. Raises ``SyntaxError``, whatever prevents Python from parsing it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in texts, which concern only the author
            tree = ast.parse(source, filename)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as wrong:
        raise SyntaxError(_why(wrong), (filename, 1, 1, "")) from None
    if line := _too_deep(tree):
        raise SyntaxError(_why(RecursionError()), (filename, line, 1, ""))
    return tree


def _why(wrong: Exception) -> str:
    return str(wrong) if isinstance(wrong, ValueError) else "it is nested too deeply"


def _too_deep(tree: ast.Module) -> int:
    """Return the line of a node that is nested too deeply; 0 if there is none."""
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return 0
    return int(getattr(level[0], "lineno", 1))


def _inner(node: ast.AST) -> list[ast.AST]:
    """Return the children of ``node``; the branches of an ``elif`` count as its own."""
    found = list[ast.AST]()
    while isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        found += [node.test, *node.body]
        node = node.orelse[0]
    return found + list(ast.iter_child_nodes(node))
