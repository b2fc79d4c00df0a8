"""Parse the modules of a project without importing them."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from debonair.errors import ProjectError
from debonair.project import reader, syntax
from debonair.project.catalogue import known

_MOST = 5000
"""The most modules to parse."""
_MOST_IN_ALL = 8 << 20
"""The most bytes of all modules: a tree takes a hundred times as much memory."""
_MOST_OF_A_NAME = 500
_MOST_NAMELESS = 50
_NOT_THE_APP = {
    "build", "dist", "doc", "docs", "env", "example", "examples", "migrations", "node_modules",
    "site-packages", "test", "tests", "venv", "virtualenv",
}  # fmt: skip
_SOMETIMES = re.compile(r"\bTYPE_CHECKING\b|\bversion_info\b|\bPY[23]\b")
_IMPORT_ERRORS = re.compile(r"\b(ImportError|ModuleNotFoundError|Exception|BaseException)\b")
_NOT_MODULES = {"setup.py", "conftest.py", "noxfile.py", "fabfile.py", "tasks.py", "debonair_socket.py"}


@dataclass(frozen=True, eq=False)
class Module:
    """A Python file that belongs to the app."""

    path: str
    """The path relative to the project's folder."""
    name: str
    """The dotted name, as in an import."""
    tree: ast.Module
    names: Mapping[str, str]
    """The full names of imported names: ``Flask`` to ``flask.Flask``."""
    importable: bool = True
    """True if the file is in a folder from which the app imports modules."""

    def dotted(self, node: ast.expr) -> str:
        """Return the full name of a name or an attribute; empty for another expression."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id) or self._starred(node.id) or f"{self.name}.{node.id}"
        if isinstance(node, ast.Attribute) and (owner := self.dotted(node.value)):
            return f"{owner}.{node.attr}"
        return ""

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield the full name of each import anywhere in the module, and its line."""
        yield from self._all_imports

    def needs(self) -> Iterator[tuple[str, int]]:
        """Yield the same as ``imports``, except imports that the module can do without.

        These are imports in a ``try``, for type checkers, or for other versions of Python.
        """
        yield from self._imports(_in_any_case(self.tree))

    def _starred(self, name: str) -> str:
        """Return the full name of a known ``name`` that comes from an ``import *``; else nothing."""
        return next((f"{each}.{name}" for each in self._stars if f"{each}.{name}" in known().exported), "")

    @cached_property
    def _stars(self) -> tuple[str, ...]:
        full = (name for name, _ in self._all_imports if name.endswith(".*"))
        return tuple(name.removesuffix(".*") for name in full)

    @cached_property
    def _all_imports(self) -> tuple[tuple[str, int], ...]:
        return tuple(self._imports(self.nodes))  # cached, because callers ask a dozen times

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree, the outer ones first; cached, because the walk is slow."""
        return tuple(ast.walk(self.tree))

    def _imports(self, nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
        for node in nodes:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for name in _imported(node, self).values():
                yield name, node.lineno


def modules(root: Path) -> tuple[list[Module], list[str]]:
    """Return the modules of the app in ``root``, the least nested first, and the files with syntax errors.

    The latter are paths with the line and the reason. Tests, documentation, migrations, examples and
    virtual environments do not count as modules of the app.
    """
    base = "src/" if (root / "src").is_dir() else ""
    found, broken = list[Module](), list[str]()
    size = 0
    for path in sorted(_files(root), key=lambda path: (path.count("/"), path)):
        if len(found) == _MOST or size > _MOST_IN_ALL:
            more = f"more than {_MOST} modules, or {_MOST_IN_ALL >> 20} MiB of code"
            broken.append(f"{path} and later files: the project has {more}")
            break
        try:
            size += len(data := reader.data(root / path, root, shown=path))
            tree = syntax.parse(data, path)
        except SyntaxError as wrong:
            broken.append(f"{path}:{wrong.lineno}: {wrong.msg}")
            continue
        except ProjectError as wrong:
            broken.append(wrong.message.rstrip("."))
            continue
        dotted = path.removeprefix(base).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names = dict[str, str]()
        module = Module(path, dotted, tree, names, path.startswith(base))
        for node in top_level(tree):
            names.update(_imported(node, module))
        found.append(module)
    return found, broken


def nameless(root: Path) -> list[Module]:
    """Return the app's files that no import can name, such as ``my-app.py``, if Python can read them."""
    found = list[Module]()
    paths = sorted(_files(root, named=False), key=lambda path: (path.count("/"), path))
    for path in paths[:_MOST_NAMELESS]:
        try:
            tree = syntax.parse(reader.data(root / path, root), path)
        except (SyntaxError, ProjectError):
            continue
        names = dict[str, str]()
        module = Module(path, path.removesuffix(".py").replace("/", "."), tree, names)
        for node in top_level(tree):
            names.update(_imported(node, module))
        found.append(module)
    return found


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, including those in branches.

    Statements that run only when it is called as a script are left out.
    """
    waiting = list[ast.stmt](reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            waiting += reversed(node.orelse)
            continue
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [*node.body, *getattr(node, "orelse", ()), *getattr(node, "finalbody", ())]
            inner += [part for case in getattr(node, "handlers", ()) for part in case.body]
            waiting += reversed(inner)


def _in_any_case(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes outside of ``try`` and of branches for other readers."""
    waiting = deque[ast.AST]([tree])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.Try) and any(_forgives(handler) for handler in node.handlers):
            waiting += node.finalbody
        elif isinstance(node, ast.If) and _SOMETIMES.search(ast.unparse(node.test)):
            continue
        else:
            yield node
            waiting += ast.iter_child_nodes(node)


def _forgives(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_IMPORT_ERRORS.search(ast.unparse(handler.type)))


def _imported(node: ast.AST, module: Module) -> dict[str, str]:
    if isinstance(node, ast.Import | ast.ImportFrom) and any(
        len(name) > _MOST_OF_A_NAME
        for name in (getattr(node, "module", ""), *(a.name for a in node.names))
        if name
    ):
        return {}
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: alias.name
            if alias.asname
            else alias.name.partition(".")[0]
            for alias in node.names
        } | {alias.name: alias.name for alias in node.names if not alias.asname}
    if isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        if node.level:
            package = module.path.endswith("__init__.py")
            parts = module.name.split(".")
            kept = len(parts) - node.level + package
            origin = ".".join([*parts[: max(kept, 0)], *([origin] if origin else [])])
        return {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
    return {}


def _files(root: Path, *, named: bool = True) -> Iterator[str]:
    """Yield the app's Python files: those that an import can name, or those that it cannot."""
    for here, folders, names in reader.below(root):
        folders[:] = [
            name
            for name in folders
            if name not in _NOT_THE_APP
            and name[0] not in "._"
            and not reader.is_file(here / name / "pyvenv.cfg")
        ]
        for name in names:
            path = (here / name).relative_to(root)
            importable = all(part.isidentifier() for part in path.with_suffix("").parts)
            counts = path.suffix == ".py" and name not in _NOT_MODULES and name[:5] != "test_"
            if counts and importable is named:
                yield path.as_posix()
