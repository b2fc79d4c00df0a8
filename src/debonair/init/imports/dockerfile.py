"""Read the CMD, ENTRYPOINT and ENV of a Dockerfile, and the Debian packages that it installs.

Only the last stage ran, with the stages that it is built from.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from debonair.init.imports import commandline, places, shell, start, variables
from debonair.init.imports.account import Account, Imported, merge
from debonair.project import reader

_NOT_KEPT = re.compile(
    r"PYTHON\w*|PIP_\w*|PATH|PORT|DEBIAN_FRONTEND|LANG|LC_\w*|VIRTUAL_ENV|POETRY_\w*|\w*SECRET\w*"
)
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_MOST = 256 << 10
"""The most bytes of the file."""
_BOTH = 2
_MOST_VOLUMES = 20
_ENTRY = "it ran before the CMD; if each new release needs it, add it to 'migrate'"
_PLACE = re.compile(r"(\w+:/{3})?(/[^\s:]*)")
"""A path, or the address of a SQLite database."""
_SHOWN = 1000
"""The most characters of an instruction that are shown."""


@dataclass(eq=False)
class _Stage:
    """The instructions between one FROM and the next."""

    base: str = ""
    """The image or the stage that it is built from, in lower case."""
    name: str = ""
    instructions: list[tuple[int, str, str, str]] = field(default_factory=list)
    """The number of each, its line as written, its first word, and the rest."""


def read(path: Path, root: Path) -> Imported:
    """Return the settings in the Dockerfile at ``path``; unknown instructions are skipped."""
    accounts = list[Account]()
    settings = dict[str, Any]()
    variable = dict[str, int]()  # the place of the account of each
    starts = dict[str, tuple[int, str, str]]()  # the last one of each kind counts
    stages = _stages(reader.text(path, places.boundary(path, root), most=_MOST))
    ran = _ran(stages)
    data = _data(ran)
    for stage in (*(stage for stage in stages if stage not in ran), *ran):
        has_start = False
        for number, line, word, rest in stage.instructions:
            if word not in {"CMD", "ENTRYPOINT", "ENV"} and not _installs(word, rest):
                continue
            if stage not in ran:
                accounts.append(
                    Account(
                        path, number, line, "", "it belongs to a stage that the last stage does not use"
                    )
                )
            elif word == "ENV":
                for name, account in _environment(path, number, line, rest, settings=settings, data=data):
                    if (before := variable.get(name)) is not None and accounts[before].became:
                        why = f"{path.name}:{number} replaces it"
                        accounts[before] = replace(accounts[before], became="", why=why)
                    variable[name] = len(accounts)
                    accounts.append(account)
            elif word == "RUN":
                why = "add the packages that the app needs at run time to 'depends'"
                accounts.append(Account(path, number, line, "", why))
            else:
                if word == "ENTRYPOINT" and not has_start:
                    starts.pop("CMD", None)  # the CMD of the stage below was for another program
                has_start = True
                starts[word] = (number, line, _words(rest.strip()))
    own = Imported(tuple(accounts), settings)
    whole = merge([own, *_started(path, root, starts)])
    return replace(whole, accounts=tuple(sorted(whole.accounts, key=lambda account: account.line)))


def _started(path: Path, root: Path, starts: Mapping[str, tuple[int, str, str]]) -> Iterator[Imported]:
    """Yield what the last ENTRYPOINT and CMD become; an ENTRYPOINT may be a script that runs the CMD."""
    if not starts:
        return
    whole = commandline.read(" ".join(starts[word][2] for word in ("ENTRYPOINT", "CMD") if word in starts))
    if not whole.is_server and len(starts) == _BOTH:
        number, line, words = starts["CMD"]
        yield start.take(path, root, number, line, commandline.read(words))
        number, line, words = starts["ENTRYPOINT"]
        yield start.take(path, root, number, line, replace(commandline.read(words), why=_ENTRY))
    else:
        number, line, _ = max(starts.values())
        yield start.take(path, root, number, line, whole)


def _stages(text: str) -> list[_Stage]:
    found = [_Stage()]
    for number, line in _instructions(text):
        word, _, rest = line.partition(" ")
        if word.upper() == "FROM" and (image := _FROM.match(rest.strip())):
            found.append(_Stage(image[1].lower(), (image[2] or "").lower()))
        else:
            found[-1].instructions.append((number, line[:_SHOWN], word.upper(), rest))
    return found


def _ran(stages: list[_Stage]) -> list[_Stage]:
    """Return the last of ``stages`` and those that it is built from, the lowest first."""
    found = [stages[-1]]
    for place in range(len(stages) - 2, -1, -1):
        if stages[place].name and stages[place].name == found[0].base:
            found.insert(0, stages[place])
    return found


def _installs(word: str, rest: str) -> bool:
    return word == "RUN" and "apt-get" in rest and "install" in rest


@dataclass(frozen=True)
class _Data:
    """The folders of the container for the app's data."""

    values: Mapping[str, str]
    """The defaults of the ARGs."""
    volumes: Sequence[str] = ()

    def filled(self, text: str) -> str:
        """Return ``text`` with the values of its variables; unknown ones stay."""
        return re.sub(r"\$\{?(\w+)\}?", lambda found: self.values.get(found[1], found[0]), text[:_SHOWN])

    def moved(self, value: str) -> str:
        """Return a path below one of the volumes as a path in the app's data; empty if it is elsewhere."""
        found = _PLACE.fullmatch(self.filled(value))
        if not found or ".." in found[2]:
            return ""
        place = PurePosixPath(posixpath.normpath(found[2]))
        volume = next((each for each in self.volumes if each != "/" and place.is_relative_to(each)), "")
        return f"{found[1] or ''}{PurePosixPath(places.DATA) / place.relative_to(volume)}" if volume else ""


