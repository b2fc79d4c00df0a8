"""``debonair completion``."""

from __future__ import annotations

import click

from debonair.cli.command import Verb
from debonair.cli.output import show


@click.command(cls=Verb, examples=("debonair completion bash",))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script for a shell.

    Source it in the shell's startup file.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        program = click.get_current_context().find_root().command
        show(found(program, {}, "debonair", "_DEBONAIR_COMPLETE").source())
