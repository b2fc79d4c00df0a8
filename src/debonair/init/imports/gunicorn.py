"""Convert gunicorn's options, of a command line or a gunicorn.conf.py, to Debonair's settings."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from debonair.init.imports import places, variables
from debonair.init.imports.account import Account, Imported, Taken, merged
from debonair.project import entry_point, reader, syntax
from debonair.resources import resource

_NEVER = "gunicorn's 0 means never, but a request has at most 'uwsgi.harakiri' seconds"
_HOOKS = re.compile(r"on_\w+|(pre|post|child|worker|nworkers)_\w+|when_ready|ssl_context")


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(resource("packaging/uwsgi/gunicorn.toml").read_text())


@cache
def _reasons() -> dict[str, str]:
    return {name: why for why, names in _tables()["dropped"].items() for name in names}


def is_flag(option: str) -> bool:
    """Tell whether ``option`` of the command line, with its dashes, takes no value."""
    return _name(option) in _tables()["flags"]["names"] or option.startswith("--no-")


def _name(option: str) -> str:
    return str(_tables()["short"].get(option, option.lstrip("-")))


def option(option: str, value: str) -> Taken:
    """Return what becomes of an ``option`` of the command line, such as ``-t``, with its ``value``."""
    name = _name(option)
    text = f"{option} {value}".strip()
    if name == "env":
        variable, _, content = value.partition("=")
        return variables.taken(text, variable, content)
    if name in _tables()["uwsgi"]:
        key = _tables()["uwsgi"][name]
        if not re.fullmatch("[0-9]{1,9}", value):
            return Taken(text, "", "it is not a number")
        if int(value):
            return Taken(text, f"uwsgi.{key}", "", {"uwsgi": {key: int(value)}})
        return Taken(text, "", _NEVER if key == "harakiri" else "0 is the default of uWSGI")
    if name == "worker-class" and "uvicorn" in value:
        return Taken(text, "", "uvicorn serves ASGI, but uWSGI does not")
    shown = variables.masked(text, variables.passwords(text))
    return Taken(shown, "", _reasons().get(name, "uWSGI has no such option"))


def application(name: str) -> Taken:
    """Return the setting for the ``name`` of an application as gunicorn takes it."""
    entry = name if ":" in name else f"{name}:application"
    try:
        entry_point.split(entry)
    except ValueError:
        module, _, factory = entry.partition(":")
        named = all(part.isidentifier() for part in module.split("."))
        why = (
            f"'{entry}' is called with arguments, which 'wsgi' does not support"
            if named and "(" in factory
            else f"'{entry}' is not a name that Python can import"
        )
        return Taken(name, "", why)
    return Taken(name, "wsgi", "", {"wsgi": entry})


def configuration(path: Path, root: Path) -> Imported:
    """Return the settings in the gunicorn.conf.py at ``path``, of which only literal values count.

    Raises ``ProjectError`` if it cannot be read.
    """
    source = reader.text(path, places.boundary(path, root))
    try:
        tree = syntax.parse(source.encode(), path.name)
    except SyntaxError as wrong:
        return Imported((Account(path, wrong.lineno or 1, path.name, "", "Python cannot read it"),))
    lines = reader.lines(source)
    accounts, found = list[Account](), dict[str, Any]()
    for node in tree.body:
        for taken in _taken(node):
            shown = variables.masked(lines[node.lineno - 1].strip(), taken.secrets)[:1000]
            accounts.append(Account(path, node.lineno, shown, taken.became, taken.why))
            found = merged(taken.settings, found)  # the last value of a name counts
    return Imported(tuple(accounts), found)


def _taken(node: ast.stmt) -> Iterator[Taken]:
    match node:
        case ast.FunctionDef(name=name) if _HOOKS.fullmatch(name):
            yield Taken(name, "", "uWSGI does not call gunicorn's hooks; move its code into the app")
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield from _setting(name, value)
        case _:
            pass


def _setting(name: str, node: ast.expr) -> Iterator[Taken]:
    dashed = name.replace("_", "-")
    called = _tables()["settings"].get(dashed, dashed)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = None
    if called == "wsgi-app" and isinstance(value, str):
        yield application(value)
    elif called == "env" and isinstance(value, list | tuple):
        for each in value:
            yield option("--env", str(each))
    elif called == "env" or called in _tables()["uwsgi"]:
        known = isinstance(value, int | str)
        yield (
            option(f"--{called}", str(value))
            if known
            else Taken(name, "", f"Python computes the value; set it by hand: {_place(called)}")
        )
    elif called in _reasons():
        yield Taken(name, "", _reasons()[called])


def _place(called: str) -> str:
    return "service.environment" if called == "env" else f"uwsgi.{_tables()['uwsgi'][called]}"
