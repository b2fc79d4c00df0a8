"""Find databases of SQLite that would be beside the code, which is read-only on the Pi."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from debonair.init.discovery.code import Module, top_level

_ADDRESS = re.compile(r"sqlite(?:\+\w+)?:///(?![/:]|$)[^{%]*$")
_BEGIN = re.compile(r"sqlite(?:\+\w+)?://")
_OPENERS = ("sqlite3.connect", "aiosqlite.connect", "peewee.SqliteDatabase")
_DEEPEST = 8
"""The most names to follow from one expression."""
_LONGEST = 78
"""The most characters of an expression to show."""
_ELSEWHERE = ("STATE_DIRECTORY", "instance", "tempfile", "expanduser", "home")
"""Names in an expression for a file that is not beside the code."""


def beside(modules: Sequence[Module], led: Collection[str] = ()) -> list[str]:
    """Return a sentence about the first such database; without one, the list is empty.

    ``led`` has the files and lines of those that do not count.
    """
    names = {name.partition(".")[0] for module in modules for name, _ in module.imports()}
    in_instance = "flask_sqlalchemy" in names  # where it puts a relative address
    for module in modules:
        values = _values(module)
        for node in module.nodes:
            if isinstance(node, ast.expr) and f"{module.path}:{node.lineno}" in led:
                continue
            if in_instance and isinstance(node, ast.Constant):
                continue
            if isinstance(node, ast.expr) and (shown := _shown(node, module, values)):
                note = (
                    f"{module.path}:{node.lineno}: {shown} seems to be beside the code, which is read-only "
                    'on the Pi. Store data in os.environ["STATE_DIRECTORY"].'
                )
                return [note]
    return []


def _shown(node: ast.expr, module: Module, values: Mapping[str, ast.expr]) -> str:
    """Return the text of ``node`` if it is the address of such a database, or opens it; or else nothing."""
    match node:
        case ast.Constant(value=str(text)) if _ADDRESS.match(text):
            return f"'{text}'"
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add()) if _BEGIN.match(text):
            found = _is_of_the_code(node, values)
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if _BEGIN.match(text):
            found = _is_of_the_code(node, values)
        case ast.Call(args=[path, *_]) if module.dotted(node.func) in _OPENERS:
            found = _is_of_the_code(path, values) or _is_relative(path, values)
        case _:
            return ""
    shown = ast.unparse(node)
    return (shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...") if found else ""


def _is_of_the_code(node: ast.expr, values: Mapping[str, ast.expr]) -> bool:
    """Tell whether an expression depends on the place of the code."""
    text = " ".join(ast.unparse(part) for part in _parts(node, values))
    return bool(re.search(r"\b(__file__|root_path)\b", text)) and not any(
        name in text for name in _ELSEWHERE
    )


def _is_relative(node: ast.expr, values: Mapping[str, ast.expr]) -> bool:
    """Tell whether an expression is a relative path, such as ``"notes.db"`` or ``Path("data") / name``."""
    for _ in range(_DEEPEST):
        match node:
            case ast.Constant(value=str(text)):
                elsewhere = text.startswith("instance/")  # it leads to the app's data
                return (
                    bool(text)
                    and not elsewhere
                    and not text.startswith(("/", ":", "file:"))
                    and "://" not in text
                )
            case ast.Name(id=name) if name in values:
                node = values[name]
            case ast.BinOp(left=left, op=ast.Div()):
                node = left
            case ast.Call(func=ast.Attribute(attr="join" | "Path") | ast.Name(id="join" | "Path" | "str")):
                if not node.args:
                    return False
                node = node.args[0]
            case _:
                return False
    return False


def _parts(node: ast.expr, values: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """Yield an expression and the values of the names in it."""
    waiting, seen = [node], set[str]()
    while waiting:
        part = waiting.pop()
        yield part
        names = {inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name)} - seen
        if len(seen) < _DEEPEST:
            seen |= names
            waiting += [values[name] for name in sorted(names) if name in values]


def _values(module: Module) -> dict[str, ast.expr]:
    """Return the last value of each name at the module's top level, and in its classes."""
    nodes = list(top_level(module.tree))
    nodes += [inner for node in nodes if isinstance(node, ast.ClassDef) for inner in node.body]
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
