"""Find the applications of a project, and their factories (PEP 3333), by reading its code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from debonair.init.discovery import shapes
from debonair.init.discovery.candidate import FOR_ASGI, FOR_SERVERS, Candidate, rank_of
from debonair.init.discovery.code import Module, top_level
from debonair.project import entry_point
from debonair.project.catalogue import known
from debonair.project.entry_point import FACTORIES, SERVED

_APPLICATION_NAME = re.compile("app|wsgi|^main$|^handler$")
"""The names of functions that are applications, not parts of one."""
_HOPS = 10
"""The most steps when following a name, and the most passes over the modules."""


_EXTENSION = re.compile(r"(^|\.)flask\w*\.")
"""Starts the full names of Flask's extensions. They receive an application, but no server can call them."""


@dataclass(frozen=True)
class _Kind:
    what: str
    wsgi: bool = True
    wrapped: str = ""
    """The full name of the application that this one wraps or renames."""
    server: str = ""
    """The server that serves it, if it is not WSGI and the server is known."""
    listens: str = ""
    """Otherwise, the call that makes its own script listen on ``$SOCKET``."""


class Callables:
    """The applications and factories in the ``modules`` of a project, by their full names."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._modules = modules
        self._values = dict[str, _Kind]()
        self._makers = dict[str, _Kind]()
        self._aliases = {
            f"{module.name}.{name}": origin for module in modules for name, origin in module.names.items()
        }
        self._where = dict[str, tuple[Module, int]]()
        self._closed = set[str]()
        self._called = dict[str, dict[str, list[str]]]()
        self._classes = dict[str, set[str]]()
        self._handed_on = {
            module.name: frozenset(module.names.values()) for module in modules if module.name
        }
        self._makers |= {name: _Kind(what) for name, what in known().wsgi.items()}
        self._makers |= {
            name: _Kind(other.what, wsgi=False, server=other.server, listens=other.listens)
            for name, other in known().others.items()
        }
        self._values |= {name: _Kind(what) for name, what in known().wsgi_values.items()}
        before = -1
        for _ in range(_HOPS):
            if before == (before := len(self._values) + len(self._makers)):
                break
            for module in modules:
                self._read(module)

    def candidates(self) -> list[Candidate]:
        """Return all candidates, the most conventional first.

        An imported name counts only in files where servers look: ``wsgi.py`` and similar ones.
        """
        found = [self._candidate(name, kind, call=False) for name, kind in self._values.items()]
        found += [self._candidate(name, kind, call=True) for name, kind in self._makers.items()]
        found += list(self._imported())
        wrapped = {kind.wrapped for name, kind in self._values.items() if self._replaces(name, kind)}
        importable = {module.path for module in self._modules if module.importable}
        kept = [
            item
            for item in found
            if item and item.path in importable and item.entry.replace(":", ".") not in wrapped
        ]
        return sorted(dict.fromkeys(kept), key=lambda item: (not item.wsgi, item.rank, item.entry))

    def what(self, entry: str) -> str:
        """Return the name of the framework that makes ``entry``, for people; empty if unknown."""
        return next((item.what for item in self.candidates() if item.entry == entry), "")

    def asgi(self, entry: str) -> Candidate | None:
        """Return ``entry`` if it is an ASGI application: by its framework, or as an ``async`` function."""
        if item := next((each for each in self.candidates() if each.entry == entry), None):
            return item if item.server else None
        path, _, name = entry.partition(":")
        for module in self._modules:
            for node in module.tree.body if module.name == path else ():
                if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
                    return Candidate(
                        entry,
                        module.path,
                        node.lineno,
                        "an async function",
                        wsgi=False,
                        server="uvicorn",
                        listens="",
                        rank=(),
                    )
        return None

    def unusable(self) -> list[str]:
        """Return the places of factories that need arguments, which no server passes."""
        return [
            f"{module.path}:{line}: {name.rpartition('.')[2]}() needs arguments"
            for name, (module, line) in sorted(self._where.items(), key=lambda item: item[0])
            if name in self._closed and not name.rpartition(".")[2].startswith("_")
        ]

    def importing(self, package: str) -> str:
        """Return a file and line that imports ``package``; empty if there is no import."""
        for module in self._modules:
            for name, line in module.imports():
                if name.partition(".")[0] == package:
                    return f"{module.path}:{line}"
        return ""

    def script(self, path: str) -> str:
        """Return ``path`` if that module can run as a script, or else the first one that can."""
        scripts = [module.path for module in self._modules if "__main__" in ast.unparse(module.tree)]
        return path if path in scripts or not scripts else scripts[0]

    def mentions(self, text: str) -> bool:
        """Tell whether the code contains the string ``text``."""
        nodes = (node for module in self._modules for node in module.nodes)
        return any(isinstance(node, ast.Constant) and node.value == text for node in nodes)

    def _read(self, module: Module) -> None:
        for node in top_level(module.tree):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._function(node, module)
                case ast.ClassDef():
                    self._class(node, module)
                case ast.Assign(targets=targets, value=value):
                    self._assigned(targets, value, module, node)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    self._assigned([target], value, module, node)
                case _:
                    pass

    def _assigned(
        self, targets: Sequence[ast.expr], value: ast.expr, module: Module, node: ast.stmt
    ) -> None:
        kind = self._kind(value, module, {})
        for target in targets:
            if isinstance(target, ast.Tuple):  # app, route = fast_app()
                target = target.elts[0]  # noqa: PLW2901 - the first one is the application
            if kind and isinstance(target, ast.Name):
                self._note(self._values, f"{module.name}.{target.id}", kind, module, node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module) -> None:
        name = f"{module.name}.{node.name}"
        parameters = [argument.arg for argument in node.args.posonlyargs + node.args.args]
        if parameters[:3] == ["scope", "receive", "send"]:
            self._note(
                self._values, name, _Kind("an ASGI function", wsgi=False, server="uvicorn"), module, node
            )
        elif entry_point.is_application(parameters) and (
            len(self._modules) == 1 or _APPLICATION_NAME.search(node.name)
        ):
            self._note(self._values, name, _Kind("a WSGI function"), module, node)
        elif {shapes.last(ast.unparse(item)) for item in node.decorator_list} & {"application", "wsgify"}:
            self._note(self._values, name, _Kind("Werkzeug's Request.application"), module, node)
        elif kind := self._returned(node, module):
            self._note(self._makers, name, kind, module, node)
            if entry_point.wants_arguments(node.args):
                self._closed.add(name)

    def _returned(self, node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module) -> _Kind | None:
        """Return the kind of application that a function returns, following its local assignments."""
        local = dict[str, _Kind]()
        returned = False
        for inner in sorted(shapes.inside(node), key=lambda item: item.lineno):
            if isinstance(inner, ast.Assign):
                kind = self._kind(inner.value, module, local)
                names = [target.id for target in inner.targets if isinstance(target, ast.Name)]
                local.update(dict.fromkeys(names, kind) if kind else {})
            elif isinstance(inner, ast.Return) and inner.value:
                returned = True
                if kind := self._kind(inner.value, module, local):
                    return replace(kind, wrapped="")
        if node.name not in FACTORIES or not returned:
            return None
        if FOR_ASGI.search(module.path):
            return _Kind("an ASGI factory", wsgi=False, server="uvicorn")
        return _Kind("a factory, by its name")

    def _class(self, node: ast.ClassDef, module: Module) -> None:
        name = f"{module.name}.{node.name}"
        for base in node.bases:
            if kind := self._makers.get(self._follow(module.dotted(base))):
                self._note(self._makers, name, kind, module, node)
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef) and inner.name == "__call__":
                parameters = [argument.arg for argument in inner.args.args][1:]
                if entry_point.is_application(parameters):
                    self._note(self._makers, name, _Kind(f"the class {node.name}"), module, node)
        if name in self._makers:
            self._closed.discard(name)

    def _kind(self, node: ast.expr, module: Module, local: Mapping[str, _Kind]) -> _Kind | None:  # noqa: PLR0911
        """Return the kind of application that an expression evaluates to, if any."""
        if isinstance(node, ast.Name) and node.id in local:
            return local[node.id]
        if isinstance(node, ast.Name | ast.Attribute):
            name = self._follow(module.dotted(node))
            if kind := self._values.get(name):
                return replace(kind, wrapped=name)
            return self._attribute(node, module, local) if isinstance(node, ast.Attribute) else None
        if not isinstance(node, ast.Call):
            return None
        name = self._follow(module.dotted(node.func))
        is_wrapper = _is_wrapper(ast.unparse(node.func), name)
        values = [*node.args, *(word.value for word in node.keywords)] if is_wrapper else []
        inner = next(filter(None, (self._kind(value, module, local) for value in values)), None)
        if kind := self._makers.get(name):
            return replace(kind, wrapped=inner.wrapped if inner else "")
        if isinstance(node.func, ast.Attribute) and (what := known().wsgi_methods.get(node.func.attr)):
            return _Kind(what)
        return inner

    def _attribute(self, node: ast.Attribute, module: Module, local: Mapping[str, _Kind]) -> _Kind | None:
        """Return the kind of applications such as ``dash_app.server`` and ``flask_app.wsgi_app``."""
        if node.attr == "wsgi_app":
            return self._kind(node.value, module, local)
        if isinstance(node.value, ast.Name):
            for name in self._calls(module).get(node.value.id, ()):
                if kind := self._values.get(f"{self._follow(name)}.{node.attr}"):
                    return kind
        return None

    def _calls(self, module: Module) -> Mapping[str, Sequence[str]]:
        """Return the callables whose results are assigned at ``module``'s top level, by that name."""
        if module.name not in self._called:
            made = self._called[module.name] = dict[str, list[str]]()
            for statement in top_level(module.tree):
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                    name = module.dotted(statement.value.func)
                    for target in statement.targets:
                        if (
                            isinstance(target, ast.Name)
                            and len(found := made.setdefault(target.id, [])) < _HOPS
                        ):
                            found.append(name)
        return self._called[module.name]

    def _follow(self, name: str) -> str:
        """Return the original full name of ``name``: modules may re-export what they import."""
        for _ in range(_HOPS):
            if name in self._values or name in self._makers:
                return name
            for cut in range(name.count(".") + 1):
                head = name.rsplit(".", cut)[0] if cut else name
                if head in self._aliases and self._aliases[head] != head:
                    name = self._aliases[head] + name[len(head) :]
                    break
            else:
                return name
        return name

    def _note(
        self, table: dict[str, _Kind], name: str, kind: _Kind, module: Module, node: ast.stmt
    ) -> None:
        # The last assignment counts. A name may wrap itself: app = ProxyFix(app)
        if name not in table or name in self._where:
            table[name] = kind if kind.wrapped != name else replace(kind, wrapped="")
            self._where[name] = (module, node.lineno)

    def _candidate(self, name: str, kind: _Kind, *, call: bool) -> Candidate | None:
        if name not in self._where or name in self._closed:
            return None
        module, line = self._where[name]
        short = name.removeprefix(f"{module.name}.")
        if short.startswith("_"):
            return None
        if call and short not in FACTORIES and self._is_class(short, module):
            return None
        entry = f"{module.name}:{short}" + "()" * call
        rank = rank_of(module, short, call=call)
        if not call and self._is_handed_on(name, module):
            rank = min(rank, rank_of(module, short, call=False, name="__init__.py"))
        return Candidate(entry, module.path, line, kind.what, kind.wsgi, kind.server, kind.listens, rank)

    def _is_handed_on(self, name: str, module: Module) -> bool:
        """Tell whether the package of ``module`` re-exports ``name``."""
        names = self._handed_on.get(module.name.rpartition(".")[0], frozenset())
        return name in names or f"{module.name}.*" in names

    def _replaces(self, name: str, kind: _Kind) -> bool:
        """Tell whether ``name`` replaces what it wraps: in the same module, or in a file for servers."""
        module = self._where[name][0] if name in self._where else None
        return module is not None and (
            kind.wrapped.startswith(f"{module.name}.") or bool(FOR_SERVERS.search(module.path))
        )

    def _is_class(self, short: str, module: Module) -> bool:
        if module.name not in self._classes:
            self._classes[module.name] = {
                node.name for node in module.tree.body if isinstance(node, ast.ClassDef)
            }
        return short in self._classes[module.name]

    def _imported(self) -> Iterator[Candidate]:
        """Yield names that servers look for, whose values are imported or come from unknown calls."""
        for module in self._modules:
            if not FOR_SERVERS.search(module.path):
                continue
            for node in top_level(module.tree):
                for name in shapes.bound(node):
                    full = f"{module.name}.{name}"
                    if name in SERVED and full not in self._values and full not in self._makers:
                        kind = self._values.get(self._follow(full)) or _Kind(f"'{name}', by its name")
                        rank = rank_of(module, name, call=False)
                        yield Candidate(
                            f"{module.name}:{name}",
                            module.path,
                            node.lineno,
                            kind.what,
                            kind.wsgi,
                            kind.server,
                            kind.listens,
                            rank,
                        )


def _is_wrapper(written: str, name: str) -> bool:
    """Tell whether a call, as ``written`` and with its full ``name``, returns a wrapped application."""
    return written.endswith(known().wrappers.endings) and not _EXTENSION.search(name)
