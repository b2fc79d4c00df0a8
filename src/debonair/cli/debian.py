"""The verbs for Debian's own tools: fetch wheels, create a source package, package a library."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from debonair.cli.command import Verb
from debonair.cli.options import cache, directory, out_option, target_option, unsandboxed
from debonair.cli.output import advise, near, show, size


@click.command(
    cls=Verb,
    examples=(
        "debonair fetch",
        "debonair fetch -t trixie-arm64 -o debian/wheels",
    ),
)
@directory
@target_option(
    "Fetch for this target, such as trixie-arm64 (repeatable).  [default: 'targets' in the settings]",
    multiple=True,
)
@out_option("Write the wheels to this folder.  [default: DIRECTORY/debian/wheels]")
@unsandboxed
def fetch(directory: Path, target: tuple[str, ...], out: Path | None) -> None:
    """Fetch the wheels of the project in DIRECTORY, for each target.

    'dh --with debonair' builds the package from the folder of wheels, without a network.
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


@click.command(
    cls=Verb,
    examples=(
        "debonair source",
        "debonair source -t trixie-arm64",
    ),
)
@directory
@target_option(
    "Package for this target, such as trixie-arm64 (repeatable).  [default: 'targets' in the settings]",
    multiple=True,
)
@out_option("Write the source packages to this folder.  [default: DIRECTORY/dist]")
@unsandboxed
def source(directory: Path, target: tuple[str, ...], out: Path | None) -> None:
    """Create a Debian source package of the project in DIRECTORY.

    Each suite of its targets gets a source package of its own, which contains the wheels. dpkg-buildpackage
    builds the same .deb from it as 'build', without a network.
    """
    from debonair import project as projects
    from debonair import target as targets
    from debonair.source import package as sources

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    folder = out or directory / "dist"
    for path in sources.write(project, chosen, folder.absolute(), cache(), os.environ):
        show(folder / path.name)


@click.command(
    cls=Verb,
    examples=(
        "debonair library RPi.bme280==0.2.4",
        "debonair library smbus2 --suite bookworm --recursive",
    ),
)
@click.argument("requirement")
@click.option(
    "--suite", metavar="SUITE", default="trixie", show_default=True, help="Build for this suite of Debian."
)
@click.option(
    "--arch",
    metavar="ARCH",
    help="Build for this Debian architecture, if the library has compiled code.  [default: this machine's]",
)
@click.option(
    "--recursive", is_flag=True, help="Package the libraries that it needs and the suite lacks, too."
)
@click.option(
    "--build-depends",
    metavar="PACKAGE",
    multiple=True,
    help="Install this Debian package in the build environment (repeatable).",
)
@click.option(
    "--maintainer",
    metavar="'NAME <MAIL>'",
    default="",
    help="Set the maintainer of the package.  "
    "[default: git's user.name and user.email, or DEBFULLNAME and DEBEMAIL]",
)
@out_option("Write the .deb files to this folder.", Path("dist"))
def library(
    requirement: str, suite: str, arch: str | None, out: Path, maintainer: str, **more: Any
) -> None:
    """Build a Debian package of a Python library.

    REQUIREMENT, such as 'RPi.bme280==0.2.4', becomes the package python3-NAME. Several apps on one machine
    can share it. Each app lists it in 'depends' and sets system-site-packages = true.
    """
    from debonair.debian.apt import host_architecture
    from debonair.project import maintainer as maintainers
    from debonair.source.library.workshop import Workshop

    person = maintainers.needed(maintainer, Path.cwd(), os.environ)
    workshop = Workshop.of(suite, arch or host_architecture(), person, cache(), os.environ)
    for made in replace(workshop, **more).make(requirement, out):
        show(f"{made.path}  {size(made.path.stat().st_size)}, needs {', '.join(made.depends) or 'nothing'}")
        advise("sudo", "apt", "install", f"./{near(made.path.absolute())}")
