"""Verbs that make a .deb of a project, or what it is made of."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from debonair.cli.options import FOLDER, cache, directory, target_option, unsandboxed
from debonair.cli.output import show, size
from debonair.deb.tree import Entry


@click.command()
@directory
@target_option(multiple=True)
@click.option(
    "--out",
    "-o",
    metavar="DIR",
    type=FOLDER,
    default=None,
    help="Folder for the .deb files; DIRECTORY/dist.",
)
@click.option(
    "--from-source",
    metavar="PKG",
    multiple=True,
    help="Build this Python package from source (repeatable).",
)
@click.option("--timings", is_flag=True, help="Show where the time went, in seconds.")
@click.option("--from-pypi", metavar="REQ", help="In an empty folder: begin with this app of the index.")
@click.option("--wsgi", metavar="MODULE:CALLABLE", help="With --from-pypi: what of it is served.")
@click.option("--package", metavar="NAME", help="With --from-pypi: the Debian package; its name.")
@click.option("--maintainer", metavar="'NAME <MAIL>'", help="With --from-pypi: you, if git does not say.")
@unsandboxed
def build(
    directory: Path,
    target: tuple[str, ...],
    out: Path | None,
    from_source: tuple[str, ...],
    *,
    timings: bool,
    from_pypi: str | None,
    **begun: str | None,
) -> None:
    """Build the .deb of the project in DIRECTORY, for each target.

    With --from-pypi that of an app which is published: the folder gets its settings and its lock.
    """
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets
    from debonair.project.names import normalised

    said = {key: value for key, value in {**begun, "targets": list(target)}.items() if value}
    if from_pypi:
        from debonair.init.from_pypi import begin

        project = begin(directory.absolute(), {"from-pypi": from_pypi, **said}, cache(), os.environ)
    elif stray := next((key for key in begun if key in said), None):
        raise click.UsageError(f"--{stray} goes with --from-pypi. Of a project its settings say it.")
    else:
        project = projects.load(directory.absolute())
    project = replace(project, from_source=tuple(normalised(name) for name in from_source))
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    folder = (out or directory / "dist").absolute()
    began = time.perf_counter()
    for made in builds.build_all(project, chosen, folder, cache=cache(), environ=os.environ):
        shown = made.path
        if shown.is_relative_to(Path.cwd()):
            shown = shown.relative_to(Path.cwd())
        show(f"{shown}  {size(made.size)}, {size(made.installed_size * 1024)} installed")
        if timings:
            show("  " + ", ".join(f"{name} {took:.3f}" for name, took in made.timings.items()), err=True)
    if len(chosen) > 1:
        show(f"{len(chosen)} packages in {time.perf_counter() - began:.1f} s", err=True)


@click.command()
@directory
@click.option("--upgrade", is_flag=True, help="Take newer versions where there are any.")
@unsandboxed
def lock(directory: Path, *, upgrade: bool) -> None:
    """Resolve the dependencies of the project in DIRECTORY, once for all targets."""
    from debonair import lock as locks
    from debonair import project as projects
    from debonair import target as targets
    from debonair.wheels import describe

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in project.targets]
    path = locks.write(project, chosen, cache(), os.environ, describe=describe, upgrade=upgrade)
    made = locks.ensure(project, chosen, cache(), os.environ, describe=describe)
    show(f"{path.name}  {len(made.packages)} packages")


@click.command()
@directory
@target_option(multiple=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@unsandboxed
def plan(directory: Path, target: str | None, *, as_json: bool) -> None:
    """Show every file that the .deb of the project in DIRECTORY would have."""
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets

    project = projects.load(directory.absolute())
    chosen = targets.load(target or project.targets[0])
    planned = builds.plan(project, chosen, cache=cache(), environ=os.environ)
    _show_entries(planned.tree.entries, as_json=as_json)


def _show_entries(entries: Sequence[Entry], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "path": f"/{e.path}",
                "kind": e.kind,
                "mode": f"{e.mode:04o}",
                "size": e.size,
                "target": e.target,
            }
            for e in entries
        ]
        show(json.dumps(rows, indent=2))
        return
    letters = {"file": "-", "dir": "d", "link": "l"}
    for entry in entries:
        arrow = f" -> {entry.target}" if entry.target else ""
        show(f"{letters[entry.kind]} {entry.mode:04o} {entry.size:>11,}  /{entry.path}{arrow}")
    files = sum(entry.kind == "file" for entry in entries)
    show(f"{files} files, {size(sum(entry.size for entry in entries))}")
