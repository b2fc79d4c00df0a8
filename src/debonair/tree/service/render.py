"""The files of a package that are rendered for it: unit, vassal, site, scripts, documents.

Everything here fills templates with the project's values. The templates are real files, readable as they
are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from types import MappingProxyType

from debonair.deb.tree import Source
from debonair.host.clock import OLDEST
from debonair.project import Project, layout
from debonair.resources import resource
from debonair.target import Target
from debonair.template import fill
from debonair.tree import documents
from debonair.tree.service import account, hardware, limits, literals, processes, site, static
from debonair.tree.service import emperor as emperors
from debonair.tree.service import vassal as vassals

_PARTS = {
    name.replace("-", "_"): f"packaging/maintscripts/parts/{name}.in"
    for name in (
        *("own-account", "own-places"),
        *("sysusers", "account", "moved", "tmpfiles", "settings", "enable", "durable"),
        *("stop", "unlink", "put-aside", "purge", "remove-account", "downgrade", "reload-nginx"),
    )
}
"""Parts that the maintainer scripts share, or leave to debhelper."""
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
_STEP_BACK = 13  # the first Debian whose systemd (254 and later) knows RestartSteps=
_PRIVATE_PIDS = 13  # the first whose systemd (257 and later) can hide other processes of the same user
_OWN_PROCESSES = """\
# Other processes of its user do not exist for it. So it cannot end those of a release on trial.
PrivatePIDs=yes
# On a busy machine, systemd does not see that such a process is its own. It then sends SIGKILL immediately
# after SIGTERM, and requests would fail. So wait here.
ExecStop=+/usr/bin/sh -c 'kill $MAINPID; \
timeout {seconds} tail --pid=$MAINPID -s 0.1 -f /dev/null || kill -KILL $MAINPID'"""
_SEED = """\
# Creates the files and folders of 'writable' that the data folder lacks, as the app's user.
ExecStartPre=-/usr/bin/python3 -IB /usr/lib/{app}/libexec/seed.py {app}"""
_PRIVATE_GROUPS = 13  # the first whose systemd (257 and later) hides the control groups of other services


def render(
    project: Project,
    target: Target,
    data: Mapping[str, str] = MappingProxyType({}),
    *,
    version: str,
    epoch: int,
) -> list[Source]:
    """Return every file of the package that is rendered, without the directories above it.

    ``device`` returns the further files of a web application. ``data`` has the paths of a release that
    lead to its data. ``version`` is the Debian version, ``epoch`` the mtime in seconds. A command-line tool
    has only its documents and its folder in ``/usr/lib``. Raises ``ProjectError`` for a value that cannot
    be written into its file.
    """
    home = f"usr/lib/{project.package}"
    texts = {
        f"{home}/dist/release.json": release(project, target, data, version=version, epoch=epoch),
        **documents.texts(project, version=version, epoch=epoch),
    }
    if project.serves:
        texts |= _service(project, target, version=version)
    sources = [Source.file(path, text.encode(), mtime=epoch) for path, text in texts.items()]
    sources += documents.compressed(project, target, version=version, epoch=epoch)
    if project.serves:
        sources += processes.programs(project, version=version, mtime=epoch)
        sources += _alias(project, target, mtime=epoch)
    else:  # a tool has only one release; nothing keeps running on an older one after an upgrade
        sources.append(Source.link(f"{home}/current", "dist", mtime=epoch))
    return sorted(sources, key=lambda source: source.path)


def members(project: Project, version: str, *, done: Collection[str] = ()) -> dict[str, str]:
    """Return the control tarball's members except control and md5sums: text by name.

    These are the maintainer scripts (Debian Policy chapter 6). A command-line tool needs none. The parts
    that another program has ``done`` are left out; they are in ``packaging/maintscripts/parts``.
    """
    if not project.serves:
        return {}
    account.check(project)
    emperor = emperors.of(project)
    values = {
        "app": project.package,
        "user": emperor.user,
        "other_user": emperor.other_user,
        "stamps": processes.stamps(project),
        "units": " ".join(f"'{unit}'" for unit in processes.services(project)),
        "udev": "udevadm trigger --action=change || true" if hardware.rules(project) else "",
        **dict.fromkeys(done, ""),
    }
    parts = {name: path for name, path in _PARTS.items() if name not in done}
    return {name: fill(f"{emperor.scripts}/{name}.in", values, parts) for name in SCRIPTS}


def release(
    project: Project,
    target: Target,
    data: Mapping[str, str] = MappingProxyType({}),
    *,
    version: str,
    epoch: int,
) -> str:
    """Return release.json: what the programs on the Pi need to know about their release.

    ``data`` has its paths that lead to its data, and the paths there.
    """
    facts = {
        "data": dict(data),
        "drain": vassals.drain(project),
        "emperor": project.emperor,
        "environment": hardware.environment(project),
        "epoch": epoch,
        "hardware": list(project.hardware),
        "health": project.health,
        "health-timeout": project.health_timeout,
        "host": site.host(project),
        "import-path": project.import_path,
        "keep-releases": project.keep_releases,
        "layout": 2,  # of the sockets on the Pi; postrm prepares a downgrade to an older layout
        "migrate": project.migrate,
        "migrate-timeout": project.migrate_timeout,
        "package": project.package,
        "port": site.port(project),
        "python": target.python,
        "server": "command" if project.command else "uwsgi",
        "static": project.static,
        "target": target.name,
        "timers": sorted(project.timers),
        "user": emperors.of(project).user,
        "version": version,
        "workers": sorted(project.workers),
        "wsgi": project.wsgi,
    }
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


def _service(project: Project, target: Target, *, version: str) -> dict[str, str]:
    """Return the texts of all files that make the app a service, by path."""
    account.check(project)
    app = project.package
    emperor, vassal = emperors.of(project), vassals.of(project, target)
    mercy = int(vassal.values["mercy_seconds"])
    # before systemd's own limit, which would begin again after this command
    own_processes = _OWN_PROCESSES.format(seconds=mercy + 10)
    values: dict[str, str | int] = {
        "app": app,
        "version": version,
        "description": literals.unit_text(project, "description", project.description),
        "environment": literals.unit_environment(project, hardware.environment(project)),
        "limits": limits.unit(project),
        "network": limits.network(project),
        "run": limits.run(project),
        "devices": hardware.unit(project),
        "proc": hardware.proc(project),
        "memberships": hardware.memberships(project),
        "rules": hardware.rules(project),
        # Without its emperor the app is down; the restart is fast, and costs little.
        "restart": _restart(target, "200ms", "5s", "1s"),
        "worker_restart": _restart(target, "1s", "60s", "5s"),
        "seed": _SEED.format(app=app) if project.writable else "",
        "own_processes": own_processes if target.debian_release >= _PRIVATE_PIDS else "",
        "control_groups": _control_groups(target),
        **emperor.vassal,
        **vassal.values,
        # A worker ends its requests first, then its master stops waiting, then the emperor, then systemd.
        "curse_seconds": mercy + 5,
        "stop_seconds": mercy + 15,
        **site.values(project, target),
    }
    values["to_app"] = fill(vassal.to_app, values).rstrip("\n")
    values["static"] = static.locations(project, target, str(values["to_app"]))
    values["sandbox"] = fill("systemd/app.sandbox.in", values).rstrip("\n")
    templates = {
        **emperor.templates,
        **vassal.templates,
        f"usr/lib/{app}/dist/nginx/site.conf": "nginx-sites/site.conf.in",
    }
    texts = {path: fill(template, values) for path, template in templates.items()}
    texts |= processes.units(project, values)
    # The units are part of a release: the Pi starts each release with its own units.
    units = {path: text for path, text in texts.items() if path.startswith("usr/lib/systemd/system/")}
    folder = f"{layout.dist(app)}/systemd"
    return texts | {f"{folder}/{path.rpartition('/')[2]}": text for path, text in units.items()}


def device(package: str) -> list[Source]:
    """Return the programs that run on the Pi for the app ``package``; its command is one of them.

    They have the same bytes in each of its releases, and a constant time.
    """
    folder, mtime = f"usr/lib/{package}/libexec", OLDEST
    sources = [
        Source.file(f"{folder}/{path.name}", data, mode=0o755 if data[:2] == b"#!" else 0o644, mtime=mtime)
        for path in sorted(resource("packaging/device").iterdir())
        if path.is_file()
        for data in [path.read_bytes()]
    ]
    link = f"../lib/{package}/libexec/command.py"
    return [*sources, Source.link(f"usr/bin/{package}", link, mtime=mtime)]


def _alias(project: Project, target: Target, *, mtime: int) -> list[Source]:
    """Return the unit that publishes the name ``APP.local``, and the link that starts it with Avahi.

    It is not part of a release: like the device's programs, the installed version is the one that runs.
    """
    if not (alias := site.alias(project, target)):
        return []
    values = {"app": project.package, "alias": alias, "control_groups": _control_groups(target)}
    folder, unit = "usr/lib/systemd/system", processes.alias_unit(project)
    return [
        Source.file(f"{folder}/{unit}", fill("systemd/app.alias.in", values).encode(), mtime=mtime),
        Source.link(f"{folder}/avahi-daemon.service.wants/{unit}", f"../{unit}", mtime=mtime),
    ]


def _control_groups(target: Target) -> str:
    return "strict" if target.debian_release >= _PRIVATE_GROUPS else "yes"


def _restart(target: Target, first: str, last: str, always: str) -> str:
    """Return the lines of a unit that define how long systemd waits before a restart.

    The wait is ``first``, then more and more until ``last``. An older systemd without steps waits
    ``always``. It counts the restarts since somebody started the service, even if they are years apart.
    """
    if target.debian_release < _STEP_BACK:
        return f"RestartSec={always}"
    return (
        "# The waits before restarts grow to a maximum.\n"
        f"RestartSec={first}\nRestartSteps=6\nRestartMaxDelaySec={last}"
    )
