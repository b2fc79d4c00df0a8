"""Find server-sent events, whose responses never end, and propose the settings for them.

Each open page occupies a thread for as long as it is open, and ``harakiri`` would kill its process.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import Finding
from debonair.project.settings import LOOPS, PROCESSES

_TYPE = "text/event-stream"
_WORDS = {"mimetype", "content_type", "media_type"}
"""The arguments and attributes by which frameworks name the type of a response."""
_LIBRARIES = {"flask_sse", "django_eventstream"}
_SHARED = {*_LIBRARIES, "redis", "valkey", "kombu", "pika", "paho"}
"""Modules by which the events of one process reach the clients of the others."""
_HEADER = "X-Accel-Buffering"
_THREADS = 64


def settings(
    chosen: Sequence[Finding], imported: Sequence[Finding], modules: Sequence[Module]
) -> tuple[list[Finding], list[Finding], list[str]]:
    """Return ``chosen``, the application, and the settings ``imported``, as events need them.

    Also return notes.
    """
    where = _first(modules)
    keys = {found.key for found in (*chosen, *imported)}
    if not where or ("wsgi",) not in {found.key for found in chosen}:
        return list(chosen), list(imported), []
    found = {
        ("uwsgi", "harakiri"): Finding(
            "uwsgi.harakiri", 0, "streams of events do not end", ("uwsgi", "harakiri")
        )
    }
    has_loop = not {("uwsgi", loop) for loop in LOOPS}.isdisjoint(keys)
    if not has_loop:
        why = "each open page occupies one"
        found["uwsgi", "threads"] = Finding("uwsgi.threads", _THREADS, why, ("uwsgi", "threads"))
    is_shared = any(name.partition(".")[0] in _SHARED for module in modules for name, _ in module.imports())
    if not is_shared:
        found["uwsgi", "processes"] = Finding("uwsgi.processes", 1, where, ("uwsgi", "processes"))
    refused = {*found}
    if not is_shared:
        refused |= {("uwsgi", name) for name in (*PROCESSES, "cheaper")}
    return (
        [*(each for each in chosen if each.key not in refused), *found.values()],
        [each for each in imported if each.key not in refused],
        [" ".join(_notes(where, modules, has_loop=has_loop, is_shared=is_shared))],
    )


def _notes(where: str, modules: Sequence[Module], *, has_loop: bool, is_shared: bool) -> Iterator[str]:
    yield f"{where}."
    yield (
        "The event loop of uWSGI serves each open page."
        if has_loop
        else f"Each open page occupies a thread, so uWSGI starts {_THREADS} of them for each process."
    )
    if not is_shared:
        yield "The events of one process do not reach the clients of another, so uWSGI starts one process."
    yield "'harakiri' would end each stream, so it is off."
    if not any(
        node.value == _HEADER for each in modules for node in each.nodes if isinstance(node, ast.Constant)
    ):
        yield f'nginx sends events late, unless the response has the header "{_HEADER}: no".'


def _first(modules: Sequence[Module]) -> str:
    """Return where a module sends events first; empty if none does."""
    for module in modules:
        for node in module.nodes:
            if sends(node):
                return f"{module.path}:{node.lineno} sends server-sent events"  # type: ignore[attr-defined]
        for name, line in module.imports():
            if name.partition(".")[0] in _LIBRARIES:
                return f"{module.path}:{line} imports {name}, which sends server-sent events"
    return ""


def sends(node: ast.AST) -> bool:
    """Tell whether ``node`` gives a response the type of events; a client asks for it by ``Accept``."""
    match node:
        case ast.Call(func=function, args=arguments, keywords=words):
            named = [word.value for word in words if word.arg in _WORDS]
            is_response = ast.unparse(function).endswith("Response")
            return any(map(_is_type, [*named, *(arguments if is_response else [])]))
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=value) if name in _WORDS:
            return _is_type(value)
        case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
            return _is_header(key) and _is_type(value)
        case ast.Dict(keys=keys, values=values):
            return any(_is_header(key) and _is_type(value) for key, value in zip(keys, values, strict=True))
    return False


def _is_type(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and str(node.value).lower().startswith(_TYPE)


def _is_header(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and str(node.value).lower() == "content-type"
