"""Load a project: a folder with a pyproject.toml, or with an app and a debonair.toml."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debonair.deb import control
from debonair.deb.version import from_pep440
from debonair.errors import PackageError, ProjectError
from debonair.project import (
    dependencies,
    distribution,
    duration,
    dynamic_version,
    entry_point,
    globs,
    inputs,
    licence,
    maintainer,
    reader,
    server_command,
    settings,
    writable,
)
from debonair.project.model import Project
from debonair.project.names import normalised
from debonair.project.settings import Settings


def load(root: Path) -> Project:
    """Load the project in the folder ``root``.

    Raises ``ProjectError`` if there is no project, or if something in it is wrong. The error names the file
    and the key.
    """
    tables = inputs.tables(root)
    pyproject, bare = root / "pyproject.toml", root / "debonair.toml"
    if reader.is_file(bare):
        if "debonair" in tables.get("tool", {}):
            raise ProjectError(
                f"{root} has both a debonair.toml and a [tool.debonair] in pyproject.toml.",
                hint="Keep one of them.",
            )
        return _project(root, bare, tables.get("project", {}), reader.toml(bare, root), tables)
    if "project" in tables:
        table = tables.get("tool", {}).get("debonair", {})
        return _project(root, pyproject, tables["project"], table, tables)
    found = [name for name in ("app.py", "wsgi.py") if (root / name).is_file()]
    if found:
        raise ProjectError(
            f"{root} has the file {found[0]}, but neither a debonair.toml nor a pyproject.toml with "
            "[project].",
            hint="Run 'debonair init', which writes one.",
        )
    raise ProjectError(
        f"There is no project in {root}: neither a pyproject.toml with [project] nor a debonair.toml.",
        hint="Change to the project's folder, or name it: debonair build DIR. For an app without settings, "
        "run 'debonair init' in its folder.",
    )


def of(root: Path, file: Path, table: dict[str, Any]) -> Project:
    """Return the project in ``root`` with the settings ``table``, which has the format of a debonair.toml.

    Errors name ``file``. Raises the same errors as ``load``.
    """
    return _project(root, file, {}, table, {})


def _project(
    root: Path,
    file: Path,
    project: dict[str, Any],
    table: dict[str, Any],
    tables: dict[str, Any],
) -> Project:
    prefix = "tool.debonair" if file.name == "pyproject.toml" else ""
    given = settings.read(table, file=file, prefix=prefix)
    published = distribution.name(given, file, project) if given.from_pypi else ""

    def missing(key: str, example: str) -> ProjectError:
        place = f"[{prefix}]" if prefix else "the top level"
        return ProjectError(
            f"{file.name}: '{key}' is missing.", hint=f"Add to {place} of {file.name}: {key} = {example}"
        )

    older = _older(root, tables) if not project or "dynamic" in project else {}
    needed = dependencies.of(root, file, project=project, tables=tables, older=older)
    dependencies.check(
        given.requirements, f"{file.name}: '{'.'.join(filter(None, [prefix, 'requirements']))}'"
    )
    project = project or older
    name = published or project.get("name") or given.package
    package = given.package or re.sub(r"[-_. ]+", "-", name).lower()
    if not package:
        raise missing("package", f'"{root.name}"')
    version = given.version or project.get("version") or dynamic_version.version(root, tables)
    if not version and not published:
        raise _without_version(missing("version", '"1.0"'), dynamic_version.from_tags(tables))
    try:
        control.check_name(package)
        from_pep440(version or "0")
    except PackageError as wrong:
        raise ProjectError(f"{file.name}: {wrong.message}", wrong.hint) from None
    person = given.maintainer or author(project)
    if not person:
        raise missing("maintainer", '"Your Name <you@example.org>"')
    maintainer.check(person, file)
    synopsis = " ".join((given.description or project.get("description") or "").split())
    if not synopsis and not published:
        raise missing("description", '"What the app does, in one line"')
    command = server_command.command(given, file=file, prefix=prefix)
    guessed = "" if prefix or published else entry_point.guess(root)
    entry = "" if command else given.wsgi or guessed
    if entry:
        entry_point.check_syntax(entry, file=file, key=f"{prefix}.wsgi".lstrip("."))
    scripts = dict(project.get("scripts", {}))
    if not (entry or command or scripts or published):
        raise ProjectError(
            f"{file.name} has neither a 'wsgi' callable nor commands in [project.scripts].",
            hint=f'Name the WSGI callable: wsgi = "{package.replace("-", "_")}:app", or a factory such as '
            f"{package.replace('-', '_')}:create_app(). For an app with its own web server, set "
            'server = "command".',
        )
    _check_paths(given, root, file)
    install = "index" if published else given.install or ("files" if entry or command else "wheel")
    if given.collect and install != "files":
        raise ProjectError(
            f"{file.name}: 'collect' writes files beside the app's, but here those come from a wheel.",
            hint='Set install = "files", or let the build backend create these files.',
        )
    return Project(
        root=root,
        config_file=file,
        package=package,
        name=name or package,
        version=version,
        wsgi=entry,
        command=command,
        install=install,
        targets=tuple(dict.fromkeys(given.targets)),
        maintainer=person,
        description=control.synopsis(synopsis),
        long_description=synopsis,
        homepage=_homepage(project),
        license=project["license"] if isinstance(project.get("license"), str) else "",
        license_text=licence.text(root, project),
        copyright="".join(globs.texts(root, "debian/copyright").values()),
        manuals=globs.texts(root, "debian/*.1"),
        depends=tuple(given.depends),
        system_site_packages=given.system_site_packages,
        sdists=given.sdists,
        build_depends={normalised(name): tuple(packages) for name, packages in given.build_depends.items()},
        hardware=tuple(dict.fromkeys(given.hardware)),
        waive=tuple(given.waive),
        piwheels=given.piwheels,
        static={url: posixpath.normpath(folder) for url, folder in given.static.items()},
        health=given.health,
        health_timeout=given.health_timeout,
        migrate=given.migrate,
        migrate_timeout=given.migrate_timeout,
        emperor=given.emperor,
        sleep_after=_sleep_after(given, file),
        keep_releases=given.keep_releases,
        collect=given.collect,
        include=tuple(given.include),
        exclude=tuple(given.exclude),
        writable=writable.paths(given, root, file, install=install if entry or command else ""),
        requirements=tuple(
            dict.fromkeys(
                [*([given.from_pypi] if published else []), *needed.requirements, *given.requirements]
            )
        ),
        further_requirements=tuple(given.requirements),
        requirements_file=needed.source,
        requirements_notes=needed.notes,
        constraints=needed.constraints,
        prereleases=needed.prereleases,
        requires_python=project.get("requires-python", ""),
        scripts=scripts,
        uwsgi={}
        if command
        else {
            name: value
            for name, value in given.uwsgi.items()
            if name not in settings.PROCESSES or value != "auto"
        },
        nginx=given.nginx,
        service=given.service,
        workers={
            name: found if isinstance(found, str) else found.command
            for name, found in given.workers.items()
        },
        timers=given.timers,
    )


def _without_version(wrong: ProjectError, tool: str) -> ProjectError:
    """Return the error ``wrong`` about a missing version, with what the ``tool`` of git's tags does."""
    if not tool:
        return wrong
    message = f"{wrong.message} {tool} takes it from git's tags, but a package must not depend on these."
    return ProjectError(message, hint=wrong.hint)


