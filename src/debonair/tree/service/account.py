"""The user that an app runs as. Its name is the package's, so Debian must not use that name otherwise."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache

from debonair.errors import ProjectError
from debonair.project import Project
from debonair.resources import resource

_LONGEST = 31  # characters that useradd(8) and systemd-sysusers(8) accept in a user's name
_EVERYWHERE = "a package that every Debian has"
_WHAT = {
    "base": "a user or group of every Debian",
    "systemd": "a user or group of systemd",
    "raspberry": "a user or group of Raspberry Pi OS",
    "packages": "a user or group of a Debian package",
    "folders": "a system folder in /etc, /run, /usr/lib or /var/lib",
    "everywhere": _EVERYWHERE,
    "commands": "a command of every Debian",
}


def check(project: Project) -> None:
    """Raise ``ProjectError`` if the package's name cannot be that of a user and of folders."""
    name = project.package
    if what := taken().get(name):
        raise _refused(
            project, f"is the name of {what}, which the app would take over and a purge would remove"
        )
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or len(name) > _LONGEST:
        raise _refused(project, "is not a valid name for the user of the service")


def check_dependencies(project: Project, depends: Iterable[str]) -> None:
    """Raise ``ProjectError`` if apt would replace a package of Debian that the app or the machine needs.

    That is one of the same name (Policy section 7.1), whether the app is a service or a tool.
    """
    if taken().get(project.package) == _EVERYWHERE:
        raise _refused(project, f"is that of {_EVERYWHERE}, and would replace it")
    if project.package.startswith("python3-"):
        raise _refused(
            project, "begins like those of Debian's Python libraries (Python Policy section 4.3)"
        )
    names = {
        re.split(r"[\s(:\[<]", each.strip())[0] for relation in depends for each in relation.split("|")
    }
    if project.package in names:
        raise _refused(
            project, "is that of a package of Debian that this app depends on, and would replace"
        )


@cache
def taken() -> dict[str, str]:
    """Return the names that no app can have, each with a description of what already has it."""
    groups: dict[str, str] = tomllib.loads(resource("packaging/names.toml").read_text())
    return {name: _WHAT[group] for group, names in groups.items() for name in names.split()}


def _refused(project: Project, why: str) -> ProjectError:
    return ProjectError(
        f"{project.config_file.name}: the package's name '{project.package}' {why}.",
        hint=f"Set 'package' to another name, such as 'my-{project.package[: _LONGEST - 3]}': at most "
        f"{_LONGEST} of a-z, 0-9 and '-', beginning with a letter.",
    )
