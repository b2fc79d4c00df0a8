"""The verb ``status``: whether the app is healthy, what is wrong around it, and what to type then."""

from __future__ import annotations

import argparse
import json
import os
import pwd
from contextlib import suppress
from datetime import datetime
from typing import Any

import address
import dpkg
import environment
import probe
import visit
from call import shown, state, systemd_runs
from nginx_site import Site
from person import RequestError, sudo
from release import Home, Release
from system_emperor import emperor_of
from text import printable

_ENTRIES, _NAMED = 1000, 5  # files of the data folder that status looks at, and that it names
HEALTHY, NOT_HEALTHY, UNKNOWN = 0, 3, 4  # as for the status action of init scripts (LSB, 20.2)


def status(home: Home, options: argparse.Namespace) -> int:
    """Print the state of the app. Return 0 if it is healthy, 3 if not, 4 if that is unknown."""
    release, note, unit = home.serving(), home.note(), unit_state(home)
    installed = home.installed().version
    refused = note.get("refused")
    asleep = release is not None and emperor_of(home).asleep(release)
    page, workers = probe.Page(asleep=asleep, problem="" if release else "no release is served"), []
    if release and not asleep:
        instance = emperor_of(home).serving(release)
        page, workers = probe.page(instance), probe.workers(instance)
    found = [*problems(home, release, page), *filter(None, [dpkg.problem(home.package)])]
    where = address.find(Site(home), release) if release and systemd_runs() else address.Addresses()
    healthy = page.healthy if page.healthy is None else bool(page.healthy and not refused and not found)
    if options.json:
        facts = {
            "package": home.package,
            "serving": release.version if release else None,
            "installed": installed,
            "refused": refused,
            "switched": {key: note[key] for key in ("from", "why", "at", "seconds") if key in note},
            "service": unit,
            "asleep": asleep,
            "workers": workers,
            "problems": found,
            "addresses": where.urls,
            "machine": {"address": where.own, "shows": where.owner},
            "page": {"path": release and release.health, "status": page.status, "problem": page.problem},
            "healthy": healthy,
        }
        print(json.dumps(facts, indent=2))
    else:
        _print_status(home, release, installed, note)
        print(f"  service  {unit}{', asleep' if asleep else ''}")
        if workers and release and release.server == "command":
            memory = sum(worker["rss"] for worker in workers) / 1_000_000
            print(f"  server   {len(workers)} process{'es'[: 2 * (len(workers) > 1)]}, {memory:.0f} MB")
        elif workers:
            requests = sum(worker["requests"] for worker in workers)
            busy = sum(worker["status"] == "busy" for worker in workers)
            memory = sum(worker["rss"] for worker in workers) / 1_000_000
            print(f"  workers  {len(workers)}, {busy} busy, {memory:.0f} MB, {requests} requests served")
        if release:
            print(f"  page     {release.health} {page.describe()}")
        for url in where.urls:
            print(f"  address  {url}")
        for problem in found:
            print(f"  problem  {problem}")
        for remark in [*filter(None, [address.shown_by(where, home.package)]), *foreign_data(home)]:
            print(f"  note     {remark}")
    if healthy is None:
        raise RequestError(f"only root can check the app's health: sudo {home.package} status")
    if not healthy and not options.json:
        print(f"See its messages: {sudo()}{home.package} logs")
    return HEALTHY if healthy else NOT_HEALTHY


def _print_status(home: Home, release: Release | None, installed: str, note: dict[str, Any]) -> None:
    serving = f"serving {release.version}" if release else "stopped"
    refused = note.get("refused")
    if refused:
        print(f"{home.package}: {serving}; {refused['version']} was refused: {refused['why']}")
        for line in refused["log"].splitlines()[-5:]:
            print(f"  | {line}")
    elif release and release.version != installed:
        print(
            f"{home.package}: {serving}; {installed} is installed ({sudo()}{home.package} rollback --undo)"
        )
    else:
        print(f"{home.package}: {serving}")
    if "at" in note:
        when = datetime.fromtimestamp(note["at"]).astimezone().isoformat(" ", "seconds")
        print(f"  since    {when}, by {note['why']}" + (f" from {note['from']}" if note["from"] else ""))


def problems(home: Home, release: Release | None, page: probe.Page) -> list[str]:
    """Return the problems around the app, whose own ``page`` this is: nginx, site, service and timers."""
    if release is None or not systemd_runs():
        return []
    found, site, nginx = [], Site(home), state("nginx.service")
    runs = nginx in {"active", "reloading"}
    if not runs and shown("nginx.service", "LoadState") == "masked":
        found.append("nginx does not run (masked): sudo systemctl unmask --now nginx")
    elif not runs:
        found.append(visit.stopped(site, nginx))
    if not site.file.is_file() or not site.file.stat().st_size:
        found.append(f"{site.file} is empty or missing: sudo dpkg-reconfigure {home.package}")
    elif not site.linked():
        found.append(f"the site is not enabled: sudo ln -s {site.file} {site.link} && {visit.RELOAD}")
    elif runs:
        found += visit.problems(site, release, page)
    if stands_in(home, release):
        emperor = emperor_of(home)
        now = state(emperor.unit)
        found.append(
            f"{emperor.unit} does not serve ({now}), {emperor.trial_unit} serves in its place. "
            f"The reason is in: sudo systemctl status {emperor.unit}. Then: sudo {home.package} restart"
        )
    with suppress(FileNotFoundError, PermissionError):
        try:
            environment.read(home.root / "etc" / home.package / "env")
        except environment.EncodingError as wrong:
            found.append(str(wrong))
    for unit in release.beside:
        now = state(unit)
        if now not in {"active", "reloading"}:
            found.append(f"{unit} does not run ({now}): journalctl -u {unit}")
    return found


def foreign_data(home: Home) -> list[str]:
    """Return a remark if files directly in the data folder belong to others: the app may not write them."""
    try:
        own = pwd.getpwnam(home.installed().user).pw_uid
        with os.scandir(home.data) as entries:
            seen = [entry for _, entry in zip(range(_ENTRIES), entries, strict=False)]
        others = [entry.name for entry in seen if entry.stat(follow_symlinks=False).st_uid != own]
    except (OSError, KeyError):
        return []
    others = sorted(name for name in others if name != "lost+found")
    if not others:
        return []
    named = ", ".join(printable(name) for name in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    user = home.installed().user
    return [f"not the app's own in {home.data}: {named}{more}: sudo chown -R {user}:{user} {home.data}/"]


def stands_in(home: Home, release: Release) -> bool:
    """Return whether the service of a trial serves ``release``, because the app's own could not start."""
    emperor = emperor_of(home)
    return emperor.serving(release).unit != emperor.unit


def unit_state(home: Home) -> str:
    """Return the service's state from systemd, such as ``active``, or why it is unknown."""
    return state(emperor_of(home).unit) or "unknown (systemd does not run here)"
