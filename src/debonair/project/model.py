"""What the author declared: a folder with a pyproject.toml, or with an app and a debonair.toml."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from debonair.deb import control
from debonair.deb.version import from_pep440
from debonair.errors import PackageError, ProjectError
from debonair.project import (
    dependencies,
    duration,
    dynamic_version,
    entry_point,
    globs,
    licence,
    maintainer,
    reader,
    server_command,
    settings,
)
from debonair.project import pyproject as pyproject_toml
from debonair.project.settings import Nginx, Option, Service, Settings, Timer
from debonair.wheels import metadata


@dataclass(frozen=True, kw_only=True)
class Project:
    """An application to be packaged, all of it decided.

    Of one that is published, ``distribution.described`` decides what its wheel says, once there is a lock.
    """

    root: Path
    config_file: Path
    """The file that holds the settings, to be named in errors."""
    package: str
    """The Debian package, and the name of the service, the site and the user."""
    name: str
    """The name for Python (PEP 503)."""
    version: str
    """PEP 440."""
    wsgi: str
    """``module:callable`` or ``module:factory()``; empty without uWSGI."""
    command: str = ""
    """The command line of its own web server, which listens on ``$SOCKET``; empty with uWSGI."""
    install: str
    """``files``, ``wheel``, or ``index`` for what is published."""
    targets: tuple[str, ...]
    maintainer: str
    description: str
    long_description: str = ""
    homepage: str = ""
    license: str = ""
    """An SPDX expression, if declared."""
    license_text: str = ""
    author: str = ""
    """Who wrote it, if that is not the maintainer."""
    copyright: str = ""
    """Its debian/copyright, if it has one."""
    manuals: dict[str, str] = field(default_factory=dict)
    """Its manual pages, debian/*.1: text by file name."""
    depends: tuple[str, ...] = ()
    system_site_packages: bool = False
    sdists: str = "pure"
    """``allow``: what has no wheel for a target is built from source for it."""
    from_source: tuple[str, ...] = ()
    """Normalised names of Python packages that are built from source whatever they have."""
    build_depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Debian packages to build with, by the normalised name of a Python package."""
    hardware: tuple[str, ...] = ()
    """What of the board it opens: ``gpio``, ``i2c``."""
    waive: tuple[str, ...] = ()
    """Python packages whose compiled files are taken whatever is found in them."""
    piwheels: bool = True
    """Whether a lock may have files of the targets' extra indexes."""
    static: dict[str, str] = field(default_factory=dict)
    health: str = "/"
    health_timeout: int = 30
    migrate: str = ""
    migrate_timeout: int = 600
    emperor: str = "own"
    """``own``, or ``system`` for that of Debian's package uwsgi-emperor."""
    sleep_after: int = 0
    """Seconds without a request, after which the app ends until the next; 0 for never."""
    keep_releases: int = 2
    collect: str = ""
    """A command that makes further files of the app's own, at build."""
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    """What it needs from the package index (PEP 508), as declared; locks are made from it."""
    constraints: tuple[str, ...] = ()
    """What holds for a package (PEP 508) if anything needs it."""
    prereleases: bool = False
    """Whether a lock may have versions that are not final (pip's ``--pre``)."""
    requires_python: str = ""
    scripts: dict[str, str] = field(default_factory=dict)
    """``[project.scripts]``: command to ``module:function``."""
    uwsgi: dict[str, Option | list[Option]] = field(default_factory=dict)
    """The author's options of uWSGI; without ``processes`` the machine decides how many there are."""
    nginx: Nginx
    service: Service
    workers: dict[str, str] = field(default_factory=dict)
    """Name to the command line of what runs for as long as the app does."""
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def serves(self) -> bool:
        """Whether it is a web application; else it is a command-line tool."""
        return bool(self.wsgi or self.command)

    @property
    def import_root(self) -> str:
        """The folder, relative to the project, from which its modules are imported: ``src`` or empty."""
        return "src" if self.install != "index" and (self.root / "src").is_dir() else ""

    @property
    def import_path(self) -> list[str]:
        """The folders of a release that its own modules are imported from, besides its venv."""
        return [posixpath.join("app", self.import_root).rstrip("/")] if self.install == "files" else []


def load(root: Path) -> Project:
    """Read the project in the folder ``root``.

    Raises ``ProjectError`` if there is none, or if something in it is wrong; the error names the file and
    the key.
    """
    if not root.is_dir():
        raise ProjectError(f"There is no folder {root}.")
    pyproject, bare = root / "pyproject.toml", root / "debonair.toml"
    tables = reader.toml(pyproject, root) if reader.is_file(pyproject) else {}
    pyproject_toml.check(tables, pyproject)
    if reader.is_file(bare):
        if "debonair" in tables.get("tool", {}):
            raise ProjectError(
                f"Both debonair.toml and [tool.debonair] of pyproject.toml are in {root}.",
                hint="Keep one of them.",
            )
        return _project(root, bare, tables.get("project", {}), reader.toml(bare, root), tables)
    if "project" in tables:
        table = tables.get("tool", {}).get("debonair", {})
        return _project(root, pyproject, tables["project"], table, tables)
    found = [name for name in ("app.py", "wsgi.py") if (root / name).is_file()]
    if found:
        raise ProjectError(
            f"{root} has a {found[0]}, but neither a debonair.toml nor a pyproject.toml with [project].",
            hint="Type 'debonair init', which writes one.",
        )
    raise ProjectError(
        f"There is no project in {root}: neither a pyproject.toml with [project] nor a debonair.toml.",
        hint="Go to the project's folder, or name it: debonair build DIR. "
        "In a folder with an app, 'debonair init' writes what is missing.",
    )


def of(root: Path, file: Path, table: dict[str, Any]) -> Project:
    """Return the project in ``root`` whose settings are ``table``, as a debonair.toml holds them.

    Errors name ``file``. Raises what ``load`` does.
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
    published = metadata.name(given, file, project) if given.from_pypi else ""

    def missing(key: str, example: str) -> ProjectError:
        place = f"[{prefix}]" if prefix else "the top level"
        return ProjectError(
            f"{file.name} does not say '{key}'.", hint=f"Add to {place} of {file.name}: {key} = {example}"
        )

    older = _older(root, tables) if not project or "dynamic" in project else {}
    needed = dependencies.of(root, file, project=project, tables=tables, older=older)
    project = project or older
    name = published or project.get("name") or given.package
    package = given.package or re.sub(r"[-_. ]+", "-", name).lower()
    if not package:
        raise missing("package", f'"{root.name}"')
    version = given.version or project.get("version") or dynamic_version.version(root, tables)
    if not version and not published:
        raise missing("version", '"1.0"')
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
        raise missing("description", '"What the app does, in a line"')
    own = server_command.command(given, file=file, prefix=prefix)
    guessed = "" if prefix or published else entry_point.guess(root)
    entry = "" if own else given.wsgi or guessed
    if entry:
        entry_point.check_syntax(entry, file=file, key=f"{prefix}.wsgi".lstrip("."))
    scripts = dict(project.get("scripts", {}))
    if not (entry or own or scripts or published):
        raise ProjectError(
            f"{file.name} has neither a 'wsgi' callable nor commands in [project.scripts].",
            hint=f'Name the WSGI callable: wsgi = "{package.replace("-", "_")}:app", '
            "or a factory: ...:create_app(). An app that brings its own web server has server = "
            '"command".',
        )
    _check_paths(given, root, file)
    install = "index" if published else given.install or ("files" if entry or own else "wheel")
    if given.collect and install != "files":
        raise ProjectError(
            f"{file.name}: 'collect' makes files beside the app's, which are those of a wheel here.",
            hint='Say install = "files", or let the build backend make what it makes.',
        )
    return Project(
        root=root,
        config_file=file,
        package=package,
        name=name or package,
        version=version,
        wsgi=entry,
        command=own,
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
        requirements=(*([given.from_pypi] if published else []), *needed.requirements),
        constraints=needed.constraints,
        prereleases=needed.prereleases,
        requires_python=project.get("requires-python", ""),
        scripts=scripts,
        uwsgi={}
        if own
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


def normalised(name: str) -> str:
    """Return the ``name`` of a Python package as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _older(root: Path, tables: Mapping[str, Any]) -> dict[str, Any]:
    from debonair.project import legacy_metadata  # noqa: PLC0415 - most projects have [project]

    return legacy_metadata.project(root, tables)[0]


def author(project: Mapping[str, Any]) -> str:
    """Return who maintains a project by its table ``[project]``, name and mail; empty if it is not said."""
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
            f"{file.name}: 'sleep-after' is '{given.sleep_after}', which is no time.",
            hint='Write it as "15min", "30s" or "2h".',
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
                hint='Write it as "/static/" = "guestbook/static".',
            )
        if given.from_pypi:
            continue  # it is in a wheel, which is not here yet
        path = root / folder
        made = given.collect and not reader.is_file(path)
        if not reader.is_inside(path, root) or not (reader.is_folder(path) or made):
            raise ProjectError(
                f"{file.name}: 'static' names the folder '{folder}', which is not in the project.",
                hint=f"Make {folder}, or name the folder that has the files of {url}.",
            )
