"""Check the name of the WSGI callable (PEP 3333) by reading the code, never by importing it."""

from __future__ import annotations

import ast
import difflib
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from debonair.errors import ProjectError
from debonair.project import reader, syntax
from debonair.project.catalogue import known

_Folder = TypeVar("_Folder", Path, Traversable)
SERVED = ("application", "app")
"""The names of applications that servers look for by default, the better one first."""
FACTORIES = ("create_app", "make_app", "create_application", "make_application", "application_factory")
"""The usual names of functions that return an application."""
_NAME = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<callable>[^\W\d]\w*)(?P<call>\(\))?")

_SHARED = ("App", "Application")
"""Names of classes that WSGI frameworks have, too."""

_KINDS: Mapping[type[ast.expr], str] = {
    ast.Constant: "a plain value",
    ast.JoinedStr: "a string",
    ast.Dict: "a dictionary",
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Set: "a set",
}
"""Values that a server cannot call, whatever they contain."""


def split(entry: str) -> tuple[str, str, bool]:
    """Split ``guestbook:create_app()`` into its module, its name, and whether it is a factory.

    Raises ``ValueError`` if ``entry`` has another form.
    """
    found = _NAME.fullmatch(entry)
    if not found:
        raise ValueError(entry)
    return found["module"], found["callable"], found["call"] is not None


def check_syntax(entry: str, *, file: Path, key: str) -> None:
    """Raise ``ProjectError`` if ``entry`` cannot name a callable; ``key`` of ``file`` holds it."""
    if not _NAME.fullmatch(entry):
        raise ProjectError(
            f"{file.name}: '{key}' is '{entry}', which is not the name of a WSGI callable.",
            hint="Write module:callable, such as guestbook:app; or a factory, such as "
            "guestbook:create_app().",
        )


def check(
    entry: str,
    *,
    file: Path,
    roots: Collection[Traversable],
    installed: Collection[str],
    python: tuple[int, int] = (3, 0),
    app: str = "the app",
) -> None:
    """Raise ``ProjectError`` if the callable cannot be found in the code of ``app``, its name in the error.

    ``roots`` are the folders, or wheels, that contain the app's modules. ``installed`` are the top-level
    modules of the app's dependencies, which are not searched. If ``python``, the target's, is later than
    this Python, a module that this one cannot parse is not searched either.
    """
    module, name, _ = split(entry)
    for root in roots:
        for path in module_files(root, module):
            if _is_file(path):
                _check_defined(f"{module}:{name}", _parsed_for(path, root, python), path, file)
                return
    if module.partition(".")[0] in installed:
        return
    there = sorted({found for root in roots for found in modules(root)})
    close = difflib.get_close_matches(module.partition(".")[0], there, n=1)
    raise ProjectError(
        f"{file.name}: 'wsgi' is '{entry}', but {app} has no module '{module}'.",
        hint=f"Did you mean '{close[0]}:{name}'?"
        if close
        else f"The app's modules: {', '.join(there) or 'none'}.",
    )


def module_files(root: _Folder, module: str) -> tuple[_Folder, _Folder]:
    """Return the two possible files of a dotted ``module`` below ``root``."""
    path = module.replace(".", "/")
    return root / f"{path}.py", root / f"{path}/__init__.py"


def guess(root: Path) -> str:
    """Guess the callable in a bare folder: ``application`` or ``app`` in ``wsgi.py`` or ``app.py``.

    Empty if there is no such callable.
    """
    for module in ("wsgi", "app"):
        path = root / f"{module}.py"
        if reader.is_file(path):
            names, _ = _definitions(_parsed(path, root))
            for name in ("application", "app"):
                if name in names:
                    return f"{module}:{name}"
            if "create_app" in names:
                return f"{module}:create_app()"
    return ""


def candidates(root: Traversable) -> list[str]:
    """Return the names of likely WSGI applications in the code below ``root``, the likeliest first.

    They are suggestions in hints, so each module is parsed alone, and only names decide. ``init`` must
    choose one, so it follows imports and knows the frameworks (``init/discovery/callables.py``).
    """
    # A stranger's wheel may have thousands of modules. Following their imports costs more than a hint is
    # worth, and this room must not import 'init'.
    order = SERVED + FACTORIES
    found = list[tuple[int, int, str]]()
    for module, path in _code(root, ""):
        try:
            tree = syntax.parse(path.read_bytes(), path.name)
        except SyntaxError:
            continue
        for node in tree.body:
            found += [
                (order.index(name), module.count("."), f"{module}:{entry}") for name, entry in _served(node)
            ]
    return list(dict.fromkeys(entry for _, _, entry in sorted(found)))


