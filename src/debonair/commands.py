"""The app's own commands that run beside its web processes: workers always, timers now and then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from debonair import layout, quote
from debonair.deb.tree import Source
from debonair.project import Project
from debonair.template import fill

_UNITS = "usr/lib/systemd/system"


def units(project: Project, values: Mapping[str, str | int]) -> dict[str, str]:
    """Return the units of the project's workers and timers: text by path.

    ``values`` are those of the app's own unit, the sandbox among them. Raises ``ProjectError`` for a name
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
                "calendar": quote.unit_text(project, f"timers.{name}.calendar", timer.calendar),
            }
            found[f"{unit}.timer"] = fill("systemd/app-timer.timer.in", more)
            found[f"{unit}.service"] = fill("systemd/app-timer.service.in", more)
        else:
            found[f"{unit}.service"] = fill("systemd/app-worker.service.in", {**values, "name": name})
    return found


def programs(project: Project, *, version: str, mtime: int) -> list[Source]:
    """Return the programs that the units run, of one release each, and what starts them with the app.

    A unit is wanted by the app's own without being enabled: an admin masks the one that is not to run.
    """
    app = project.package
    place = 'cd "$STATE_DIRECTORY" || exit'
    if project.install == "files":
        folder = Path("app") / project.import_root
        place = f'export PYTHONPATH="$release/{folder}"\ncd "$release/app" || exit'
    sources = []
    for name in _names(project):
        timer = project.timers.get(name)
        key, command = (f"timers.{name}.command", timer.command) if timer else (f"workers.{name}", "")
        text = fill(
            "systemd/app.command.in",
            {
                "app": app,
                "name": name,
                "version": version,
                "release": layout.release(version),
                "wsgi": project.wsgi,
                "place": place,
                "command": quote.command(project, key, command or project.workers[name]),
            },
        )
        program = f"{layout.dist(app)}/commands/{name}"
        sources.append(Source.file(program, text.encode(), mode=0o755, mtime=mtime))
        unit = f"{app}-{name}.{'timer' if timer else 'service'}"
        sources.append(Source.link(f"{_UNITS}/{app}.service.wants/{unit}", f"../{unit}", mtime=mtime))
    return sources


def stamps(project: Project) -> str:
    """Return the lines of postrm that remove what systemd noted of the timers (systemd.timer(5))."""
    folder = "/var/lib/systemd/timers"
    return "\n".join(
        f"    rm -f {folder}/stamp-{project.package}-{name}.timer" for name in sorted(project.timers)
    )


def _names(project: Project) -> list[str]:
    both = project.workers.keys() & project.timers.keys()
    for name in both:
        raise quote.error(project, f"timers.{name}", "is the name of a worker too", "Rename one of them.")
    for name in (*project.workers, *project.timers):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            key = f"{'timers' if name in project.timers else 'workers'}.{name}"
            raise quote.error(project, key, "cannot be part of a unit's name", "Use a-z, 0-9 and -.")
    return sorted((*project.workers, *project.timers))
