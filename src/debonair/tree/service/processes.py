"""The app's own commands: its web server, if it has one, and its workers and timers.

Workers run permanently, timers from time to time.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from debonair.deb.tree import Source
from debonair.project import Project, layout
from debonair.template import fill
from debonair.tree.service import literals

_UNITS = "usr/lib/systemd/system"


def units(project: Project, values: Mapping[str, str | int]) -> dict[str, str]:
    """Return the units of the project's workers and timers: text by path.

    ``values`` are those of the app's own unit, including the sandbox. Raises ``ProjectError`` for a name
    that no unit can have, and for a time that would not stay on its line.
    """
    found = {}
    for name in _names(project):
        unit = f"{_UNITS}/{project.package}-{name}"
        if name in project.timers:
            timer = project.timers[name]
            more = {
                **values,
                "name": name,
                "calendar": literals.unit_text(project, f"timers.{name}.calendar", timer.calendar),
            }
            found[f"{unit}.timer"] = fill("systemd/app-timer.timer.in", more)
            found[f"{unit}.service"] = fill("systemd/app-timer.service.in", more)
        else:
            found[f"{unit}.service"] = fill("systemd/app-worker.service.in", {**values, "name": name})
    return found


def programs(project: Project, *, version: str, mtime: int) -> list[Source]:
    """Return the programs of one release, and the links that start workers and timers with the app.

    The app's own unit wants each unit, which is not enabled: an admin masks a unit to stop it from running.
    """
    app = project.package
    values = {"app": app, "version": version, "place": _place(project)}
    folder = "app" if project.install == "files" else "venv"
    values["flask"] = f"export FLASK_APP=\"$release/{folder}/\"'{project.wsgi}'" if project.wsgi else ""
    sources = []
    if project.command:
        text = fill("packaging/uwsgi/server.in", {**values, "command": _server(project)})
        sources.append(Source.file(f"{layout.dist(app)}/server", text.encode(), mode=0o755, mtime=mtime))
    if project.emperor == "own":
        text = fill("systemd/app.generator.in", values)
        path = f"usr/lib/systemd/system-generators/{app}"
        sources.append(Source.file(path, text.encode(), mode=0o755, mtime=mtime))
    for name in _names(project):
        timer = project.timers.get(name)
        key, command = (f"timers.{name}.command", timer.command) if timer else (f"workers.{name}", "")
        line = literals.command(project, key, command or project.workers[name])
        text = fill("systemd/app.command.in", {**values, "name": name, "command": line})
        program = f"{layout.dist(app)}/commands/{name}"
        sources.append(Source.file(program, text.encode(), mode=0o755, mtime=mtime))
        unit = f"{app}-{name}.{'timer' if timer else 'service'}"
        sources.append(Source.link(f"{_UNITS}/{app}.service.wants/{unit}", f"../{unit}", mtime=mtime))
    return sources


def services(project: Project) -> list[str]:
    """Return the names of all services of the project, including those that it may not have now."""
    app, own = project.package, [f"{project.package}-{name}.service" for name in _names(project)]
    return [f"{app}.service", f"{app}.next.service", alias_unit(project), *own]


def alias_unit(project: Project) -> str:
    """Return the name of the unit that publishes ``APP.local``; no worker can have it."""
    return f"{project.package}.local.service"


def stamps(project: Project) -> str:
    """Return the lines of postrm that remove systemd's time stamps of the timers (systemd.timer(5))."""
    folder = "/var/lib/systemd/timers"
    return "\n".join(
        f"    rm -f {folder}/stamp-{project.package}-{name}.timer" for name in sorted(project.timers)
    )


def _place(project: Project) -> str:
    """Return the lines of a shell script that change to a folder of the release.

    Python and many programs look for modules and settings where they are started. An attacker can have
    left both in the data folder.
    """
    if project.install != "files":
        return 'cd "$release/venv" || exit'
    folder = project.import_path[0]
    return f'export PYTHONPATH="$release/{folder}"\ncd "$release/app" || exit'


def _server(project: Project) -> str:
    """Return the line that starts the app's web server, which is one program with its arguments.

    The signals that end it must reach it directly, and not a shell that waits for it.
    """
    line = literals.command(project, "command", project.command)
    words = shlex.shlex(line, posix=False, punctuation_chars=True)
    words.whitespace_split = True
    try:
        found = list(words)
    except ValueError as wrong:
        raise literals.error(project, "command", f"is not valid: {wrong}", "Check its quotes.") from None
    if "=" in found[0] or any(set(word) <= set(";&|()") for word in found):
        raise literals.error(
            project,
            "command",
            f"is '{line}', which is more than one program with its arguments",
            "Move the rest into a script of the app that ends with 'exec' and the server. Move variables "
            "to [service.environment].",
        )
    return line


def _names(project: Project) -> list[str]:
    both = project.workers.keys() & project.timers.keys()
    for name in both:
        raise literals.error(
            project, f"timers.{name}", "is also the name of a worker", "Rename one of them."
        )
    for name in (*project.workers, *project.timers):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            key = f"{'timers' if name in project.timers else 'workers'}.{name}"
            raise literals.error(project, key, "is not valid in the name of a unit", "Use a-z, 0-9 and -.")
    return sorted((*project.workers, *project.timers))
