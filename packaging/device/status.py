"""The verb ``status``: whether the app is healthy, what is wrong around it, and what to type then."""

from __future__ import annotations

import argparse
import json
import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import address
import dpkg
import environment
import machine
import probe
import units
import visit
from call import shown, state, systemd_runs
from journal import latest
from nginx_site import Site
from person import RequestError, sudo
from release import Home, Release
from system_emperor import emperor_of
from text import printable, say

_INDENT = " " * 11  # below the text of a line
_LOG_LINES = 5  # of a refused release
_ENTRIES, _NAMED = 1000, 5  # files of the data folder that status looks at, and that it names
HEALTHY, NOT_HEALTHY, UNKNOWN = 0, 3, 4  # as for the status action of init scripts (LSB, 20.2)


def status(home: Home, options: argparse.Namespace) -> int:
    """Print the state of the app. Return 0 if it is healthy, 3 if not, 4 if that is unknown."""
    found = look(home)
    if options.json:
        say(json.dumps(found.facts(), indent=2), lines=True)
    else:
        for line in found.lines():
            say(line, indent=_INDENT)
    if found.healthy is None:
        raise RequestError(f"only root can check the app's health: {sudo()}{home.package} status")
    if not found.healthy and not options.json:
        say(f"See its messages: {sudo()}{home.package} logs")
    return HEALTHY if found.healthy else NOT_HEALTHY


@dataclass
class Report:
    """The state of the app and of its machine."""

    home: Home
    release: Release | None
    """The one that is served."""
    installed: str
    """The installed version."""
    note: dict[str, Any]
    """The note about the last switch."""
    service: str
    """The state of the app's service."""
    asleep: bool
    page: probe.Page
    workers: list[dict[str, Any]]
    """The processes that answer requests."""
    units: list[units.Unit]
    """The workers and timers that the author declared."""
    where: address.Addresses
    machine: machine.Machine
    problems: list[str]
    """The reasons why the app is not healthy."""
    log: str = ""
    """The end of its messages, if its page is not healthy."""

    @property
    def healthy(self) -> bool | None:
        """Return whether nothing is wrong with the app; ``None`` if that is unknown."""
        refused = self.note.get("refused")
        return self.page.healthy and bool(self.page.healthy and not refused and not self.problems)

    @property
    def warnings(self) -> list[str]:
        """Return the troubles with which the app still serves its page."""
        failed = filter(None, (unit.warning() for unit in self.units))
        return [*failed, *self.machine.warnings, *self.where.taken]

    def facts(self) -> dict[str, Any]:
        """Return the state for programs."""
        release, note, page = self.release, self.note, self.page
        return {
            "package": self.home.package,
            "serving": release.version if release else None,
            "installed": self.installed,
            "refused": note.get("refused"),
            "switched": {key: note[key] for key in ("from", "why", "at", "seconds") if key in note},
            "service": self.service,
            "asleep": self.asleep,
            "workers": self.workers,
            "units": [unit.facts() for unit in self.units],
            "problems": self.problems,
            "warnings": self.warnings,
            "addresses": self.where.urls,
            "machine": {"address": self.where.own, "shows": self.where.owner},
            "system": self.machine.facts,
            "page": {"path": release and release.health, "status": page.status, "problem": page.problem},
            "healthy": self.healthy,
            "log": self.log,
        }

    def lines(self) -> Iterator[str]:
        """Yield the state for people: first what is wrong, then the rest in few lines."""
        yield from self._first()
        yield from (f"  problem  {problem}" for problem in self.problems)
        yield from (f"  | {line}" for line in self.log.splitlines()[-_LOG_LINES:])
        yield from (f"  warning  {warning}" for warning in self.warnings)
        if "at" in self.note:
            when = datetime.fromtimestamp(self.note["at"]).astimezone().isoformat(" ", "seconds")
            before = f" from {self.note['from']}" if self.note["from"] else ""
            yield f"  since    {when}, by {self.note['why']}{before}"
        yield f"  service  {self.service}{', asleep' if self.asleep else ''}"
        if self.workers:
            yield self._processes()
        yield from (f"  {unit.kind:8} {unit.describe()}" for unit in self.units)
        if self.release:
            yield f"  page     {self.release.health} {self.page.describe()}"
        yield from (f"  address  {url}" for url in self.where.urls)
        if words := machine.summary(self.machine.facts):
            yield f"  machine  {words}"
        shown = filter(None, [address.shown_by(self.where, self.home.package)])
        remarks = [*shown, *(foreign_data(self.home) if self.page.healthy else ())]
        yield from (f"  note     {remark}" for remark in remarks)

    def _first(self) -> Iterator[str]:
        release, refused = self.release, self.note.get("refused")
        head = f"{self.home.package}: {f'serving {release.version}' if release else 'stopped'}"
        if refused:
            yield f"{head}; {refused['version']} was refused: {refused['why']}"
            yield from (f"  | {line}" for line in refused["log"].splitlines()[-_LOG_LINES:])
        elif release and release.version != self.installed:
            yield f"{head}; {self.installed} is installed ({sudo()}{self.home.package} rollback --undo)"
        else:
            yield head

    def _processes(self) -> str:
        number, memory = len(self.workers), sum(worker["rss"] for worker in self.workers) / 1_000_000
        if self.release and self.release.server == "command":
            return f"  server   {number} process{'es'[: 2 * (number > 1)]}, {memory:.0f} MB"
        requests = sum(worker["requests"] for worker in self.workers)
        busy = sum(worker["status"] == "busy" for worker in self.workers)
        return f"  workers  {number}, {busy} busy, {memory:.0f} MB, {requests} requests served"


