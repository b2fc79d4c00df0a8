"""How much of the machine the app may use: memory, processor time, the network."""

from __future__ import annotations

import re

from debonair import quote
from debonair.project import Project
from debonair.target import Target

_SIZE = re.compile(r"(\d+)([KMGT]?)|(\d{1,2}|100)%")
_MEGABYTES = {"": 2**-20, "K": 2**-10, "M": 1, "G": 2**10, "T": 2**20}
_PROCESSES = ("processes", "workers", "p")
"""The names that uWSGI's option for the number of workers has."""
_GRACEFUL = 13
"""The first Debian whose uWSGI loses no request then; that before it gives some to a worker that ends."""


def unit(project: Project) -> str:
    """Return the lines of the unit that bound all of the app's processes together, or nothing.

    The rule stands in systemd.resource-control(5). Raises ``ProjectError`` for a memory-max that is no
    size.
    """
    memory, weight = project.service.memory_max, project.service.cpu_weight
    if memory and not _SIZE.fullmatch(memory):
        raise quote.error(
            project, "service.memory-max", f"is '{memory}', which is no size", 'Write "200M" or "40%".'
        )
    lines = [f"MemoryMax={memory}"] if memory else []
    return "\n".join([*lines, f"CPUWeight={weight}"] if weight else lines)


def vassal(project: Project, target: Target) -> str:
    """Return the options of uWSGI that bound each worker to its share of ``memory-max``, or nothing.

    They hold where the kernel's memory cgroup is disabled, too. A share is whole megabytes; a percentage
    of a machine that is not known yet has none, nor has a number of workers that uWSGI finds out itself.
    ``limit-as`` is no way: it counts what threads reserve and never touch.
    """
    found = _SIZE.fullmatch(project.service.memory_max)
    names = [name for name in project.uwsgi if name in _PROCESSES]
    count = str(project.uwsgi[names[-1]]) if names else "1"
    if not found or not found[1] or not re.fullmatch(r"[1-9]\d*", count):
        return ""
    share = max(int(int(found[1]) * _MEGABYTES[found[2]]) // int(count), 2)
    lines = [
        "; A worker's share of the memory, in megabytes: one that has more is ended, whatever it does.",
        f"evil-reload-on-rss = {share}",
        "mem-collector-freq = 3",
    ]
    if target.debian_release >= _GRACEFUL:
        lines += [
            "; One that comes near to it is replaced when it has answered, if it is older than a minute.",
            f"reload-on-rss = {share * 3 // 4}",
        ]
    return "\n".join(lines)


def network(project: Project) -> str:
    """Return the lines of the unit that say which sockets the app may open (systemd.exec(5))."""
    if project.service.network:
        return "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    return (
        "# It needs no network: nginx reaches it by a socket in the file system.\n"
        "PrivateNetwork=yes\n"
        "RestrictAddressFamilies=AF_UNIX"
    )
