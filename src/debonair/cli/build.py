"""The verbs that build a .deb of a project, resolve its lock, or list its files."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.options import as_json, cache, directory, out_option, target_option, unsandboxed
from debonair.cli.output import advise, near, show, size
from debonair.deb.tree import Entry
from debonair.host.progress import say, warn


@click.command(
    cls=Verb,
    examples=(
        "debonair build",
        "debonair build -t trixie-armv6 -o /tmp/debs",
        "debonair build --from-source cffi",
        "debonair build httpbin --from-pypi httpbin",
    ),
)
@directory
@target_option(
    "Build for this target, such as trixie-arm64 (repeatable).  [default: 'targets' in the settings]",
    multiple=True,
)
@out_option("Write the .deb files to this folder.  [default: DIRECTORY/dist]")
@click.option(
    "--from-source",
    metavar="NAME",
    multiple=True,
    help="Build this Python package from source, even if a wheel fits (repeatable).",
)
@click.option("--timings", is_flag=True, help="Print how long each stage took, in seconds.")
@click.option(
    "--from-pypi",
    metavar="REQUIREMENT",
    help="Package this app from the package index, such as isso==0.13. DIRECTORY must not have a project.",
)
@click.option(
    "--wsgi",
    metavar="MODULE:CALLABLE",
    help="With --from-pypi, serve this application of the app.",
)
@click.option(
    "--command",
    metavar="LINE",
    help="With --from-pypi, serve the app by this command. It must listen on $SOCKET.",
)
@click.option(
    "--package",
    metavar="NAME",
    help="With --from-pypi, set the name of the Debian package.  [default: the app's name]",
)
@click.option(
    "--maintainer",
    metavar="'NAME <MAIL>'",
    help="With --from-pypi, set the maintainer of the package.  "
    "[default: git's user.name and user.email, or DEBFULLNAME and DEBEMAIL]",
)
@as_json
@unsandboxed
def build(
    directory: Path,
    target: tuple[str, ...],
    out: Path | None,
    from_source: tuple[str, ...],
    *,
    timings: bool,
    as_json: bool,
    from_pypi: str | None,
    **app_options: str | None,
) -> None:
    """Build the .deb of the project in DIRECTORY, for each target.

    With --from-pypi, package an app from the package index. This writes its settings and its lock file to
    DIRECTORY.
    """
    from debonair import build as builds
    from debonair import project as projects
    from debonair import target as targets
    from debonair.debian import offered
    from debonair.project.names import normalised

    if app_options["command"]:
        app_options["server"] = "command"
    options = {key: value for key, value in {**app_options, "targets": list(target)}.items() if value}
    if from_pypi:
        from debonair.init.from_pypi import begin

        project = begin(directory.absolute(), {"from-pypi": from_pypi, **options}, cache(), os.environ)
    elif stray := next((key for key in app_options if key in options), None):
        raise click.UsageError(
            f"--{stray} requires --from-pypi. For a project, set it in the project's settings."
        )
    else:
        project = projects.load(directory.absolute())
    project = replace(project, from_source=tuple(normalised(name) for name in from_source))
    chosen = [targets.load(name) for name in dict.fromkeys(target or project.targets)]
    folder = (out or directory / "dist").absolute()
    began = time.perf_counter()
    built: list[Path] = []
    rows = []
    for made in builds.build_all(project, chosen, folder, cache=cache(), environ=os.environ):
        built.append(near(made.path))
        rows.append(
            {
                "file": str(made.path),
                "target": made.target.name,
                "size": made.size,
                "installed-size": made.installed_size * 1024,
                "seconds": dict(made.timings),
            }
        )
        if not as_json:
            show(f"{built[-1]}  {size(made.size)}, {size(made.installed_size * 1024)} installed")
        if timings:
            show("  " + ", ".join(f"{name} {took:.3f}" for name, took in made.timings.items()), err=True)
    if as_json:
        show(json.dumps(rows, indent=2))
    if offered.has(project.package, cache=cache()):
        warn(
            f"Warning: Debian has a package '{project.package}', too. 'apt upgrade' on the Pi replaces the "
            "app with it if its version is higher. To choose another name, set: "
            f"package = 'my-{project.package}'"
        )
    if len(chosen) > 1:
        say(f"{len(chosen)} packages in {time.perf_counter() - began:.1f} s")
    advise("debonair", "try", *built)


@click.command(
    cls=Verb,
    examples=(
        "debonair lock",
        "debonair lock --upgrade",
        "debonair lock --raise-pins",
    ),
)
@directory
@click.option("--upgrade", is_flag=True, help="Upgrade to the newest versions that the requirements allow.")
@click.option(
    "--raise-pins",
    is_flag=True,
    help="Raise pinned requirements without a wheel for a target to the lowest version that has one.",
)
@unsandboxed
def lock(directory: Path, *, upgrade: bool, raise_pins: bool) -> None:
    """Resolve the dependencies of the project in DIRECTORY.

    The lock file is for all targets together.
    """
    from debonair import lock as locks
    from debonair import project as projects
    from debonair import target as targets
    from debonair.wheels import describe

    project = projects.load(directory.absolute())
    chosen = [targets.load(name) for name in project.targets]
    if raise_pins:
        from debonair.wheels.raise_pins import raise_all

        for pin in raise_all(partial(projects.load, directory.absolute()), chosen, cache(), os.environ):
            show(f"{pin.name} {pin.before} -> {pin.version}")
        project = projects.load(directory.absolute())
    path = locks.write(project, chosen, cache(), os.environ, describe=describe, upgrade=upgrade)
    made = locks.ensure(project, chosen, cache(), os.environ, describe=describe)
    show(f"{path.name}  {len(made.packages)} packages")
    advise("debonair", "build", *([] if directory == Path() else [directory]))


@click.command(
    cls=Verb,
    examples=(
        "debonair plan",
        "debonair plan --json -t trixie-arm64",
    ),
)
@directory
@target_option(
    "Plan for this target, such as trixie-arm64.  [default: the first of 'targets' in the settings]",
    multiple=False,
)
@as_json
@unsandboxed
def plan(directory: Path, target: str | None, *, as_json: bool) -> None:
    """List every file that the project's .deb would contain."""
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
