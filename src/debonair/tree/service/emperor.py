"""The emperor of uWSGI that runs the app: its own, in a unit of its own, or the one of Debian.

Debonair is made for the first. The second (``emperor = "system"``) is for sites where Debian's package
uwsgi-emperor already runs all apps. The reference of the settings lists what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from debonair.project import Project, layout
from debonair.project.settings import defaults
from debonair.tree.service import hardware, literals


@dataclass(frozen=True)
class Emperor:
    """The parts of a package that depend on the emperor."""

    user: str
    """The user that the app runs as."""
    other_user: str
    """The user that it would run as with the other emperor."""
    depends: tuple[str, ...]
    """The Debian packages of the emperor, and those that its vassal needs in addition to uWSGI for Python.
    """
    scripts: str
    """The folder of the maintainer scripts."""
    readme: str
    """The template of README.Debian."""
    templates: Mapping[str, str]
    """The templates of the files that only this emperor has, by their path in the package."""
    vassal: Mapping[str, str]
    """Values of the vassal's template: ``plugins``, ``socket`` and ``log``."""


def of(project: Project) -> Emperor:
    """Return the emperor of ``project``.

    Raises ``ProjectError`` for a setting that Debian's own emperor does not support.
    """
    return _system(project) if project.emperor == "system" else _own_emperor(project)


def _own_emperor(project: Project) -> Emperor:
    app = project.package
    templates = {
        f"usr/lib/systemd/system/{app}.service": "systemd/app.service.in",
        f"usr/lib/sysusers.d/{app}.conf": "systemd/app.sysusers.in",
        f"usr/lib/tmpfiles.d/{app}.conf": "systemd/app.tmpfiles.in",
        f"{layout.dist(app)}/emperor.ini": "packaging/uwsgi/emperor.ini.in",
    }
    if hardware.rules(project):
        templates[f"usr/lib/udev/rules.d/60-{app}.rules"] = "systemd/app.udev.in"
    if project.sleep_after:
        templates[f"{layout.dist(app)}/vassals/web.ini.socket"] = "packaging/uwsgi/web.ini.socket.in"
    return Emperor(
        user=app,
        other_user="www-data",
        depends=("passwd", "systemd", "uwsgi-core"),
        scripts="packaging/maintscripts",
        readme=f"packaging/doc/README.Debian{'.command' if project.command else ''}.in",
        templates=templates,
        vassal={"plugins": "python3", "socket": _socket(project), "log": ""},
    )


def _system(project: Project) -> Emperor:
    for key in _own_emperor_keys(project):
        raise literals.error(
            project,
            key,
            'requires the app\'s own emperor and unit, but emperor = "system"',
            f"Remove '{key}', or remove emperor = \"system\".",
        )
    app = project.package
    return Emperor(
        user="www-data",
        other_user=app,
        depends=("systemd", "uwsgi-emperor"),
        scripts="packaging/maintscripts/system",
        readme="packaging/doc/README.Debian.system.in",
        templates={f"usr/lib/tmpfiles.d/{app}.conf": "systemd/system.tmpfiles.in"},
        vassal={
            "plugins": "python3,syslog",
            "socket": "; nginx connects to this socket. A reload keeps it and its waiting requests.\n"
            "socket = %(socket-path)",
            "log": f"logger = syslog:{app}",
        },
    )


def _socket(project: Project) -> str:
    """Return the vassal's options for its socket; the emperor holds the socket of an app that may sleep."""
    if not project.sleep_after:
        return (
            f"; nginx reaches this socket by the link web.sock. '{project.package} status' uses it too.\n"
            "; This socket and the stats socket get the group of their folder: www-data.\n"
            "socket = %(socket-path)"
        )
    lines = [
        "; The emperor listens on the socket, and passes it to the app at the first request.",
        "; After this many seconds without a request, the app ends and the emperor listens again.",
        f"idle = {project.sleep_after}",
        "die-on-idle = true",
    ]
    return "\n".join(lines)


def _own_emperor_keys(project: Project) -> Iterator[str]:
    """Yield the keys that are set and have an effect only with an app's own emperor or unit."""
    service = defaults()["service"]
    if project.command:
        yield "server"
    if project.sleep_after:
        yield "sleep-after"
    yield from (key for key in ("hardware", "workers", "timers") if getattr(project, key))
    if project.service.cpu_weight != service["cpu-weight"]:
        yield "service.cpu-weight"
    yield from (
        f"service.{key}" for key in ("network", "proc") if getattr(project.service, key) != service[key]
    )
    if project.service.memory_max.endswith("%"):
        yield "service.memory-max"
