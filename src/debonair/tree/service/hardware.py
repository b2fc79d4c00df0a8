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
    if not project.hardware:
        return "# The app sees its own processes in /proc, but no other files there.\nProcSubset=pid"
    return "# Libraries look for the board's model in /proc/device-tree and /proc/cpuinfo.\nProcSubset=all"


def memberships(project: Project) -> str:
    """Return the lines of sysusers.d(5) that make the app's user a member of the groups."""
    return "\n".join(f"m {project.package} {group}" for group in _all(project, "groups"))


def rules(project: Project) -> str:
    """Return the lines of a file of udev rules; empty if none are needed."""
    return "\n".join(_all(project, "rules"))


def _all(project: Project, field: str) -> list[str]:
    """Return the values of ``field`` for every word in the project's ``hardware``, without duplicates."""
    table = tomllib.loads(resource("packaging/hardware.toml").read_text()) if project.hardware else {}
    known = decoder.converted(table, dict[str, Hardware])
    return list(dict.fromkeys(text for word in project.hardware for text in getattr(known[word], field)))