def _data(ran: Sequence[_Stage]) -> _Data:
    values, volumes = dict[str, str](), list[str]()
    for stage in ran:
        for _, _, word, rest in stage.instructions:
            if word == "ARG":
                values.update(_variables(rest))
            elif word == "VOLUME":
                with suppress(ValueError):
                    volumes += shlex.split(_words(rest.strip()))
    data = _Data(values)
    return _Data(values, [posixpath.normpath(data.filled(volume)) for volume in volumes[:_MOST_VOLUMES]])


def _environment(
    path: Path, number: int, line: str, rest: str, *, settings: dict[str, Any], data: _Data
) -> Iterator[tuple[str, Account]]:
    """Yield the name and the account of each variable; its last value counts."""
    found = _variables(rest)
    line = variables.masked(line, [value for name, value in found if _is_secret(name, value)])
    for name, value in found:
        why, kept = _why_not(name, value), value
        moved = data.moved(value) if not _NOT_KEPT.fullmatch(name) else ""
        if moved and not variables.judge(name, moved).why:
            why, kept = "", moved
        settings.get("service", {}).get("environment", {}).pop(name, None)
        if not why:
            settings.setdefault("service", {}).setdefault("environment", {})[name] = kept
        became = "" if why else f"service.environment.{name}"
        why = f"{moved}, the app's data" if kept != value else why
        yield name, Account(path, number, line, became, why)


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and variables.judge(name, value).secret


def _why_not(name: str, value: str) -> str:
    """Return why a variable is dropped; empty if it is kept."""
    if wrong := reader.unfit(value):
        return f"its value {wrong}"
    if _NOT_KEPT.fullmatch(name) or "$" in value:
        return f"{name} is only for the container"
    if re.match(r"/|\w+:/{3,}", value):
        return f"{value} is a path in the container; the app's data is in /var/lib/APP"
    return variables.judge(name, value).why


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    start, pieces = 0, list[str]()
    until = list[str]()
    for number, line in enumerate(reader.lines(text), 1):
        if until:
            until = until[1:] if line.strip() == until[0] else until
            continue
        if line.lstrip().startswith("#"):
            continue
        start = start if pieces else number
        pieces.append(line.rstrip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            if joined := " ".join(pieces).strip():
                yield start, joined
                if re.match(r"(RUN|COPY|ADD)\s", joined, re.IGNORECASE):
                    until = shell.HERE.findall(joined)
            pieces = []


def _words(text: str) -> str:
    """Return a command, which may be a JSON list, in the syntax of a shell."""
    try:
        listed = json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        return text
    words = [str(word) for word in listed] if isinstance(listed, list) else []
    if words[:2] in (["sh", "-c"], ["bash", "-c"], ["/bin/sh", "-c"], ["/bin/bash", "-c"]):
        return " ".join(words[2:])
    return shlex.join(words)


def _variables(text: str) -> list[tuple[str, str]]:
    if len(text) > reader.LONGEST:
        return [(text.split(" ", 1)[0].partition("=")[0][:_SHOWN], text)]
    if "=" not in text.split(" ", 1)[0]:
        name, _, value = text.partition(" ")
        return [(name, value.strip())]
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    return [(word.partition("=")[0], word.partition("=")[2]) for word in words if "=" in word]
