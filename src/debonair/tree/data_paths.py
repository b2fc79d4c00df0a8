"""The paths of a release that lead to the app's data, /var/lib/APP, and the files that it starts with.

The package has no links at these paths. dpkg would unpack the files of a later version through a link to a
folder, as root, into a folder that the app owns. It would also keep a folder of an earlier version in the
place of a link. So the program that keeps a release on the Pi creates the links.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from debonair.deb.tree import Source
from debonair.errors import ProjectError
from debonair.project import entry_point, layout
from debonair.project.writable import CODE, is_below

if TYPE_CHECKING:
    from debonair.project import Project
    from debonair.tree.app_files import AppFile
    from debonair.wheels import Wheel


def links(project: Project, wheels: Sequence[Wheel], files: Sequence[AppFile]) -> dict[str, str]:
    """Return the paths of a release that lead to its data, each with the path in the data folder.

    The latter ends in a slash for a folder, and is empty for the data folder itself. ``files`` are the
    app's, and ``wheels`` are in its venv. Raises ``ProjectError`` if 'writable' names Flask's instance
    folder, which leads there already.
    """
    folders = list(_instance_folders(project, wheels, files))
    found = dict.fromkeys(folders, "")
    for path in project.writable:
        place = f"app/{path.rstrip('/')}"
        if inside := next((one for one in folders if f"{place}/".startswith(f"{one}/")), ""):
            folder = inside.removeprefix("app/")
            raise ProjectError(
                f"{project.config_file.name}: 'writable' has '{path}', but Flask's folder {folder} leads "
                "to the data folder already.",
                hint=f"Remove '{path}' from 'writable'.",
            )
        found[place] = path
    return found


def _instance_folders(project: Project, wheels: Sequence[Wheel], files: Sequence[AppFile]) -> Sequence[str]:
    """Return where Flask, if it is among ``wheels``, looks for the instance folder.

    Flask uses ``instance`` beside the package of the app, or a folder of the virtual environment if the
    package is installed (Flask's documentation, 'Instance Folders'). If a project packages a folder of that
    name, it keeps its own.
    """
    if not project.wsgi or not any(wheel.name == "flask" for wheel in wheels):
        return ()
    if project.install == "files":
        folder = f"{project.import_root}/instance".lstrip("/")
        has_its_own = any(f"{file.path}/".startswith(f"{folder}/") for file in files)
        return () if has_its_own else (f"app/{folder}",)
    module, _, _ = entry_point.split(project.wsgi)
    return tuple(f"venv/var/{name}-instance" for name in dict.fromkeys((module.partition(".")[0], module)))


def split(project: Project, files: Sequence[AppFile]) -> tuple[tuple[AppFile, ...], tuple[AppFile, ...]]:
    """Return the ``files`` that stay beside the code, and those that the data folder starts with.

    Raises ``ProjectError`` for code among the latter, and for a link.
    """
    seeds = tuple(file for file in files if is_below(file.path, project.writable))
    for file in seeds:
        if file.path.endswith(CODE):
            raise ProjectError(
                f"{project.config_file.name}: 'writable' includes {file.path}, which is code. The app must "
                "not be able to change its own code, because an attacker who gets into the app could then "
                "stay in it.",
                hint="Name only the folders without code that the app writes to, or move this file.",
            )
        if file.target:
            raise ProjectError(
                f"{project.config_file.name}: 'writable' includes {file.path}, which is a link.",
                hint="Replace it by the file, or exclude it.",
            )
    kept = tuple(file for file in files if not is_below(file.path, project.writable))
    modules = {file.path.removesuffix(".py") for file in kept if file.path.endswith(".py")}
    for path in project.writable:
        if path.rstrip("/") in modules:
            raise _shadows(project, path, f"module {path.rstrip('/')}.py of the app")
    return kept, seeds


def sources(seeds: Sequence[AppFile], project: Project, *, mtime: int) -> list[Source]:
    """Return the files that the data folder starts with, at their paths in the package."""
    root = f"{layout.dist(project.package)}/seed"
    return [Source.file(f"{root}/{file.path}", file.data, mtime=mtime) for file in seeds]


def check(project: Project, installed: Collection[str]) -> None:
    """Raise ``ProjectError`` if the app could replace one of the modules ``installed``, or Python's own.

    Python looks for modules beside the code first, and in the working directory. It would import a package
    that somebody created in a writable folder there.
    """
    for path in project.writable:
        folder, name = posixpath.split(path.rstrip("/"))
        if folder not in {"", project.import_root}:
            continue
        if name in installed:
            raise _shadows(project, path, f"installed module '{name}'")
        if name in sys.stdlib_module_names:
            raise _shadows(project, path, f"module '{name}' of Python itself")


def _shadows(project: Project, path: str, what: str) -> ProjectError:
    return ProjectError(
        f"{project.config_file.name}: 'writable' has '{path}', which has the name of the {what}. An "
        "attacker who gets into the app could replace that module, and stay in the app.",
        hint="Rename the folder in the app, as in my-data.",
    )
