"""Read what started an app on a server: a unit of systemd, and a configuration of supervisor.

A file that starts no web server is named as not taken over, with the setting to write.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from debonair.init.imports import commandline, jobs, places, shell, start, systemd_timer, variables
from debonair.init.imports.account import Account, Imported, Taken, merge
from debonair.project import reader

_MOST = 64 << 10
"""The most bytes of a file."""
_OWN = "the package's own unit sets it"
_OTHER = "it belongs to a command that is not taken over"
_PAIR = re.compile(r"""([A-Za-z_]\w*)\s*=\s*("[^"]*"|'[^']*'|[^,"']*)\s*(?:,|$)""")
_TIMES = {"OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec"}
_Line = tuple[int, str, str, str]
"""The number of a line, its section, name and value."""


def unit(path: Path, root: Path) -> Imported:
    """Return the settings in the ``.service`` or ``.timer`` of systemd at ``path``."""
    lines = list(_options(path, root))
    if not {section for _, section, _, _ in lines} & {"Service", "Timer"}:
        return Imported()  # a service of Avahi or of D-Bus
    starts = [line for line in lines if line[1:3] == ("Service", "ExecStart") and line[3]]
    command = _command(starts[-1][3]) if starts else ""
    read = commandline.read(command)
    serves = bool(starts) and read.is_server and not read.is_for_development
    found, migrations = list[Imported](), list[str]()
    untaken = _untaken(path, root, lines, command)
    times, own = 0, Imported()
    for line in lines:
        number, section, name, value = line
        text = f"{name}={value}"
        if section == "Timer":
            times += name in _TIMES
            taken_time = systemd_timer.taken(path, name, value, _started_by(path, root), times)
            found.append(_said(path, number, taken_time))
        elif section != "Service":
            found.append(_said(path, number, Taken(text, "", _OWN)))
        elif line in starts[-1:] and serves:
            own = start.take(path, root, number, text, read)
        elif line in starts and (line == starts[-1] or not serves):
            shown = variables.masked(text, commandline.secrets(_command(value)))
            found.append(_said(path, number, Taken(shown, "", untaken)))
        else:
            taken = _option(name, value, migrations) if serves else [_elsewhere(name, value)]
            found += [_said(path, number, each) for each in taken]
    return _last([*found, Imported((), commandline.migration(migrations) if serves else {}), own])


def _last(found: Sequence[Imported]) -> Imported:
    """Return all of ``found``, of which the last value of a setting counts."""
    whole = merge(reversed(found))
    return replace(whole, accounts=tuple(sorted(whole.accounts, key=lambda account: account.line)))


def supervisor(path: Path, root: Path) -> Imported:
    """Return the settings in the configuration of supervisor at ``path``."""
    lines = list(_options(path, root))
    found = list[Imported]()
    for number, section, name, value in lines:
        if name != "command" or not section.startswith("program:"):
            continue
        command = _command(value)
        read = commandline.read(command)
        if not read.is_server or read.is_for_development:
            taken = Taken(f"{name}={value}", "", commandline.untaken(command))
            found.append(_said(path, number, taken))
            continue
        found.append(start.take(path, root, number, f"{name}={value}", read))
        for line, _, other, pairs in (each for each in lines if each[1] == section):
            if other == "environment":
                found += [_said(path, line, each) for each in reversed(_environment(_PAIR.findall(pairs)))]
            elif other != "command":
                found.append(_said(path, line, Taken(f"{other}={pairs}", "", _OWN)))
    return merge(found)


def _options(path: Path, root: Path) -> Iterator[_Line]:
    """Yield the options of a file; an indented line, or one after a backslash, continues an option."""
    section, number, pieces = "", 0, list[str]()
    text = reader.head(path, places.boundary(path, root), most=_MOST)
    for at, raw in enumerate([*reader.lines(text), "[]"], 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if pieces and (pieces[-1].endswith("\\") or raw[0] in " \t"):
            pieces.append(line)
            continue
        if pieces:
            name, _, value = " ".join(piece.removesuffix("\\").strip() for piece in pieces).partition("=")
            yield number, section, name.strip(), value.strip()
            pieces = []
        if line[0] == "[":
            section = line.strip("[]")
        else:
            number, pieces = at, [line]


def _command(value: str) -> str:
    """Return a command without systemd's prefixes (systemd.service(5)) and the old machine's paths."""
    return jobs.command(value.lstrip("-@:+!").strip())


def _said(path: Path, number: int, taken: Taken) -> Imported:
    account = Account(path, number, " ".join(taken.text.split())[:1000], taken.became, taken.why)
    return Imported((account,), taken.settings)


def _option(name: str, value: str, migrations: list[str]) -> Sequence[Taken]:  # noqa: PLR0911
    """Return what becomes of an option of the section ``[Service]`` of the app's own unit."""
    text = f"{name}={value}"
    if name == "Environment":
        try:
            words = shlex.split(value)
        except ValueError:
            return [Taken(name, "", "a quote is not closed")]
        return _environment([(word.partition("=")[0], word.partition("=")[2]) for word in words])
    if name == "EnvironmentFile":
        return [Taken(text, "", "set its variables on the Pi: sudo APP env set NAME=VALUE")]
    if name == "ExecStartPre":
        commands = shell.commands(_command(value))
        each = [commandline.beside(command, migrations, has_ended=True) for command in commands]
        return [Taken(f"{name}={taken.text}", taken.became, taken.why, taken.settings) for taken in each]
    key: dict[str, Any] = {}
    if name == "MemoryMax" and re.fullmatch(r"[1-9][0-9]*[KMG%]", value):
        key = {"memory-max": value}
    elif name == "CPUWeight" and re.fullmatch(r"[1-9][0-9]{0,3}", value):
        key = {"cpu-weight": int(value)}
    if key:
        return [Taken(text, f"service.{next(iter(key))}", "", {"service": key})]
    if name.startswith("Exec"):
        return [Taken(text, "", "not taken over; the package starts and stops only the app itself")]
    return [Taken(text, "", _OWN)]


def _elsewhere(name: str, value: str) -> Taken:
    """Return the account of an option that belongs to a command that is not taken over."""
    pairs = [word.partition("=") for word in value.split()] if name == "Environment" else []
    secrets = [content for key, _, content in pairs if content and variables.judge(key, content).secret]
    return Taken(variables.masked(f"{name}={value}", secrets), "", _OTHER)


def _environment(pairs: Sequence[tuple[str, str]]) -> list[Taken]:
    taken = list[Taken]()
    for name, quoted in pairs:
        value = quoted.strip("\"'")
        each = variables.taken(f"{name}={value}", name, value)
        if each.settings and re.match(r"/|\w+:/{3,}", value):
            each = Taken(each.text, "", "a path of the old machine; the app's data is in /var/lib/APP")
        taken.append(each)
    return taken


def _untaken(path: Path, root: Path, lines: Sequence[_Line], command: str) -> str:
    """Return why the ``command`` of the service at ``path``, which starts no server, is not taken over."""
    if timer := systemd_timer.of_service(path, root):
        return f"not taken over; {timer} starts it, see there for the setting"
    if ("Service", "Type", "oneshot") in (line[1:] for line in lines):
        return (
            "not taken over; it ran once and ended, so it is not a worker. If each new release needs it, "
            "add it to 'migrate'"
        )
    return commandline.untaken(command)


def _started_by(path: Path, root: Path) -> list[str]:
    """Return the commands that the timer at ``path`` starts."""
    options = _options(systemd_timer.service_of(path, root), root)
    return [_command(value) for _, _, name, value in options if name == "ExecStart" and value]
