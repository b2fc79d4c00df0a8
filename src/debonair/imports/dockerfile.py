"""The CMD, the ENTRYPOINT and the ENV of a Dockerfile, and the Debian packages that it installs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from debonair import declared
from debonair.imports import Account, Imported, commandline, variables

_NOT_KEPT = re.compile(
    r"PYTHON\w*|PIP_\w*|PATH|PORT|DEBIAN_FRONTEND|LANG|LC_\w*|VIRTUAL_ENV|POETRY_\w*|\w*SECRET\w*"
)


def read(path: Path, _root: Path) -> Imported:
    """Return what the Dockerfile at ``path`` says; what is not known in it is passed over."""
    accounts = list[Account]()
    settings = dict[str, Any]()
    starts = dict[str, tuple[int, str, str]]()  # the last of each counts
    for number, line in _instructions(declared.text(path)):
        word, _, rest = line.partition(" ")
        if word.upper() in {"CMD", "ENTRYPOINT"}:
            starts[word.upper()] = (number, line, _words(rest.strip()))
        elif word.upper() == "ENV":
            for name, value in _variables(rest):
                why = _why_not(name, value)
                if not why:
                    settings.setdefault("service", {}).setdefault("environment", {})[name] = value
                accounts.append(
                    Account(path, number, line, "" if why else f"service.environment.{name}", why)
                )
        elif word.upper() == "RUN" and "apt-get" in rest and "install" in rest:
            why = "what the app runs of these goes into 'depends'; what only a build needs does not"
            accounts.append(Account(path, number, line, "", why))
    if starts:
        said = commandline.read(
            " ".join(starts[word][2] for word in ("ENTRYPOINT", "CMD") if word in starts)
        )
        settings |= said.settings
        number, line, _ = max(starts.values())
        accounts.append(Account(path, number, line, ", ".join(said.keys()), said.why))
    return Imported(tuple(sorted(accounts, key=lambda account: account.line)), settings, ())


def _why_not(name: str, value: str) -> str:
    """Return why a variable is not kept; empty if it is."""
    if _NOT_KEPT.fullmatch(name) or "$" in value:
        return f"{name} is the container's own matter"
    if value.startswith("/"):
        return f"{value} is a path of the container"
    return variables.judge(name, value).why


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    start, pieces = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        start = start if pieces else number
        pieces.append(line.rstrip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            if joined := " ".join(pieces).strip():
                yield start, joined
            pieces = []


def _words(text: str) -> str:
    """Return the shell's form of a command, which may be a list of JSON."""
    try:
        listed = json.loads(text)
    except ValueError:
        return text
    words = [str(word) for word in listed] if isinstance(listed, list) else []
    if words[:2] in (["sh", "-c"], ["bash", "-c"], ["/bin/sh", "-c"], ["/bin/bash", "-c"]):
        return " ".join(words[2:])
    return shlex.join(words)


def _variables(text: str) -> list[tuple[str, str]]:
    if "=" not in text.split(" ", 1)[0]:
        name, _, value = text.partition(" ")
        return [(name, value.strip())]
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    return [(word.partition("=")[0], word.partition("=")[2]) for word in words if "=" in word]
