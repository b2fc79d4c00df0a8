"""Flask's instance folder, where apps write their data: on the Pi that is /var/lib/APP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from debonair.deb.tree import Source
from debonair.project import entry_point, layout

if TYPE_CHECKING:
    from debonair.project import Project
    from debonair.target import Target
    from debonair.tree.app_files import AppFile
    from debonair.wheels import Wheel


def links(
    project: Project, target: Target, wheels: Sequence[Wheel], files: Sequence[AppFile], *, mtime: int
) -> Iterator[Source]:
    """Yield links to the app's data where Flask, if it is among ``wheels``, looks for the instance folder.

    Flask uses ``instance`` beside the package of the app, or a folder of the virtual environment if the
    package is installed (Flask's documentation, 'Instance Folders'). Neither is writable on the Pi. If a
    project packages a folder of that name, it keeps its own.
    """
    if not project.wsgi or not any(wheel.name == "flask" for wheel in wheels):
        return
    dist = layout.dist(project.package)
    data = f"/var/lib/{project.package}"
    if project.install == "files":
        folder = f"{project.import_root}/instance".lstrip("/")
        if not any(f"{file.path}/".startswith(f"{folder}/") for file in files):
            yield Source.link(f"{dist}/app/{folder}", data, mtime=mtime)
        return
    module, _, _ = entry_point.split(project.wsgi)
    for name in dict.fromkeys((module.partition(".")[0], module)):
        yield Source.link(f"{dist}/venv/var/{name}-instance", data, mtime=mtime)
