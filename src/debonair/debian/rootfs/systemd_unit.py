"""A systemd service, read from its unit file, with everything that running it without systemd takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DIRECTORIES = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command line of a unit; systemd.service(5), 'Command lines'."""

    words: tuple[str, ...]
    as_root: bool
    may_fail: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder that systemd creates before it starts a service; systemd.exec(5)."""

    path: str
    mode: str
    variable: str
    """The environment variable that contains its path for the service."""


@dataclass(frozen=True, slots=True)
class Service:
    """The commands, user, folder and environment of a service."""

    name: str
    start_pre: tuple[Command, ...]
    start: tuple[Command, ...]
    user: str
    group: str
    groups: tuple[str, ...]
    environment: Mapping[str, str]
    environment_files: tuple[str, ...]
    """Paths; a ``-`` before one means that it may be absent."""
    directories: tuple[Directory, ...]
    working_directory: str
    umask: str


def parse(name: str, text: str) -> Service:
    """Return the service ``name`` of a unit file; ``text`` is the unit followed by its drop-ins.

    An empty assignment clears a list, as in systemd. Sandboxing is left out.
    """
    settings: dict[str, list[str]] = {}
    section = ""
    for line in map(str.strip, re.sub(r"\\\n\s*", " ", text).splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            held = settings.setdefault(key.strip(), [])
            if value.strip():
                held.append(_specified(value.strip(), name))
            else:
                held.clear()

    def last(key: str, default: str = "") -> str:
        return (settings.get(key) or [default])[-1]

    def words(key: str) -> tuple[str, ...]:
        return tuple(word for value in settings.get(key, []) for word in shlex.split(value))

    user = last("User", "root")
    return Service(
        name=name,
        start_pre=tuple(_command(value) for value in settings.get("ExecStartPre", [])),
        start=tuple(_command(value) for value in settings.get("ExecStart", [])),
        user=user,
        group=last("Group"),
        groups=words("SupplementaryGroups"),
        environment=dict(word.partition("=")[::2] for word in words("Environment")),
        environment_files=tuple(settings.get("EnvironmentFile", [])),
        directories=tuple(
            Directory(f"{base}/{word}", last(f"{key}Mode", "0755"), _shouted(key))
            for key, base in _DIRECTORIES.items()
            for word in words(key)
        ),
        working_directory=last("WorkingDirectory", "/"),
        umask=last("UMask", "0022"),
    )


def variables(text: str) -> dict[str, str]:
    """Return the variables of an environment file; systemd.exec(5), EnvironmentFile."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name.strip()] = " ".join(shlex.split(value)) if value[:1] in {"'", '"'} else value
    return found


def expanded(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the words of a command with ``${NAME}`` replaced, and ``$NAME`` alone split into words."""
    done: list[str] = []
    for word in words:
        if alone := re.fullmatch(r"\$(\w+)", word):
            done += environment.get(alone[1], "").split()
        else:
            done.append(
                re.sub(r"\$\{(\w+)\}", lambda found: environment.get(found[1], ""), word).replace("$$", "$")
            )
    return done


def _command(value: str) -> Command:
    body = value.lstrip("@-:+!")
    marks = value[: len(value) - len(body)]
    words = shlex.split(body)
    if "@" in marks:  # the second word is the name that the program receives
        del words[1:2]
    return Command(tuple(words), as_root="+" in marks or "!" in marks, may_fail="-" in marks)


def _specified(value: str, name: str) -> str:
    """Replace the specifiers that a unit of Debonair's may contain; systemd.unit(5), 'Specifiers'."""
    stem = name.rpartition(".")[0]
    known = {
        "n": name,
        "N": stem,
        "p": stem,
        "t": "/run",
        "S": "/var/lib",
        "C": "/var/cache",
        "L": "/var/log",
        "E": "/etc",
        "%": "%",
    }
    return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), value)


def _shouted(key: str) -> str:
    """Return the name of the variable for ``StateDirectory``: ``STATE_DIRECTORY``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", key).upper()