def look(home: Home) -> Report:
    """Return the state of the app in ``home`` and of its machine."""
    release = home.serving()
    asleep = release is not None and emperor_of(home).asleep(release)
    page, workers = probe.Page(asleep=asleep, problem="" if release else "no release is served"), []
    if release and not asleep:
        instance = emperor_of(home).serving(release)
        page, workers = probe.page(instance), probe.workers(instance)
    around = machine.look(home, release)
    found = [*problems(home, release, page), *filter(None, [dpkg.problem(home.package)]), *around.problems]
    ill = release is not None and page.healthy is False
    if ill:  # if the app is healthy, they are not the reason for anything, and are its owner's
        found += foreign_data(home)
    where = address.Addresses()
    if release and systemd_runs():
        asked = bool(page.status and page.healthy) and not found
        where = address.find(Site(home), release, pages=asked)
        found += filter(None, [where.failing])
    return Report(
        home=home,
        release=release,
        installed=home.installed().version,
        note=home.note(),
        service=unit_state(home),
        asleep=asleep,
        page=page,
        workers=workers,
        units=units.beside(release) if release else [],
        where=where,
        machine=around,
        problems=found,
        log=latest(home, release) if ill and release and systemd_runs() else "",
    )


def problems(home: Home, release: Release | None, page: probe.Page) -> list[str]:
    """Return the problems around the app, whose own ``page`` this is: nginx, site, service and timers."""
    if release is None or not systemd_runs():
        return []
    found, site, nginx = list(_missing(home, release)), Site(home), state("nginx.service")
    runs = nginx in {"active", "reloading"}
    if not runs and shown("nginx.service", "LoadState") == "masked":
        found.append(f"nginx does not run (masked): {sudo()}systemctl unmask --now nginx")
    elif not runs:
        found.append(visit.stopped(site, nginx))
    if not site.file.is_file() or not site.file.stat().st_size:
        found.append(f"{site.file} is empty or missing: {sudo()}dpkg-reconfigure {home.package}")
    elif not site.linked():
        found.append(f"the site is not enabled: {sudo()}ln -s {site.file} {site.link} && {visit.reload()}")
    elif runs:
        found += visit.problems(site, release, page)
    if stands_in(home, release):
        emperor = emperor_of(home)
        now = state(emperor.unit)
        found.append(
            f"{emperor.unit} does not serve ({now}), {emperor.trial_unit} serves in its place. "
            f"The reason is in: {sudo()}systemctl status {emperor.unit}. "
            f"Then: {sudo()}{home.package} restart"
        )
    with suppress(FileNotFoundError, PermissionError):
        try:
            environment.read(home.root / "etc" / home.package / "env")
        except environment.EncodingError as wrong:
            found.append(str(wrong))
    for unit in release.beside:
        now = state(unit)
        if now not in {"active", "reloading"}:
            found.append(f"{unit} does not run ({now}): {sudo()}journalctl -u {unit}")
    return found


def _missing(home: Home, release: Release) -> Iterator[str]:
    """Yield what the release needs and the machine no longer has: its Python, and its data folder."""
    if release.python and not os.path.lexists(home.root / f"usr/bin/python{release.python}"):
        yield (
            f"{release.version} needs Python {release.python}, which this Debian does not have. "
            f"Install the {home.package} for this Debian: {sudo()}apt install ./DEB, or, from a "
            f"repository, {sudo()}apt update && {sudo()}apt install {home.package}"
        )
    if not home.data.exists():
        yield f"the data folder {home.data} is missing: {sudo()}dpkg-reconfigure {home.package}"


def foreign_data(home: Home) -> list[str]:
    """Return a remark if files directly in the data folder belong to others: the app may not write them."""
    try:
        own = pwd.getpwnam(home.installed().user).pw_uid
        with os.scandir(home.data) as entries:
            seen = [entry for _, entry in zip(range(_ENTRIES), entries, strict=False)]
        others = [entry.name for entry in seen if entry.stat(follow_symlinks=False).st_uid != own]
        itself = ["the folder itself"] if home.data.stat().st_uid != own else []
    except (OSError, KeyError):
        return []
    others = itself + sorted(name for name in others if name != "lost+found")
    if not others:
        return []
    named = ", ".join(printable(name) for name in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    user = home.installed().user
    return [f"not the app's own in {home.data}: {named}{more}: {sudo()}chown -R {user}:{user} {home.data}/"]


def stands_in(home: Home, release: Release) -> bool:
    """Return whether the service of a trial serves ``release``, because the app's own could not start."""
    emperor = emperor_of(home)
    return emperor.serving(release).unit != emperor.unit


def unit_state(home: Home) -> str:
    """Return the service's state from systemd, such as ``active``, or why it is unknown."""
    return state(emperor_of(home).unit) or "unknown (systemd does not run here)"