def _older(root: Path, tables: Mapping[str, Any]) -> dict[str, Any]:
    from debonair.project import legacy_metadata  # noqa: PLC0415 - most projects have [project]

    return legacy_metadata.project(root, tables)[0]


def author(project: Mapping[str, Any]) -> str:
    """Return the name and mail address of the first author in the table ``[project]``; empty if missing."""
    for person in [*project.get("maintainers", []), *project.get("authors", [])]:
        if person.get("name") and person.get("email"):
            return f"{person['name']} <{person['email']}>"
    return ""


def _homepage(project: dict[str, Any]) -> str:
    urls = {key.lower(): url for key, url in project.get("urls", {}).items()}
    return str(next((urls[key] for key in ("homepage", "home", "repository", "source") if key in urls), ""))


def _sleep_after(given: Settings, file: Path) -> int:
    try:
        return duration.seconds(given.sleep_after) if given.sleep_after else 0
    except ValueError:
        raise ProjectError(
            f"{file.name}: 'sleep-after' is '{given.sleep_after}', which is not a duration.",
            hint='Write it as in sleep-after = "15min", "30s" or "2h".',
        ) from None


def _check_paths(given: Settings, root: Path, file: Path) -> None:
    if not re.fullmatch(r"/[^\s{};\"'\\]*", given.health):
        raise ProjectError(
            f"{file.name}: 'health' is '{given.health}', which is not a path.",
            hint='Write a path that begins with a slash: health = "/healthz"',
        )
    for url, folder in given.static.items():
        if not re.fullmatch(r"/([^\s{};\"'\\/]+/)*([^\s{};\"'\\/]+)?", url) or url == "/":
            raise ProjectError(
                f"{file.name}: 'static' has '{url}', which is not a URL prefix.",
                hint='Write it as in "/static/" = "guestbook/static".',
            )
        if given.from_pypi:
            continue  # it is in a wheel that does not exist yet
        path = root / folder
        made = given.collect and not reader.is_file(path)
        if not reader.is_inside(path, root) or not (reader.is_folder(path) or made):
            raise ProjectError(
                f"{file.name}: 'static' names the folder '{folder}', which is not in the project.",
                hint=f"Create {folder}, or name the folder with the files of {url}.",
            )