def _code(root: Traversable, package: str) -> Iterator[tuple[str, Traversable]]:
    """Yield the modules below ``root`` with their names, except tests."""
    for path in root.iterdir():
        stem, _, suffix = path.name.partition(".")
        if not stem.isidentifier() or stem.startswith("test"):
            continue
        if suffix == "py":
            yield package.rstrip(".") if stem == "__init__" else f"{package}{stem}", path
        elif not suffix and path.is_dir():
            yield from _code(path, f"{package}{stem}.")


def _served(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the names that ``node`` defines and servers look for, each with its value for ``wsgi``."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            if name in SERVED and not _is_other(value):
                yield name, name
        case ast.FunctionDef(name=name, args=args) if name in SERVED + FACTORIES:
            if is_application([argument.arg for argument in args.posonlyargs + args.args]):
                yield name, name
            elif not wants_arguments(args):
                yield name, f"{name}()"
        case _:
            pass


def _is_other(value: ast.expr | None) -> bool:
    """Tell whether ``value`` is created by a framework that is not WSGI."""
    if not isinstance(value, ast.Call):
        return False
    others = {name.rpartition(".")[2] for name in known().others if name.rpartition(".")[2] not in _SHARED}
    return ast.unparse(value.func).rpartition(".")[2] in {*others, "Typer"}


def is_application(parameters: Sequence[str]) -> bool:
    """Tell whether a function with these ``parameters`` is itself a WSGI application (PEP 3333)."""
    match parameters:
        case [_, "start_response"]:
            return True
        case ["environ" | "env" | "_environ", second]:
            return bool(re.search("start|respon", second))
        case _:
            return False


def wants_arguments(arguments: ast.arguments) -> bool:
    """Tell whether a function with these ``arguments`` requires any."""
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > 0 or any(default is None for default in arguments.kw_defaults)


def modules(root: Traversable) -> Iterator[str]:
    """Yield the names of the modules and packages in ``root``."""
    if isinstance(root, Path) and not os.access(root, os.R_OK | os.X_OK):
        return
    for path in root.iterdir() if root.is_dir() else ():
        stem, _, suffix = path.name.rpartition(".")
        if suffix == "py" and stem.isidentifier():
            yield stem
        elif _is_file(path / "__init__.py"):
            yield path.name


def _is_file(path: Traversable) -> bool:
    return reader.is_file(path) if isinstance(path, Path) else path.is_file()


def _check_defined(entry: str, tree: ast.Module | None, path: Traversable, file: Path) -> None:
    if tree is None:
        return
    module, _, name = entry.partition(":")
    names, open_ended = _definitions(tree)
    if name in names and not open_ended and (value := _value(name, tree)):
        raise ProjectError(
            f"{file.name}: 'wsgi' names '{name}', but line {value.lineno} of {path.name} sets it to "
            f"{_KINDS[type(value)]}. No server can call that.",
            hint="Name the application itself, such as guestbook:app, or guestbook:create_app().",
        )
    if name in names or open_ended:
        return
    close = difflib.get_close_matches(name, names, n=1)
    close = close or [entry for node in tree.body for _, entry in sorted(_served(node))][:1]
    raise ProjectError(
        f"{file.name}: 'wsgi' names '{name}', but {path.name} does not define it.",
        hint=f"Did you mean '{module}:{close[0]}'?" if close else f"Define {name} in {path}.",
    )


def _parsed_for(path: Traversable, root: Traversable, python: tuple[int, int]) -> ast.Module | None:
    try:
        return _parsed(path, root)
    except ProjectError:
        if sys.version_info[:2] < python:
            return None
        raise


def _parsed(path: Traversable, root: Traversable) -> ast.Module:
    if isinstance(path, Path) and isinstance(root, Path):
        data = reader.data(path, root)
    else:
        data = path.read_bytes()
    try:
        return syntax.parse(data, str(path))
    except SyntaxError as wrong:
        raise ProjectError(f"{path}: {wrong}.", hint="Fix the syntax error on that line.") from None


def _value(name: str, tree: ast.Module) -> ast.expr | None:
    """Return the last value of ``name`` if every value bound to it is plain, or else None."""
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
    """Return the names at a module's top level, and whether the module may have others."""
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
    """Yield the nodes of a module; inside functions and classes, only those that may affect its globals."""
    waiting: list[tuple[ast.AST, bool]] = [(node, False) for node in tree.body]
    while waiting:
        node, inside = waiting.pop()
        if not inside or isinstance(node, ast.Global | ast.Call):
            yield node
        inside |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
