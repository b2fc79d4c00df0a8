"""The workers and timers of the app, as systemd reports them: their state, last result and next run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import call
from machine import when
from person import sudo
from release import Release

_PROPERTIES = ("Id", "ActiveState", "Result", "ExecMainStatus", "NRestarts")
_ENDED = "exit-code"  # systemd's result of a process that ended with another status than 0


@dataclass(frozen=True)
class Unit:
    """A worker, which runs for as long as the app is served, or a timer, which starts a job."""

    name: str
    kind: str
    """``worker`` or ``timer``."""
    unit: str
    """The service of its process."""
    state: str
    """The state of the worker's service, or of the timer, such as ``active``."""
    result: str
    """How its last process ended: ``success``, or why it failed; empty if it has not run."""
    restarts: int = 0
    next: int = 0
    """When the timer starts the job again, in seconds since the epoch; 0 if that is unknown."""
    last: int = 0
    """When the timer has last started it."""

    def facts(self) -> dict[str, Any]:
        """Return the same for programs."""
        return asdict(self)

    def describe(self) -> str:
        """Return a few words for people."""
        words = [f"{self.name} {self.state}"]
        if self.restarts:
            words.append(f"restarted {self.restarts} time{'s'[: self.restarts > 1]}")
        if self.next:
            words.append(f"next {when(self.next)}")
        if self.last:
            words.append(f"last {when(self.last)}: {self.result or 'unknown'}")
        return ", ".join(words)

    def warning(self) -> str:
        """Return that its last job failed, if so; a worker that does not run is a problem of its own."""
        if self.kind == "worker" or self.result in {"", "success"}:
            return ""
        return f"the last run of {self.unit} failed ({self.result}): {sudo()}journalctl -u {self.unit}"


def beside(release: Release) -> list[Unit]:
    """Return the workers and timers of ``release``; none where systemd does not run."""
    return list(_units(release)) if release.beside and call.systemd_runs() else []


def _units(release: Release) -> Iterator[Unit]:
    shown, timers = _shown(*release.commands, *release.beside), _timers(release)
    for name in release.workers:
        unit = f"{release.package}-{name}.service"
        found = shown.get(unit, {})
        yield Unit(
            name, "worker", unit, _state(found), _result(found), restarts=_whole(found.get("NRestarts"))
        )
    for name in release.timers:
        timer, unit = f"{release.package}-{name}.timer", f"{release.package}-{name}.service"
        times = timers.get(timer, {})
        last = _whole(times.get("last")) // 10**6
        result = _result(shown.get(unit, {})) if last else ""
        after = _whole(times.get("next")) // 10**6
        yield Unit(name, "timer", unit, _state(shown.get(timer, {})), result, next=after, last=last)


def _state(found: dict[str, str]) -> str:
    return found.get("ActiveState", "") or "unknown"


def _result(found: dict[str, str]) -> str:
    result = found.get("Result", "")
    return f"status {found.get('ExecMainStatus', '')}" if result == _ENDED else result


def _shown(*units: str) -> dict[str, dict[str, str]]:
    """Return the properties of ``units``, by the names of both."""
    _, output = call.systemctl("show", f"--property={','.join(_PROPERTIES)}", *units)
    found = {}
    for block in output.split("\n\n"):
        pairs = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[pairs.get("Id", "")] = pairs
    return found


def _timers(release: Release) -> dict[str, dict[str, Any]]:
    """Return when the timers start their jobs next, and did last, in microseconds."""
    units = [unit for unit in release.beside if unit.endswith(".timer")]
    if not units:
        return {}
    _, output = call.systemctl("list-timers", "--all", "--output=json", *units)
    try:
        listed = json.loads(output)
        return {str(one["unit"]): dict(one) for one in listed}
    except (ValueError, TypeError, KeyError):
        return {}


def _whole(value: object) -> int:
    """Return a number of systemd, 0 if it is not one; systemd has all 64 bits set for an unknown time."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and int(text) < 2**63 else 0
