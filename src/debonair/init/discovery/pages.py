"""Find a page for the health check of an app that has none at /, such as an interface for programs.

Only an app whose routes are all literal is judged; any other may add pages by other means.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from debonair.init.discovery import streams
from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import Finding
from debonair.project.catalogue import known

_METHODS = {"route", "get", "post", "put", "patch", "delete", "head", "options", "websocket"}
_PAGES = {"route", "get"}
_PLAIN = re.compile(r"/[\w.-]+(/[\w.-]+)*/?")
_OTHER_WAYS = {
    *("add_url_rule", "add_api_route", "add_route", "api_route", "add_resource", "register"),
    *("errorhandler", "exception_handler", "middleware", "before_request", "init_app", "add_view"),
}
"""Methods of an application by which it, or an extension, may answer for / in another way."""
_DESCRIBED = {
    "fastapi.FastAPI": ("/docs", ("docs_url", "openapi_url", "root_path")),
    "litestar.Litestar": ("/schema", ("openapi_config", "path")),
}
"""Frameworks with a page about the interface, whatever its routes, and the options that move it."""


def health(modules: Sequence[Module], served: Sequence[Module]) -> list[Finding]:
    """Return the page for the health check of the Flask or FastAPI application in ``served``.

    These are those of ``modules`` that the server reaches. The result is empty if the application has a
    page at /, or may have one.
    """
    nodes = [(module, node) for module in modules for node in module.nodes]
    calls = [(module, node) for module, node in nodes if isinstance(node, ast.Call)]
    made = [(module, node, name) for module, node in calls if (name := _framework(module, node))]
    if len(made) != 1 or made[0][0] not in served or any(_is_another_way(node) for _, node in calls):
        return []
    ((module, node, framework),) = made
    routes = [(each, *route) for each in modules for route in _routes(each)]
    if not routes or any(not path.strip("/") or not path.startswith("/") for _, _, path, *_ in routes):
        return []
    if framework in _DESCRIBED:
        page, options = _DESCRIBED[framework]
        given = {word.arg for word in node.keywords}
        return [] if given & {*options, None} else [_finding(page, module, node.lineno)]
    owners = {owner for _, owner, *_ in routes}
    if len(owners) > 1 or node.args[1:] or _has_helpers(calls, owners):
        return []
    pages = [route for route in routes if route[3] and _PLAIN.fullmatch(route[2]) and not _acts(route[2])]
    pages.sort(key=lambda route: route[4])  # a stream is the last choice
    return [_finding(path, each, line) for each, _, path, line, _ in pages[:1]]


def _acts(path: str) -> bool:
    """Tell whether a request for ``path`` may do something, by the names in it: it could open a door."""
    return not set(known().actions["words"]).isdisjoint(re.split(r"[/._-]", path.lower()))


def _finding(path: str, module: Module, line: int) -> Finding:
    return Finding("health check", path, f"{module.path}:{line}; the app has no page at /", ("health",))


def _framework(module: Module, call: ast.Call) -> str:
    name = module.dotted(call.func)
    return name if name in {"flask.Flask", *_DESCRIBED} else ""


def _routes(module: Module) -> Iterator[tuple[str, str, int, bool]]:
    """Yield the owner, the path and the line of each route, and whether it is an endless stream.

    The line is 0 if it is not a page to GET. The path is empty if it is not literal.
    """
    for function in module.nodes:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in function.decorator_list:
            if not isinstance(call, ast.Call):
                continue
            owner, _, method = ast.unparse(call.func).rpartition(".")
            if method in _METHODS and (owner or module.dotted(call.func).startswith("litestar.")):
                given = next((word.value for word in call.keywords if word.arg == "methods"), None)
                gets = method in _PAGES and (given is None or "'GET'" in ast.unparse(given).upper())
                endless = any(map(streams.sends, ast.walk(function)))
                yield owner, _literal(call), call.lineno if gets else 0, endless


def _literal(call: ast.Call) -> str:
    """Return the first argument of ``call``; empty if it is not a literal text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _is_another_way(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr == "mount":
        return not _PLAIN.fullmatch(_literal(call))
    return call.func.attr in _OTHER_WAYS


def _has_helpers(calls: Sequence[tuple[Module, ast.Call]], owners: set[str]) -> bool:
    """Return whether something gets the application, such as an extension that adds pages."""
    arguments = (
        each for _, call in calls for each in (*call.args, *(word.value for word in call.keywords))
    )
    return any(
        ast.unparse(each) in owners for each in arguments if isinstance(each, ast.Name | ast.Attribute)
    )
