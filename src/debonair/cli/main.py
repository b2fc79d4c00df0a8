"""The command ``debonair``: its verbs, a module for each group.

The verbs contain no logic: each calls one stage and prints the result. A verb imports its stage when it
runs, so that it does not load the modules of all others.
"""

from __future__ import annotations

import atexit
import gc

import click

from debonair import __version__
from debonair.cli import build, cache, debian, init, output, show, trial
from debonair.cli.output import Verbs
from debonair.cli.repo.main import repo
from debonair.host import run


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="debonair")
@click.option("--verbose", "-v", is_flag=True, help="Print every program before it runs.")
def main(*, verbose: bool) -> None:
    """Build a .deb for Raspberry Pi OS from a Flask, WSGI or ASGI project."""
    run.verbose = verbose
    # A command is short and keeps almost every object until its end. Searching them for reference cycles
    # would take a tenth of its time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script for a shell.

    Source it in the shell's startup file.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        output.show(found(main, {}, "debonair", "_DEBONAIR_COMPLETE").source())


for _verb in (
    *(init.init, build.build, build.lock, build.plan),
    *(debian.fetch, debian.source, debian.library),
    *(show.targets, show.inspect, show.check, show.schema),
    *(trial.try_, repo, cache.cache, completion),
):
    main.add_command(_verb)
