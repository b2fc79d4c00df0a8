"""Find the script of an app whose framework starts a server itself, and write a file that runs it.

Such a script listens on a port, as its framework's own tutorial shows it. The file runs the script, and
lets the server listen on ``$SOCKET``. Or it names the application that uWSGI serves.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from debonair.host.terminal import line
from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import File, Finding
from debonair.project.catalogue import Launch, known
from debonair.template import fill

SOCKET_FILE, WSGI_FILE = "debonair_socket.py", "debonair_wsgi.py"
_PAGES = "pages"
"""The folder of Streamlit's further pages, which the main script shows."""


@dataclass(frozen=True)
class Script:
    """A script whose framework starts a server."""

    kind: str
    """The framework's name in ``[launches]``."""
    path: str
    """The path relative to the project."""
    where: str
    """The file and line that starts the server."""
    module: str
    """The module's dotted name."""
    name: str = ""
    """The object that the framework serves, if the script need not run."""
    at_import: bool = False
    """True if importing the module starts the server."""

    @property
    def what(self) -> str:
        """Return the framework's name, for people."""
        return known().launches[self.kind].what


def find(modules: Sequence[Module], commands: Sequence[str] = ()) -> list[Script]:
    """Return the scripts in ``modules`` whose frameworks start servers, the likeliest first.

    Those that ``commands``, lines of files of other tools, name come before all others.
    """
    found = list[tuple[tuple[int, ...], Script]]()
    for order, (kind, launch) in enumerate(known().launches.items()):
        for module in modules:
            script = _script(kind, launch, module, modules)
            if script and (script.at_import or not launch.unguarded):
                is_named = any(_names(line, script.path) for line in commands)
                found.append(((not is_named, order, *_rank(script, launch, modules)), script))
    return [script for _, script in sorted(found, key=lambda each: (each[0], each[1].path))]


def settings(script: Script, entry: str = "") -> list[Finding]:
    """Return the settings that serve ``script``, with the file to write for them.

    ``entry`` is the application in it, if it has a name.
    """
    launch = known().launches[script.kind]
    module, _, value = entry.partition(":") if entry else (script.module, "", script.name)
    values = {
        "script": line(script.path),
        "script_value": _literal(script.path),
        "folder_value": _literal(PurePosixPath(script.path).parent.as_posix()),
        "module_value": _literal(module),
        "value": value,
        "entry_value": _literal(entry or script.module),
    }
    text = fill(f"packaging/launch/{script.kind}.py.in", values)
    found = Finding("application", script.path, f"{script.where} ({launch.what})")
    if launch.wsgi:
        name = WSGI_FILE.removesuffix(".py") + ":application"
        return [
            found,
            Finding(
                "wsgi", name, f"names it for uWSGI: {WSGI_FILE}", ("wsgi",), file=File(WSGI_FILE, text)
            ),
        ]
    why = f"serves {script.path} on $SOCKET"
    return [
        found,
        Finding("server", "command", f"{launch.what} has its own server", ("server",)),
        Finding("command", f"python {SOCKET_FILE}", why, ("command",), file=File(SOCKET_FILE, text)),
    ]


def _literal(text: str) -> str:
    """Return ``text`` in Python's syntax."""
    return json.dumps(text, ensure_ascii=False)


def missing(root: Path, chosen: Sequence[Finding]) -> list[File]:
    """Return the files that ``chosen`` names and the project in ``root`` lacks."""
    files = (found.file for found in chosen)
    return [file for file in files if file and not os.path.lexists(root / file.name)]


def kept(root: Path, chosen: Sequence[Finding]) -> list[str]:
    """Return a sentence about each file that ``chosen`` names and the project in ``root`` has."""
    files = (found.file for found in chosen)
    names = [file.name for file in files if file and os.path.lexists(root / file.name)]
    return [f"{name} exists already, and was not changed." for name in names]


def _script(kind: str, launch: Launch, module: Module, modules: Sequence[Module]) -> Script | None:
    if module.path in {SOCKET_FILE, WSGI_FILE} or not _imports(module, launch.modules or (kind,)):
        return None
    if launch.makes:
        return _object(kind, launch, module)
    if not launch.calls:
        first = next(each for name, each in module.imports() if name.partition(".")[0] == kind)
        return Script(kind, module.path, f"{module.path}:{first}", module.name)
    for node in module.nodes:
        if isinstance(node, ast.Call) and _is_one(node, launch.calls, module):
            path = module.path if _runs(module, node) else _starter(module, modules)
            where = f"{module.path}:{node.lineno}"
            at_import = _runs(module, node, guarded=False)
            return Script(kind, path, where, module.name, at_import=at_import)
    return None


def _object(kind: str, launch: Launch, module: Module) -> Script | None:
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)) if (
                module.dotted(func) == launch.makes
            ):
                return Script(kind, module.path, f"{module.path}:{node.lineno}", module.name, name)
            case _:
                pass
    return None


def _imports(module: Module, names: Sequence[str]) -> bool:
    return any(name.partition(".")[0] in names for name, _ in module.imports())


def _is_one(call: ast.Call, ends: Sequence[str], module: Module) -> bool:
    """Tell whether ``call`` has one of the ``ends``, also by the class of the object whose method it is."""
    names = [module.dotted(call.func) or ast.unparse(call.func)]
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        names += [f"{each}.{call.func.attr}" for each in _makers(call.func.value.id, module)]
    return any(f".{name}".endswith(f".{end}") for name in names for end in ends)


def _makers(name: str, module: Module) -> Iterator[str]:
    """Yield the full names of the calls whose results ``module`` assigns to ``name``."""
    for node in module.nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(func=func)) if found == name:
                yield module.dotted(func)
            case _:
                pass


def _runs(module: Module, call: ast.Call, *, guarded: bool = True) -> bool:
    """Tell whether the module's own statements contain ``call``.

    Those that run only if the module is called as a script count if ``guarded``.
    """
    waiting = list[ast.AST](module.tree.body)
    while waiting:
        node = waiting.pop()
        if node is call:
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and not guarded and "__main__" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
    return False


def _starter(module: Module, modules: Sequence[Module]) -> str:
    """Return the script that calls a function of ``module``: the module itself, or one that imports it."""
    if _is_script(module):
        return module.path
    name = module.name
    for each in modules:
        imported = (found for found, _ in each.imports())
        if each is not module and any(f"{found}.".startswith(f"{name}.") for found in imported):
            return each.path
    return module.path


def _is_script(module: Module) -> bool:
    return any(
        isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in module.tree.body
    )


def _names(command: str, path: str) -> bool:
    """Tell whether the line ``command`` names the file ``path``."""
    return bool(re.search(rf"(^|[\s\"'=/]){re.escape(path)}([\s\"',]|$)", command))


def _rank(script: Script, launch: Launch, modules: Sequence[Module]) -> tuple[int, ...]:
    path = PurePosixPath(script.path)
    imported = any(
        f"{name}.".startswith(f"{script.module}.")
        for module in modules
        if module.path != script.path
        for name, _ in module.imports()
    )
    usual = launch.scripts.index(path.name) if path.name in launch.scripts else len(launch.scripts)
    return (int(_PAGES in path.parts[:-1]), int(imported), script.path.count("/"), usual)
