"""Limits on the app's use of the machine: memory, processor time, the network."""

from __future__ import annotations

import re

from debonair.project import Project
from debonair.project.settings import PROCESSES
from debonair.target import Target
from debonair.tree.service import literals

_SIZE = re.compile(r"(\d+)([KMGT]?)|(\d{1,2}|100)%")
_GRACEFUL = 13
"""The first Debian whose uWSGI replaces a worker without losing a request.

An older uWSGI may pass a request to a worker that is about to end.
"""


def unit(project: Project) -> str:
    """Return the lines of the unit that limit all of the app's processes together; empty without limits.

    systemd.resource-control(5) defines the rule. Raises ``ProjectError`` for a memory-max that is not a
    size.
    """
    memory, weight = project.service.memory_max, project.service.cpu_weight
    if memory and not _SIZE.fullmatch(memory):
        raise literals.error(
            project, "service.memory-max", f"is '{memory}', which is not a size", 'Write "200M" or "40%".'
        )
    lines = [f"MemoryMax={memory}"] if memory else []
    return "\n".join([*lines, f"CPUWeight={weight}"] if weight else lines)


def vassal(project: Project, target: Target) -> str:
    """Return the options of uWSGI that the machine computes at each start; empty without such an option.

    These are the number of workers, if the author sets none, and the limit of each worker: its share of
    ``memory-max``. That limit also works where the kernel's memory cgroup is disabled. There is no share
    where uWSGI itself computes the number (``%k``). Raises ``ProjectError`` for an invalid number, and for
    ``cheaper`` without a number.
    """
    number, memory = _processes(project), project.service.memory_max
    bounded = bool(_SIZE.fullmatch(memory)) and bool(re.fullmatch(r"auto|[1-9]\d*", number))
    if number != "auto" and not bounded:
        return ""
    lines, words = [], [project.package, number]
    if number == "auto":
        lines += [
            "; The line below chooses the number of processes from this machine's cores and memory.",
            f"; To set another number, write it into /etc/{project.package}/vassal.ini: processes = 3",
        ]
    if bounded:
        lines.append("; uWSGI kills a worker that exceeds its share of the memory, even during a request.")
        words.append(memory.replace("%", "%%"))
    if bounded and target.debian_release >= _GRACEFUL:
        lines += [
            "; Below that, uWSGI replaces a large worker after its response, if it is older than a minute."
        ]
        words.append("gracefully")
    program = f"/usr/lib/{project.package}/libexec/processes.py"
    return "\n".join([*lines, f"ini = exec:///usr/bin/python3 -ISB {program} {' '.join(words)}"])


def _processes(project: Project) -> str:
    """Return the number of web processes that the author sets; ``auto`` lets the machine decide."""
    names = [name for name in project.uwsgi if name in PROCESSES]
    if not names:
        if "cheaper" in project.uwsgi:
            raise literals.error(
                project,
                "uwsgi.cheaper",
                "is set without 'uwsgi.processes', so it may exceed the single process of a small board",
                "Set the number too: uwsgi.processes = 4",
            )
        return "auto"
    number = str(project.uwsgi[names[-1]])
    if not re.fullmatch(r"\d+|.*[%$@].*", number):  # uWSGI replaces its own placeholders
        raise literals.error(
            project,
            f"uwsgi.{names[-1]}",
            f"is '{number}', which is not a number of processes",
            'Write a number, or "auto" to let the board determine it.',
        )
    return number


def network(project: Project) -> str:
    """Return the lines of the unit that list the sockets that the app may open (systemd.exec(5))."""
    if project.service.network:
        return "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    return (
        "# The app does not use the network. nginx reaches it by a socket in the file system.\n"
        "PrivateNetwork=yes\n"
        "RestrictAddressFamilies=AF_UNIX"
    )


def run(project: Project) -> str:
    """Return more folders below /run that the app sees than its own, each after a space and a ``-``.

    If the app may use the network, these have the sockets of this machine's name services and databases.
    """
    folders = ["udev"] if project.hardware else []
    if project.service.network:
        folders += ["mysqld", "postgresql", "redis", "resolvconf", "systemd/resolve"]
    return "".join(f" -/run/{name}" for name in sorted(folders))
