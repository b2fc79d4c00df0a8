"""The command ``debonair``: its verbs, a module for each group.

The verbs contain no logic: each calls one stage and prints the result. A verb imports its stage when it
runs, so that it does not load the modules of all others.
"""

from __future__ import annotations

import atexit
import gc

import click

from debonair import __version__
from debonair.cli import build, cache, completion, debian, doctor, init, show, trial
from debonair.cli.command import Program
from debonair.cli.repo.main import repo


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "debonair init",
        "debonair build",
        "debonair try dist/*.deb",
        "debonair repo add -r /srv/apt dist/*.deb",
    ),
)
@click.version_option(__version__, prog_name="debonair")
def main() -> None:
    """Build a .deb for Raspberry Pi OS from a Flask, WSGI or ASGI project."""
    # A command is short and keeps almost every object until its end. Searching them for reference cycles
    # would take a tenth of its time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)


main.add_section("Package a project", init.init, build.lock, build.build)
main.add_section("Try it, without a Pi", trial.try_)
main.add_section("Publish it", repo)
main.add_section("Look inside", build.plan, show.inspect, show.check, show.targets, show.schema)
main.add_section("Work with Debian's tools", debian.fetch, debian.source, debian.library)
main.add_section("This machine", doctor.doctor, cache.cache, completion.completion)
