"""The syntax of a file of Python, parsed and never run."""

from __future__ import annotations

import ast
import warnings

_DEEPEST = 100
"""Nodes within nodes. Whoever walks a tree calls itself for each, and Python allows a thousand calls."""


def parse(source: bytes | str, filename: str) -> ast.Module:
    """Return the tree of ``source``. Raises ``SyntaxError``, whatever keeps Python from reading it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in texts; it is the author's to see them
            tree = ast.parse(source, filename)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as wrong:
        raise SyntaxError(_why(wrong), (filename, 1, 1, "")) from None
    if line := _too_deep(tree):
        raise SyntaxError(_why(RecursionError()), (filename, line, 1, ""))
    return tree


def _why(wrong: Exception) -> str:
    return str(wrong) if isinstance(wrong, ValueError) else "it is nested too deeply to be read"


def _too_deep(tree: ast.Module) -> int:
    """Return the line of what is nested too deeply; 0 if nothing is."""
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return 0
    return int(getattr(level[0], "lineno", 1))


def _inner(node: ast.AST) -> list[ast.AST]:
    """Return what is in ``node``, the branches of an ``elif`` as if they were its own."""
    found = list[ast.AST]()
    while isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        found += [node.test, *node.body]
        node = node.orelse[0]
    return found + list(ast.iter_child_nodes(node))
