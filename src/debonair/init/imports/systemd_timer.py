"""Read a timer of systemd, and the service that it starts: the setting ``timers`` replaces both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from debonair.host import toml
from debonair.init.imports import commandline, places, variables
from debonair.init.imports.account import Taken
from debonair.project import reader

_MOST = 64 << 10
"""The most bytes of a unit."""
_SPAN = re.compile(r"([0-9]{1,6}) ?(s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?|w|weeks?)?")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_USUAL = {60: "minutely", 3600: "hourly", 86400: "daily", 604800: "weekly"}
_OWN = "the package's own timer sets it"
_REASONS = {
    "Persistent": "the package's own timer catches up on missed runs",
    **dict.fromkeys(
        ("OnBootSec", "OnStartupSec", "OnActiveSec"), "'timers' has no run a while after each boot"
    ),
}


def of_service(path: Path, root: Path) -> str:
    """Return the name of the timer that starts the service at ``path``; empty if no timer does."""
    beside = path.with_suffix(".timer")
    if reader.is_file(beside) and _unit(beside, root) in {"", path.name}:
        return beside.name
    for here, _, names in reader.below(path.parent, deepest=0):
        for name in names:
            is_timer = name.endswith(".timer") and reader.is_file(here / name)
            if is_timer and _unit(here / name, root) == path.name:
                return name
    return ""


def taken(path: Path, name: str, value: str, service: Sequence[str], number: int) -> Taken:
    """Return what becomes of the option ``name`` in the section ``[Timer]`` of the file at ``path``.

    ``service`` has the commands that the timer starts; ``number`` counts its times, from 1.
    """
    text = f"{name}={value}"
    if name == "OnCalendar":
        calendar = value
    elif name in {"OnUnitActiveSec", "OnUnitInactiveSec"}:
        calendar = every(value)
    else:
        return Taken(text, "", _REASONS.get(name, _OWN))
    command = " && ".join(service) or "..."
    command = variables.masked(command, commandline.secrets(command))
    key = toml.key(path.stem if number == 1 else f"{path.stem}-{number}")
    table = f"{key} = {{command = {toml.value(command)}, calendar = {toml.value(calendar or '...')}}}"
    needs = "" if calendar else ", with a calendar of systemd.time(7)"
    return Taken(text, "", f"not taken over; add to [timers]{needs}: {table}")


def every(span: str) -> str:
    """Return the calendar of systemd.time(7) for a run each ``span``; empty if no calendar has that."""
    found = _SPAN.fullmatch(span.strip())
    seconds = int(found[1]) * _UNITS[(found[2] or "")[:1]] if found else 0
    if seconds in _USUAL:
        return _USUAL[seconds]
    for unit, most, form in ((1, 60, "*:*:0/{}"), (60, 60, "*:0/{}"), (3600, 24, "0/{}:00")):
        count, rest = divmod(seconds, unit)
        if count and not rest and count < most and not most % count:
            return form.format(count)
    return ""


def service_of(path: Path, root: Path) -> Path:
    """Return the place of the service that the timer at ``path`` starts (systemd.timer(5), Unit=)."""
    name = _unit(path, root)
    return path.with_name(name) if re.fullmatch(r"[\w@.:-]+", name) else path.with_suffix(".service")


def _unit(path: Path, root: Path) -> str:
    names = list(_values(path, root, "Unit"))
    return names[-1] if names else ""


def _values(path: Path, root: Path, name: str) -> Iterator[str]:
    text = reader.head(path, places.boundary(path, root), most=_MOST)
    for line in reader.lines(text):
        key, _, value = line.partition("=")
        if key.strip() == name:
            yield value.strip()
