"""Find out whether one process must answer all of an app's requests, and propose the settings for it.

The clients of Socket.IO must always reach the process that knows them. A pin or a camera belongs to the
process that has opened it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import Finding
from debonair.project.catalogue import known
from debonair.project.settings import LOOPS, PROCESSES

_OWNED = {"gpio": "a pin", "camera": "the camera"}
"""Parts of the board that one process can open at a time."""
_REPLACING = ("eventlet", "gevent")
"""Packages that replace threads. Socket.IO uses the first one that is installed."""
_SERVERS = re.compile(r"(socketio|engineio)\.(Server|WSGIApp|Middleware)")
"""The calls by which an app is a server of Socket.IO, and not a client."""
_THREADS = 64
"""Threads of the one process. Each client that polls or has a websocket occupies one."""


def settings(
    chosen: Sequence[Finding], modules: Sequence[Module], required: Collection[str], source: str
) -> tuple[list[Finding], list[str]]:
    """Return ``chosen``, the application, with the settings for a single process; and notes.

    ``required`` has the normalised names of the requirements, and ``source`` is the file that lists them.
    """
    entry = next((str(found.value) for found in chosen if found.key == ("wsgi",)), "")
    if not entry:
        return list(chosen), []
    if where := _serves_live(modules):
        if "gunicorn" in required:
            return _gunicorn(chosen, entry, where, modules, required)
        return _uwsgi(chosen, where, _loop(modules, required), source)
    board = {name: each for name, each in known().hardware.items() if each.opens in _OWNED}
    if where := _first(modules, board):
        owned = _OWNED[board[where.rpartition(" ")[2].partition(".")[0]].opens]
        found = [
            Finding("uwsgi.processes", 1, f"one process opens {owned}", ("uwsgi", "processes")),
            Finding(
                "uwsgi.lazy-apps", value=True, where="its threads start in it", key=("uwsgi", "lazy-apps")
            ),
        ]
        return [*chosen, *found], []
    return list(chosen), []


def fitting(imported: Sequence[Finding], chosen: Sequence[Finding]) -> list[Finding]:
    """Return the settings ``imported`` from other tools that do not contradict those of ``chosen``."""
    keys = {found.key for found in chosen}
    if ("command",) in keys:
        return [found for found in imported if found.key[:1] != ("uwsgi",)]
    refused = set[tuple[str, ...]]()
    if ("uwsgi", "processes") in keys:
        refused = {*keys, *(("uwsgi", name) for name in (*PROCESSES, "cheaper"))}
    if ("uwsgi", "threads") in keys:
        refused |= {("uwsgi", name) for name in LOOPS}
    if ("uwsgi", "threads") in keys:
        imported = list(_without_loops(imported))
    return [found for found in imported if found.key not in refused]


def _without_loops(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield ``findings`` without uWSGI's plugins for event loops."""
    loops = {f"{loop}_python3" for loop in LOOPS}
    for found in findings:
        if found.key == ("uwsgi", "plugins"):
            values = found.value if isinstance(found.value, list) else [found.value]
            names = [name for value in values for name in str(value).split(",") if name not in loops]
            if not names:
                continue
            found = replace(found, value=",".join(names))  # noqa: PLW2901 - the same finding, shortened
        yield found


def _gunicorn(
    chosen: Sequence[Finding],
    entry: str,
    where: str,
    modules: Sequence[Module],
    required: Collection[str],
) -> tuple[list[Finding], list[str]]:
    loop = _loop(modules, required)
    workers = f"--worker-class {loop}" if loop else f"--threads {_THREADS}"
    line = f"{known().servers['gunicorn'].command} --workers 1 {workers} {entry}"
    found = [
        Finding("server", "command", f"{where}, which uses websockets", ("server",)),
        Finding("command", line, "runs the server gunicorn", ("command",)),
    ]
    note = (
        f"{where}. Its clients must always reach the same process, so the command starts one"
        f"{f', with {loop}' if loop else ' with threads'}. Websockets work."
    )
    kept = [Finding(each.name, each.value, each.where) for each in chosen if each.key == ("wsgi",)]
    return [*kept, *(each for each in chosen if each.key and each.key != ("wsgi",)), *found], [note]


def _uwsgi(
    chosen: Sequence[Finding], where: str, loop: str, source: str
) -> tuple[list[Finding], list[str]]:
    found = [
        Finding("uwsgi.processes", 1, where, ("uwsgi", "processes")),
        Finding("uwsgi.threads", _THREADS, "each client occupies one", ("uwsgi", "threads")),
    ]
    add = f"add gunicorn to {source or 'the requirements'}, and run 'debonair init' again"
    note = f"{where}. Its clients must always reach the same process, so uWSGI starts one with threads. "
    if "flask_sock." in f"{where}.":
        note += f"Its websockets do not work with uWSGI: {add}."
    elif loop:
        note += f"{loop} among the requirements does not work with threads. Remove it, or {add}."
    else:
        note += f"Clients then use long polling. For websockets, {add}."
    return [*chosen, *found], [note]


def _loop(modules: Sequence[Module], required: Collection[str]) -> str:
    """Return the package that replaces threads, which Socket.IO prefers if it is installed; or nothing."""
    for module in modules:
        for node in module.nodes:
            match node:
                case ast.keyword(arg="async_mode", value=ast.Constant(value=str(mode))):
                    return next((loop for loop in _REPLACING if mode.startswith(loop)), "")
                case _:
                    pass
    return next((name for name in _REPLACING if name in required), "")


def _serves_live(modules: Sequence[Module]) -> str:
    """Return where a module imports a library whose clients must reach the same process, as a server."""
    where = _first(modules, known().live)
    if not re.search(r" (socketio|engineio)\b", where):
        return where
    calls = (module.dotted(n.func) for module in modules for n in module.nodes if isinstance(n, ast.Call))
    return where if any(map(_SERVERS.fullmatch, calls)) else ""


def _first(modules: Sequence[Module], names: Collection[str]) -> str:
    """Return where a module imports one of ``names`` first; empty if none does."""
    for module in modules:
        for name, line in module.imports():
            if name.partition(".")[0] in names:
                return f"{module.path}:{line} imports {name}"
    return ""
