"""The programs ``dh_debonair`` and ``dh_debonair_scripts``, which dh(1) runs.

Like the verbs, they contain no logic.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from debonair import project as projects
from debonair.cli.command import Shown
from debonair.source import debhelper
from debonair.source.debhelper import Package
from debonair.source.wheelhouse import FOLDER

_FOLDER = click.Path(path_type=Path)


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a program the options of debhelper(7) that it supports; it accepts and ignores the others."""
    for option in (
        click.option(
            "--package",
            "-p",
            "only",
            metavar="PACKAGE",
            multiple=True,
            help="Act on this package (repeatable).",
        ),
        click.option(
            "--no-package",
            "-N",
            "without",
            metavar="PACKAGE",
            multiple=True,
            help="Do not act on this package (repeatable).",
        ),
        click.option("--arch", "-a", is_flag=True, help="Act on packages for one architecture."),
        click.option("--indep", "-i", is_flag=True, help="Act on packages for all architectures."),
        click.option(
            "--sourcedirectory",
            "-D",
            "project",
            metavar="DIR",
            type=_FOLDER,
            default=Path(),
            show_default=True,
            help="Read the project from this folder.",
        ),
        click.option("-O", "passed", multiple=True, hidden=True),
        click.option("--verbose", "-v", is_flag=True, hidden=True),
        click.option("--no-act", is_flag=True, hidden=True),
    ):
        function = option(function)
    return function


@click.command(cls=Shown, context_settings={"help_option_names": ["-h", "--help"]})
@_options
@click.option(
    "--wheels",
    metavar="DIR",
    type=_FOLDER,
    default=Path(FOLDER),
    show_default=True,
    help="Take the wheels from this folder, which 'debonair fetch' filled.",
)
@click.option(
    "--target",
    metavar="TARGET",
    default="",
    help="Build for this target.  [default: the suite of this machine and dpkg's host architecture]",
)
def lay_out(wheels: Path, target: str, **selection: Any) -> None:
    """Install the app's virtual environment, vassal, site and unit in debian/PACKAGE.

    Put the Debian packages that the app needs into ${debonair:Depends}.
    """
    if package := _package(**selection):
        debhelper.lay_out(package, wheels=wheels, target=target, environ=os.environ)


@click.command(cls=Shown, context_settings={"help_option_names": ["-h", "--help"]})
@_options
def add_scripts(**selection: Any) -> None:
    """Add the switch of releases to the maintainer scripts that debhelper generated."""
    if package := _package(**selection):
        debhelper.scripts(package)


def _package(
    *,
    only: tuple[str, ...],
    without: tuple[str, ...],
    arch: bool,
    indep: bool,
    project: Path,
    passed: tuple[str, ...],
    verbose: bool,
    no_act: bool,
) -> Package | None:
    """Return the package to act on; None if the options exclude the project's package."""
    del passed, verbose
    source = Path.cwd()
    package = debhelper.find(source, projects.load((source / project).absolute()))
    name = package.project.package
    chosen = (not only or name in only) and name not in without
    if arch != indep:  # both or neither select every package (debhelper(7))
        chosen = chosen and (package.architecture == "all") == indep
    return package if chosen and not no_act else None
