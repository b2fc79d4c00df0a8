"""The name of the WSGI callable (PEP 3333), looked up by reading the code, never by importing it."""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from debonair.errors import ProjectError

_NAME = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<callable>[^\W\d]\w*)(?P<call>\(\))?")

_KINDS: Mapping[type[ast.expr], str] = {
    ast.Constant: "a plain value",
    ast.JoinedStr: "a text",
    ast.Dict: "a dictionary",
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Set: "a set",
}
"""What no server can call, whatever is in it."""


def split(entry: str) -> tuple[str, str, bool]:
    """Return module, name and whether it is a factory, of ``guestbook:create_app()``.

    Raises ``ValueError`` if ``entry`` is of another form.
    """
    found = _NAME.fullmatch(entry)
    if not found:
        raise ValueError(entry)
    return found["module"], found["callable"], found["call"] is not None


def check_syntax(entry: str, *, file: Path, key: str) -> None:
    """Raise ``ProjectError`` if ``entry`` cannot name a callable; ``key`` of ``file`` holds it."""
    if not _NAME.fullmatch(entry):
        raise ProjectError(
            f"{file.name}: '{key}' is '{entry}', which cannot name a WSGI callable.",
            hint="Write module:callable, such as guestbook:app, or guestbook:create_app() for a factory.",
        )


def check(
    entry: str,
    *,
    file: Path,
    roots: Collection[Path],
    installed: Collection[str],
    python: tuple[int, int] = (3, 0),
) -> None:
    """Raise ``ProjectError`` if the callable cannot be found in the app's code.

    ``roots`` are the folders that modules are imported from, ``installed`` the top-level modules that the
    app's dependencies bring; what those define is not looked into. Nor is a module that only a later
    Python than this one can read, if ``python``, the one it is meant for, is later.
    """
    module, name, _ = split(entry)
    for root in roots:
        for path in module_files(root, module):
            if path.is_file():
                _check_defined(name, module, path, file, python)
                return
    if module.partition(".")[0] in installed:
        return
    known = sorted({found for root in roots for found in _modules(root)})
    close = difflib.get_close_matches(module.partition(".")[0], known, n=1)
    raise ProjectError(
        f"{file.name}: 'wsgi' is '{entry}', but the app has no module '{module}'.",
        hint=f"Did you mean '{close[0]}:{name}'?"
        if close
        else f"The app's modules: {', '.join(known) or 'none'}.",
    )


def module_files(root: Path, module: str) -> tuple[Path, Path]:
    """Return the two files that a dotted ``module`` below ``root`` may be."""
    path = root.joinpath(*module.split("."))
    return path.with_name(f"{path.name}.py"), path / "__init__.py"


def guess(root: Path) -> str:
    """Return the callable of a bare folder, ``wsgi.py`` or ``app.py`` with ``application`` or ``app``.

    Empty if there is none.
    """
    for module in ("wsgi", "app"):
        path = root / f"{module}.py"
        if path.is_file():
            names, _ = _definitions(_parsed(path))
            for name in ("application", "app"):
                if name in names:
                    return f"{module}:{name}"
            if "create_app" in names:
                return f"{module}:create_app()"
    return ""


def _modules(root: Path) -> Iterator[str]:
    for path in root.iterdir() if root.is_dir() else ():
        if path.suffix == ".py" and path.stem.isidentifier():
            yield path.stem
        elif (path / "__init__.py").is_file():
            yield path.name


def _check_defined(name: str, module: str, path: Path, file: Path, python: tuple[int, int]) -> None:
    try:
        tree = _parsed(path)
    except ProjectError:
        if sys.version_info[:2] < python:
            return
        raise
    names, open_ended = _definitions(tree)
    if name in names and not open_ended and (value := _value(name, tree)):
        raise ProjectError(
            f"{file.name}: 'wsgi' names '{name}', which is {_KINDS[type(value)]} in {path.name}, line "
            f"{value.lineno}: no server can call that.",
            hint="Name the application itself, such as guestbook:app, or guestbook:create_app().",
        )
    if name in names or open_ended:
        return
    close = difflib.get_close_matches(name, names, n=1)
    raise ProjectError(
        f"{file.name}: 'wsgi' names '{name}', but {path.name} defines nothing of that name.",
        hint=f"Did you mean '{module}:{close[0]}'?" if close else f"Define {name} in {path}.",
    )


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as wrong:  # the latter of a byte of zero, before Python 3.11.4
        raise ProjectError(f"{path}: {wrong}.", hint="Python cannot read this file; mend it.") from None


def _value(name: str, tree: ast.Module) -> ast.expr | None:
    """Return the last value of ``name`` if it is never bound to anything but plain values."""
    bound = 0
    values = []
    for node in _top_level(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                values += [value] if type(value) in _KINDS else []
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                bound += 1
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) | ast.ClassDef(name=found):
                bound += found == name
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                bound += any((alias.asname or alias.name).partition(".")[0] == name for alias in aliases)
            case ast.Global(names=shared):
                bound += name in shared
            case _:
                pass
    last = max(values, key=lambda value: (value.lineno, value.col_offset), default=None)
    return last if len(values) == bound else None


def _definitions(tree: ast.Module) -> tuple[set[str], bool]:
    """Return the names at a module's top level, and whether there may be others."""
    names: set[str] = set()
    open_ended = False
    for node in _top_level(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
                open_ended |= name == "__getattr__"
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
                open_ended |= any(alias.name == "*" for alias in aliases)
            case ast.Global(names=shared):
                names |= set(shared)
            case ast.Call(func=ast.Name(id="globals" | "exec" | "setattr")):
                open_ended = True
            case _:
                pass
    return names, open_ended


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of a module, of its functions and classes those alone that may reach out of them."""
    waiting: list[tuple[ast.AST, bool]] = [(node, False) for node in tree.body]
    while waiting:
        node, inside = waiting.pop()
        if not inside or isinstance(node, ast.Global | ast.Call):
            yield node
        inside |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
