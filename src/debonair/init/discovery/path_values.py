"""Evaluate expressions for paths: constants, ``os.path``, ``pathlib``, and names of the modules."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from debonair.init.discovery.code import Module

_DEEPEST = 30
"""The most steps in an expression, with the names in it."""
_SAME = {
    "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expandvars", "os.fspath", "str",
    "pathlib.Path", "pathlib.PurePath",
}  # fmt: skip
_SAME_METHODS = {"resolve", "absolute", "as_posix"}
_HERE = {"os.getcwd", "pathlib.Path.cwd"}
_VARIABLES = {"os.environ.get", "os.getenv"}
_GIVEN = "STATE_DIRECTORY"
_PROVIDED = (_GIVEN, "HOME", "TMPDIR", "DATABASE_URL")
"""The endings of variables that the Pi sets, or that replace a path by something else."""


@dataclass(frozen=True)
class Place:
    """A path of the project."""

    path: str
    """Relative to the project's folder, as far as it is known."""
    whole: bool = True
    """False if the code adds a name that is known only when it runs."""


class Values:
    """The values of the names in ``modules``, as far as they are paths of the project."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._values = dict[str, tuple[Module, ast.expr]]()
        self._settings = dict[str, tuple[Module, ast.expr]]()
        self._roots = list[str]()
        imported = {name.partition(".")[0] for module in modules for name, _ in module.imports()}
        self.in_instance = "flask_sqlalchemy" in imported
        """True if relative addresses of databases lead to Flask's instance folder."""
        for module in modules:
            self._read(module)

    def _read(self, module: Module) -> None:
        for node in module.nodes:
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._assign(module, target, value)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    self._assign(module, target, value)
                case ast.Call(func=function, keywords=words):
                    if module.dotted(function) == "flask.Flask":
                        self._roots.append(posixpath.dirname(module.path))
                    if isinstance(function, ast.Attribute) and function.attr in {"update", "from_mapping"}:
                        for word in words:
                            self._settings.setdefault(word.arg or "", (module, word.value))

    def _assign(self, module: Module, target: ast.expr, value: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self._values[f"{module.name}.{name}"] = (module, value)
                if name.isupper():
                    self._settings.setdefault(name, (module, value))
            case ast.Attribute(attr=name):
                self._values.setdefault(f"{module.name}.{name}", (module, value))
            case ast.Subscript(slice=ast.Constant(value=str(name))):
                self._settings.setdefault(name, (module, value))

    def place(self, node: ast.expr, module: Module) -> Place | None:
        """Return the place of the path ``node`` in ``module``; None if it is elsewhere, or not known."""
        found = self._path(node, module, _DEEPEST)
        if found is None or posixpath.isabs(found.path):
            return None
        path = posixpath.normpath(found.path) if found.path else "."
        return None if path.startswith("..") else Place(path, found.whole)

    def _path(self, node: ast.expr, module: Module, depth: int) -> Place | None:
        found: Place | None = None
        match node:
            case _ if depth <= 0:
                pass
            case ast.Constant(value=str(text)) if "://" not in text and text[:1] not in {":", "~"}:
                found = None if text.startswith("file:") else Place(text)
            case ast.Name(id="__file__"):
                found = Place(module.path)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                found = self._named(node, module, depth)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                found = self._joined([left, right], module, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = self._added([left, right], module, depth)
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
                found = _cut(text.partition("%")[0])
            case ast.JoinedStr(values=parts):
                inner = [part.value if isinstance(part, ast.FormattedValue) else part for part in parts]
                found = self._added(inner, module, depth)
            case ast.BoolOp(op=ast.Or(), values=[*_, last]) if _GIVEN not in ast.unparse(node):
                found = self._path(last, module, depth - 1)
            case ast.Call():
                found = self._called(node, module, depth)
            case _:
                pass
        return found

    def _named(self, node: ast.expr, module: Module, depth: int) -> Place | None:
        match node:
            case ast.Attribute(attr="root_path"):
                return Place(
                    self._roots[0] if len(set(self._roots)) == 1 else posixpath.dirname(module.path)
                )
            case ast.Attribute(value=owner, attr="parent"):
                return _parent(self._path(owner, module, depth - 1))
            case ast.Subscript(
                value=ast.Attribute(value=owner, attr="parents"), slice=ast.Constant(value=int(up))
            ):
                found = self._path(owner, module, depth - 1)
                for _ in range(min(up, _DEEPEST) + 1):
                    found = _parent(found)
                return found
            case ast.Subscript(slice=ast.Constant(value=str(name))):
                found_value = self._settings.get(name)
            case ast.Attribute(attr=name) if (
                not module.dotted(node) or module.dotted(node) not in self._values
            ):
                found_value = self._values.get(f"{module.name}.{name}") or self._settings.get(name)
            case _:
                found_value = self._values.get(module.dotted(node))
        return self._path(found_value[1], found_value[0], depth - 1) if found_value else None

    def _called(self, node: ast.Call, module: Module, depth: int) -> Place | None:
        called = module.dotted(node.func)
        called = "str" if called == f"{module.name}.str" else called
        if called in _HERE or (called == "pathlib.Path" and not node.args):
            return Place("")
        if called in {"os.path.join", *_SAME} and node.args:
            return self._joined(node.args, module, depth)
        if called in _VARIABLES:
            match node.args:
                case [ast.Constant(value=str(name)), default] if not name.endswith(_PROVIDED):
                    return self._path(default, module, depth - 1)
            return None
        return self._of_method(node, called, module, depth)

    def _of_method(self, node: ast.Call, called: str, module: Module, depth: int) -> Place | None:
        found: Place | None = None
        match node.func:
            case _ if called == "os.path.dirname" and node.args:
                found = _parent(self._path(node.args[0], module, depth - 1))
            case ast.Attribute(value=owner, attr=name) if name in _SAME_METHODS:
                found = self._path(owner, module, depth - 1)
            case ast.Attribute(value=owner, attr="joinpath"):
                found = self._joined([owner, *node.args], module, depth)
            case ast.Attribute(value=owner, attr="with_name"):
                above = _parent(self._path(owner, module, depth - 1))
                found = self._below(above, node.args, module, depth)
            case ast.Attribute(attr="get", value=owner) if node.args and ast.unparse(owner).endswith(
                "config"
            ):
                found = self._named(ast.Subscript(owner, node.args[0]), module, depth)
            case _:
                pass
        return found

    def _joined(self, parts: Sequence[ast.expr], module: Module, depth: int) -> Place | None:
        return self._below(self._path(parts[0], module, depth - 1), parts[1:], module, depth)

    def _below(
        self, found: Place | None, parts: Sequence[ast.expr], module: Module, depth: int
    ) -> Place | None:
        for part in parts:
            if found is None or not found.whole:
                return found
            more = self._path(part, module, depth - 1)
            if more is None:
                return Place(found.path, whole=False)
            found = Place(posixpath.join(found.path, more.path), more.whole)
        return found

    def _added(self, parts: Sequence[ast.expr], module: Module, depth: int) -> Place | None:
        """Return the place of texts that are added to each other."""
        text = ""
        for number, part in enumerate(parts):
            if number == 0 and isinstance(part, ast.Constant) and ":///" in str(part.value):
                text = str(part.value).partition(":///")[2]  # the address of a database
                continue
            more = self._path(part, module, depth - 1)
            if more is None:
                return _cut(text) if number else None
            text += more.path if text or not number else more.path.lstrip("/")
            if not more.whole:
                return Place(text, whole=False)
        return Place(text)


def _parent(found: Place | None) -> Place | None:
    if found is None:
        return None
    path = posixpath.normpath(found.path) if found.path else "."
    if not found.whole:
        return found
    return Place(
        posixpath.join(path, "..") if path.split("/")[-1] in {".", ".."} else posixpath.dirname(path)
    )


def _cut(text: str) -> Place | None:
    """Return the folder in which a file with the beginning ``text`` is."""
    folder = text.rpartition("/")[0]
    return Place(folder, whole=False) if folder else Place("", whole=False)
