"""The plan of a package: everything that will be in it, before one byte is written."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from debonair.deb import tree
from debonair.deb.tree import Source, Tree
from debonair.deb.version import for_suite
from debonair.errors import ProjectError
from debonair.host.interruption import threads
from debonair.host.progress import warn
from debonair.project import entry_point, layout, server_command
from debonair.target import alternatives, compatibility
from debonair.tree import app_files, control_file, data_paths, layers, overlap, texts
from debonair.tree.layers import ENOUGH, Recipe
from debonair.tree.model import Plan
from debonair.tree.service import render
from debonair.wheels import venv

if TYPE_CHECKING:
    from debonair.debian.interpreter import Interpreter
    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.target.elf import Elf
    from debonair.tree.app_files import AppFile
    from debonair.wheels import Wheel


def plan(
    project: Project,
    target: Target,
    wheels: Sequence[Wheel],
    interpreter: Interpreter | None,
    files: tuple[AppFile, ...] | None = None,
    *,
    cache: Cache,
    environ: Mapping[str, str],
    epoch: int,
    libraries: tuple[str, ...] | None = None,
    version: str = "",
) -> Plan:
    """Plan the package of ``project`` for ``target``, with ``wheels`` in its venv.

    ``files`` are the app's, if they are not the ones in its folder. ``environ`` may name the mirror for
    looking up libraries; ``libraries`` are those packages if they are known already. ``epoch``, in seconds,
    is the time of the application's own files. ``version`` is the Debian version, by default the project's
    for the suite. Raises ``ProjectError``, ``WheelError`` or ``PackageError`` for files that cannot be
    packaged, or would not run on ``target``. Raises ``NetworkError`` if the libraries cannot be looked up.
    """
    version = version or for_suite(project.version, target.debian_release, target.variant)
    # Read them here: a thread that opens many files waits for the GIL at each.
    if files is None:
        files = app_files.collect(project) if project.install == "files" else ()
    data = data_paths.links(project, wheels, files)
    files, seeds = data_paths.split(project, files)
    with threads(1) as pool:  # another program compiles the app's bytecode here
        app_sources = (
            pool.submit(app_files.sources, files, project, target, interpreter, mtime=epoch)
            if files
            else None
        )
        recipes = [_recipe(wheel, project, target, interpreter) for wheel in wheels]
        made = layers.layers([*recipes, *_programs(project)], cache)
        if lost := overlap.lost([part.layer for part in made[: len(recipes)]]):
            for note in overlap.notes(lost, f"The deb for {target.name}"):
                warn(note)
            recipes = [overlap.without(recipe, lost.get(recipe.name, {})) for recipe in recipes]
            made = layers.layers([*recipes, *_programs(project)], cache)
        with texts.remembered(project, target, cache):
            rendered = [
                *venv.skeleton(
                    project.package, target, system_site_packages=project.system_site_packages, mtime=epoch
                ),
                *render.render(project, target, data, version=version, epoch=epoch),
                *_commands(project, mtime=epoch),
                *data_paths.sources(seeds, project, mtime=epoch),
            ]
            members = render.members(project, version)
    compiled = {part.layer.name: part.compiled for part in made}
    parts = [part.layer for part in made]
    if app_sources:
        compiled[compatibility.APP] = layers.compiled(app_sources.result())
        parts.append(tree.layer(compatibility.APP, app_sources.result()))
    parts.append(tree.layer("Debonair", rendered))
    problems = [
        found for name, files in compiled.items() for found in compatibility.judge(name, files, target)
    ]
    if problems:
        compatibility.refuse(compatibility.waived(problems, project.waive), target)
    optional = {path for files in compiled.values() for path in alternatives.optional(files)}
    compiled = {name: tuple(alternatives.suitable(files, target)) for name, files in compiled.items()}
    plan = tree.assemble(parts, mtime=epoch)
    _check(project, target, plan)
    if libraries is None:
        libraries = _libraries(compiled, plan, target, cache, environ, optional=optional)
    return Plan(
        control=control_file.control(
            project,
            target,
            wheels,
            compiled=_untagged(compiled, wheels),
            libraries=libraries,
            version=version,
        ),
        tree=plan,
        members=members,
        epoch=epoch,
        libraries=libraries,
    )


def _untagged(compiled: Mapping[str, tuple[Elf, ...]], wheels: Sequence[Wheel]) -> list[Elf]:
    """Return the ``compiled`` files, by layer, except those of wheels for one architecture."""
    tagged = {_title(wheel) for wheel in wheels if not control_file.is_pure(wheel)}
    return [file for name, files in compiled.items() if name not in tagged for file in files]


def _libraries(
    compiled: Mapping[str, tuple[Elf, ...]],
    plan: Tree,
    target: Target,
    cache: Cache,
    environ: Mapping[str, str],
    *,
    optional: Collection[str],
) -> tuple[str, ...]:
    """Return the Debian packages of the libraries that the package's compiled files need.

    ``optional`` are the paths of files that may lack a library, because only some boards run them.
    """
    if not any(file.needed for files in compiled.values() for file in files):
        return ()
    from debonair.debian import shared_libraries  # noqa: PLC0415 - most packages need none

    carried = {posixpath.basename(entry.path) for layer in plan.layers for entry in layer.entries}
    return shared_libraries.depends(
        compiled, carried, target, cache=cache, environ=environ, optional=optional
    )


def _recipe(wheel: Wheel, project: Project, target: Target, interpreter: Interpreter | None) -> Recipe:
    def make() -> list[Source]:
        from debonair.wheels.unpack import unpack  # noqa: PLC0415 - a warm build unpacks nothing

        return unpack(wheel, project.package, target, interpreter)

    identity = interpreter.identity if interpreter else "no bytecode"
    inputs = [wheel.filename, wheel.sha256, project.package, target.python, identity]
    # The project's own wheel changes with every build, so it shares its block with no other.
    weight = ENOUGH if wheel.name == project.name else wheel.path.stat().st_size
    return Recipe(_title(wheel), inputs, make, weight)


def _title(wheel: Wheel) -> str:
    return f"{wheel.name} {wheel.version}"


def _programs(project: Project) -> list[Recipe]:
    """Return how to make the layer of the programs that run on the Pi, if it is a web application."""
    if not project.serves:
        return []
    sources = render.device(project.package)
    digest = hashlib.sha256(repr([(source.path, source.data) for source in sources]).encode()).hexdigest()
    return [Recipe("Debonair's programs", [project.package, digest], lambda: sources)]


def _commands(project: Project, *, mtime: int) -> list[Source]:
    """Return the links in /usr/bin of a command-line tool."""
    if project.serves:
        return []
    return [
        Source.link(f"usr/bin/{name}", f"../lib/{project.package}/current/venv/bin/{name}", mtime=mtime)
        for name in sorted(project.scripts)
    ]


def _check(project: Project, target: Target, plan: Tree) -> None:
    """Raise ``ProjectError`` if a declared path is not in the package."""
    paths = {entry.path for layer in plan.layers for entry in layer.entries}
    home = layout.dist(project.package)
    modules = f"{home}/venv/{layout.site_packages(target.python)}/"
    if project.install != "wheel":
        files = project.install == "files"
        why = "'include' and 'exclude' leave out all its files" if files else "no wheel contains it"
        if project.collect:
            why = f"'collect' does not create it, or {why}"
        for prefix, folder in project.static.items():
            if f"{f'{home}/app/' if files else modules}{folder.strip('/')}" not in paths:
                raise ProjectError(
                    f"{project.config_file.name}: 'static' serves {prefix} from '{folder}', but {why}.",
                    hint=f"Include it, or remove {prefix} from 'static'.",
                )
    installed = {
        path.removeprefix(modules).partition("/")[0].partition(".")[0]
        for path in paths
        if path.startswith(modules)
    }
    data_paths.check(project, installed)
    if project.wsgi:
        roots = [project.root / project.import_root] if project.install == "files" else []
        entry_point.check(
            project.wsgi,
            file=project.config_file,
            roots=roots,
            installed=installed,
            python=target.python_version,
        )
    commands = {path.removeprefix(f"{home}/venv/bin/") for path in paths if f"{home}/venv/bin/" in path}
    if project.command:
        server_command.check(
            project.command,
            file=project.config_file,
            commands=commands,
            source=project.requirements_file,
        )
    for name in project.scripts if not project.serves else ():
        if name not in commands:
            raise ProjectError(
                f"{project.config_file.name}: the command '{name}' of [project.scripts] is not in the "
                "wheel that the project's build backend built.",
                hint="Remove 'install', or set install = \"wheel\"; then check the output of the backend.",
            )
