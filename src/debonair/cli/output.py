"""What the command line prints, and how an error ends it."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click

from debonair.errors import Error
from debonair.host.terminal import plain


class Shown(click.Command):
    """Show an ``Error`` as its sentence and its hint, and end with its exit code."""

    def invoke(self, context: click.Context) -> Any:
        """Run what was asked for, and turn what a user can cause into words."""
        # Who is told to end takes away what it has made, as after Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(context)
        except Error as error:
            complain(error)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            show("Interrupted.", err=True)
            context.exit(130)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)


class Verbs(Shown, click.Group):
    """The command line of many verbs."""


def show(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Write for people; strangers may have written what is in it."""
    click.echo(plain(str(text)), err=err, nl=nl)


def complain(error: Error) -> None:
    """Write the sentence of ``error`` and its hint."""
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {plain(error.message)}", err=True)
    if error.hint:
        click.echo(f"{click.style('Hint:', bold=True)}  {plain(error.hint)}", err=True)


def size(count: float) -> str:
    """Return ``count`` bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
