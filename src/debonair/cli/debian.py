"""Verbs that make what Debian's own tools build from: wheels, a source package, a library's package."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from debonair.cli.options import FOLDER, cache, directory, target_option, unsandboxed
from debonair.cli.output import show, size


@click.command()
@directory
@target_option(multiple=True)
@click.option(
    "--out", "-o", metavar="DIR", type=FOLDER, default=None, help="The folder; DIRECTORY/debian/wheels."
)
@unsandboxed
def fetch(directory: Path, target: tuple[str, ...], out: Path | None) -> None:
    """Fetch the wheels of the project in DIRECTORY, for each target, into a folder.

    From it 'dh --with debonair' builds the package where there is no network.
    """
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets
    from debonair.source import wheelhouse

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    plans = {each: builds.plan(project, each, cache=cache(), environ=os.environ) for each in chosen}
    folder = out or directory / wheelhouse.FOLDER
    laid = wheelhouse.fill(folder.absolute(), project, plans, cache(), os.environ)
    wheelhouse.allow(project.root, folder.absolute())
    total = sum(path.stat().st_size for path in laid)
    show(f"{folder}  {len(laid)} files for {', '.join(each.name for each in chosen)}, {size(total)}")


@click.command()
@directory
@target_option(multiple=True)
@click.option("--out", "-o", metavar="DIR", type=FOLDER, default=None, help="The folder; DIRECTORY/dist.")
@unsandboxed
def source(directory: Path, target: tuple[str, ...], out: Path | None) -> None:
    """Make a Debian source package of the project in DIRECTORY, for each suite of its targets.

    dpkg-buildpackage makes of it what 'build' does, without a network: the wheels are in it.
    """
    from debonair import project as projects
    from debonair import target as targets
    from debonair.source import package as sources

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    folder = out or directory / "dist"
    for path in sources.write(project, chosen, folder.absolute(), cache(), os.environ):
        show(folder / path.name)


@click.command()
@click.argument("requirement")
@click.option("--suite", metavar="SUITE", default="trixie", help="The suite of Debian; trixie.")
@click.option(
    "--arch", metavar="ARCH", help="Debian's architecture, if it compiles something; this machine's."
)
@click.option("--recursive", is_flag=True, help="Make what it needs and the suite lacks, too.")
@click.option(
    "--build-depends", metavar="PKG", multiple=True, help="A Debian package to build with (repeatable)."
)
@click.option("--maintainer", metavar="'NAME <MAIL>'", default="", help="You, if git does not say.")
@click.option(
    "--out", "-o", metavar="DIR", type=FOLDER, default=Path("dist"), help="Folder for the .deb; dist."
)
def library(
    requirement: str, suite: str, arch: str | None, out: Path, maintainer: str, **more: Any
) -> None:
    """Make the Debian package python3-NAME of a Python library, such as 'RPi.bme280==0.2.4'.

    Several apps on one machine can share it: each names it in 'depends', with system-site-packages = true.
    """
    from debonair.debian.apt import host_architecture
    from debonair.project import maintainer as maintainers
    from debonair.source.library.workshop import Workshop

    person = maintainers.needed(maintainer, Path.cwd(), os.environ)
    workshop = Workshop.of(suite, arch or host_architecture(), person, cache(), os.environ)
    for made in replace(workshop, **more).make(requirement, out):
        show(f"{made.path}  {size(made.path.stat().st_size)}, needs {', '.join(made.depends) or 'nothing'}")
