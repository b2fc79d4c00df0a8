"""Settings that start several web processes for an app whose clients must always reach the same one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection

from debonair.project.catalogue import known
from debonair.project.model import Project
from debonair.project.settings import PROCESSES

_WORKERS = re.compile(r"(?:-w|--workers|--web-concurrency)(?:=|$)(\d*)|-w(\d+)")


def contradiction(project: Project, packages: Collection[str]) -> str:
    """Return a warning if ``project`` starts several web processes beside one of ``packages``; or nothing.

    ``packages`` are the normalised names of those that it installs.
    """
    live = sorted(set(known().live.values()) & set(packages))
    if not live or not project.serves:
        return ""
    file = project.config_file.name
    if project.command:
        number = _workers(project.command)
        if number in {"", "1"}:
            return ""
        setting, fix = f"'command' starts {number} processes", "Start one"
    else:
        names = [name for name in PROCESSES if name in project.uwsgi]
        number = str(project.uwsgi[names[-1]]) if names else "auto"
        if number == "1":
            return ""
        setting, fix = f"'uwsgi.processes' is {number}", "Set uwsgi.processes = 1 and uwsgi.threads = 64"
    return (
        f"{file}: {setting}, but the clients of a server with {live[0]} must always reach the same "
        f"process. {fix}."
    )


def _workers(command: str) -> str:
    """Return the number of processes that the options of a server's command set; empty without one."""
    words = shlex.split(command)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if found := _WORKERS.fullmatch(word):
            return found[1] or found[2] or following
    return ""
