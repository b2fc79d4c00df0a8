"""Find the environment variables that an app reads, and that nothing gives a value."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from debonair.init.discovery.code import Module, top_level
from debonair.init.discovery.finding import Finding
from debonair.init.imports.places import DATA
from debonair.project import reader

_GET = {"os.environ.get", "os.getenv", "os.environ.pop", "decouple.config", "starlette.config.Config"}
_MAKERS = {"environ.Env", "environs.Env", "environs.env", "decouple.AutoConfig", "starlette.config.Config"}
"""Calls whose results are called with the name of a variable."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_PROVIDED = re.compile(
    r"SECRET_KEY|SOCKET|PORT|HOST|PATH|HOME|USER|LOGNAME|PWD|SHELL|TZ|LANG|LC_\w+|TERM|TMPDIR|TEMP|HOSTNAME|DISPLAY"
    r"|VIRTUAL_ENV|PYTHON\w*|\w+_DIRECTORY|XDG_\w+|FLASK_\w+|WERKZEUG_\w+|DJANGO_SETTINGS_MODULE|(\w+_)?DEBUG"
    r"|SERVER_SOFTWARE|GPIOZERO_\w+|DYNO|CI|APPDATA|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|LISTEN_\w+"
)
"""The variables that the package or the system sets, and those that an app on a Pi does not need."""
_FILES = re.compile(
    r"\.env|\.?env[._-](example|sample|template|dist|prod|production)|(example|sample)\.env"
)
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=")
_MOST = 12
"""The most names in a command."""


def unset(root: Path, modules: Sequence[Module], given: Collection[str], app: str) -> list[str]:
    """Return sentences about the variables without a value, with the command on the Pi.

    ``given`` are the variables that the settings have, and ``app`` is the name of the package.
    """
    needed, read, known = dict[str, str](), dict[str, str](), set(given)
    for module in modules:
        for name, line, has_default in _reads(module):
            if has_default is None:
                known.add(name)
            else:
                (read if has_default else needed).setdefault(name, f"{module.path}:{line}")
    files = {name: where for name, where in _of_files(root) if name not in read or name in needed}
    notes = []
    groups = (
        ("The code reads these variables, which have no value", needed),
        ("These variables are not in the package", {k: v for k, v in files.items() if k not in needed}),
    )
    for text, found in groups:
        left = {
            name: where
            for name, where in found.items()
            if name not in known and not _PROVIDED.fullmatch(name)
        }
        if left:
            some = list(left)[:_MOST]
            more = f" and {len(left) - _MOST} more" if len(left) > _MOST else ""
            places = ", ".join(f"{name} ({left[name]})" for name in some)
            command = " ".join(f"{name}=VALUE" for name in some)
            notes.append(f"{text}: {places}{more}. Set them on the Pi: sudo {app} env set {command}")
    return notes


def named(findings: Sequence[Finding]) -> list[Finding]:
    """Return ``findings`` with the name of the package in the values that lead to the app's data."""
    package = next((str(found.value) for found in findings if found.name == "package"), "")

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value.replace(DATA, f"/var/lib/{package}") if isinstance(value, str) else value

    return [
        replace(found, value=filled(found.value))
        if found.key[:2] == ("service", "environment") or found.key[:1] == ("uwsgi",)
        else found
        for found in findings
    ]


def _reads(module: Module) -> Iterator[tuple[str, int, bool | None]]:
    """Yield the name and line of each variable that is read, and whether the code has a default for it.

    The last is ``None`` if the code sets the variable itself.
    """
    callers = {
        f"{module.name}.{target.id}"
        for node in top_level(module.tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and module.dotted(node.value.func) in _MAKERS
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    optional = {
        id(node.values[0])
        for node in module.nodes
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
    }
    for node in module.nodes:
        match node:
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(name)), ctx=context) if (
                module.dotted(owner) == "os.environ"
            ):
                has_default: bool | None = False if isinstance(context, ast.Load) else None
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *more], keywords=words):
                called = module.dotted(function)
                if called == "os.environ.setdefault":
                    has_default = None
                elif called in _GET or called in callers or called.rpartition(".")[0] in callers:
                    defaults = [*more[:1], *(word.value for word in words if word.arg == "default")]
                    has_default = id(node) in optional or any(
                        not isinstance(value, ast.Constant) or value.value is not None for value in defaults
                    )
                else:
                    continue
            case _:
                continue
        if _NAME.fullmatch(name):
            yield name, node.lineno, has_default


def _of_files(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of the variables in the project's ``.env`` files, each with file and line."""
    for here, _, names in reader.below(root, deepest=0):
        for file in sorted(name for name in names if _FILES.fullmatch(name)):
            text = reader.head(here / file, root, most=64 << 10)
            for number, line in enumerate(reader.lines(text), 1):
                if found := _LINE.match(line):
                    yield found[1], f"{file}:{number}"
