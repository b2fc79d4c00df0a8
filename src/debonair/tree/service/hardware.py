"""The hardware of the board that an app may open (``hardware``): groups, devices, and rules of udev."""

from __future__ import annotations

import tomllib

import msgspec

from debonair.host import decoder
from debonair.project import Project
from debonair.resources import resource


class Hardware(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The access that one word of the setting ``hardware`` gives."""

    groups: tuple[str, ...]
    devices: tuple[str, ...]
    """Classes and nodes, in the form of DeviceAllow= (systemd.resource-control(5))."""
    rules: tuple[str, ...]
    """Rules of udev(7), for systems that do not have them."""
    environment: dict[str, str] = {}
    """Variables without which its libraries fail in the sandbox."""


def unit(project: Project) -> str:
    """Return the lines of a unit that list the devices that the app may open.

    A missing device does not keep the app from starting.
    """
    if not project.hardware:
        return "PrivateDevices=yes"
    allowed = (f"DeviceAllow={device} rw" for device in _all(project, "devices"))
    lines = [
        f"# The app sees every device, and may open those of: {', '.join(project.hardware)}.",
        "PrivateDevices=no",
    ]
    return "\n".join([*lines, "DevicePolicy=closed", *allowed])


def proc(project: Project) -> str:
    """Return the line of a unit that defines how much of /proc the app sees beyond its own processes."""
    if project.hardware:
        why = "Libraries look for the board's model in /proc/device-tree and /proc/cpuinfo."
    elif project.service.proc == "all":
        why = "The app reads the state of the machine, such as /proc/meminfo and /proc/stat."
    else:
        return "# The app sees its own processes in /proc, but no other files there.\nProcSubset=pid"
    return f"# {why}\nProcSubset=all"


def environment(project: Project) -> dict[str, str]:
    """Return the author's variables for the app, and those that libraries of its hardware need.

    The author's own value of a variable counts.
    """
    return {**_variables(project), **project.service.environment}


def memberships(project: Project) -> str:
    """Return the lines of sysusers.d(5) that make the app's user a member of the groups."""
    return "\n".join(f"m {project.package} {group}" for group in _all(project, "groups"))


def rules(project: Project) -> str:
    """Return the lines of a file of udev rules; empty if none are needed."""
    return "\n".join(_all(project, "rules"))


def _variables(project: Project) -> dict[str, str]:
    return {name: value for each in _words(project) for name, value in each.environment.items()}


def _all(project: Project, field: str) -> list[str]:
    """Return the values of ``field`` for every word in the project's ``hardware``, without duplicates."""
    return list(dict.fromkeys(text for each in _words(project) for text in getattr(each, field)))


def _words(project: Project) -> list[Hardware]:
    """Return the access that each word in the project's ``hardware`` gives."""
    if not project.hardware:
        return []
    table = tomllib.loads(resource("packaging/hardware.toml").read_text())
    known = decoder.converted(table, dict[str, Hardware])
    return [known[word] for word in project.hardware]
