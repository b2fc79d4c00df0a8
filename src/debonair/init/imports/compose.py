"""Read a compose file: the command and the variables of the app's service.

Other services, such as a database or a worker, are named as not taken over.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debonair.init.imports import commandline, places, start, variables
from debonair.init.imports.account import Account, Imported, Taken, merge
from debonair.project import reader

if TYPE_CHECKING:
    from yaml import Node

_MOST = 64 << 10
"""The most bytes of a file."""
_REASONS = {
    "ports": "nginx serves the app on port 80",
    "expose": "nginx serves the app on port 80",
    "volumes": "the app's data is in /var/lib/APP",
    "env_file": "set its variables on the Pi: sudo APP env set NAME=VALUE",
}


def read(path: Path, root: Path) -> Imported:
    """Return the settings in the compose file at ``path``."""
    import yaml  # noqa: PLC0415 - few projects have such a file

    text = reader.head(path, places.boundary(path, root), most=_MOST)
    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return Imported((Account(path, 0, path.name, "", "not taken over; it is not valid YAML"),))
    services = _table(_table(top).get("services"))
    return merge(found for name, node in services.items() for found in _service(path, root, name, node))


def _service(path: Path, root: Path, name: str, node: Node) -> Iterator[Imported]:
    keys = _table(node)
    words = " ".join(filter(None, (_command(keys.get("entrypoint")), _command(keys.get("command")))))
    line = (keys.get("command") or keys.get("entrypoint") or node).start_mark.line + 1
    command = commandline.read(words)
    if not words and "build" in keys:
        command = commandline.CommandLine()  # the Dockerfile has the command
    elif not command.is_server or command.is_for_development:
        image = _scalar(keys.get("image"))
        why = f"not taken over; if Debian has it, add its package to 'depends': {image}"
        taken = Taken(words or f"{name}:", "", commandline.untaken(words) if words else why)
        yield _said(path, line, taken)
        return
    else:
        yield start.take(path, root, line, f"command: {words}", command)
    for key, value in keys.items():
        number = value.start_mark.line + 1
        if key == "environment":
            for at, variable, content in reversed(list(_pairs(value))):  # the last one counts
                taken = variables.taken(f"{variable}={content}", variable, content)
                if taken.settings and re.match(r"/|\w+:/{3,}", content):
                    taken = Taken(
                        taken.text, "", "a path in the container; the app's data is in /var/lib/APP"
                    )
                yield _said(path, at, taken)
        elif key not in {"command", "entrypoint"}:
            yield _said(
                path, number, Taken(f"{key}:", "", _REASONS.get(key, "it is only for the container"))
            )


def _said(path: Path, number: int, taken: Taken) -> Imported:
    account = Account(path, number, " ".join(taken.text.split())[:1000], taken.became, taken.why)
    return Imported((account,), taken.settings)


def _table(node: Node | None) -> dict[str, Node]:
    pairs = node.value if _is(node, "mapping") and node else []
    return {_scalar(key): value for key, value in pairs}


def _scalar(node: Node | None) -> str:
    return str(node.value) if _is(node, "scalar") and node else ""


def _is(node: Node | None, kind: str) -> bool:
    return getattr(node, "id", "") == kind


def _command(node: Node | None) -> str:
    """Return a command, which may be a list, in the syntax of a shell."""
    if node and _is(node, "sequence"):
        words = [_scalar(item) for item in node.value]
        if words[:2] in (["sh", "-c"], ["bash", "-c"], ["/bin/sh", "-c"], ["/bin/bash", "-c"]):
            return " ".join(words[2:])
        return shlex.join(words)
    return " ".join(_scalar(node).split())


def _pairs(node: Node) -> Iterator[tuple[int, str, str]]:
    """Yield the line, name and value of each variable: in a table, or in a list of ``NAME=VALUE``."""
    if _is(node, "sequence"):
        for item in node.value:
            name, _, value = _scalar(item).partition("=")
            yield item.start_mark.line + 1, name, value
    for key, content in _table(node).items():
        yield content.start_mark.line + 1, key, _scalar(content)
