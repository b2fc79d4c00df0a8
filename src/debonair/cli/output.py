"""Print the results and errors of the command line."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Any

import click

from debonair.errors import Error
from debonair.host import progress
from debonair.host.terminal import plain


class Shown(click.Command):
    """A command that prints an ``Error`` as a message and a hint, and exits with its code."""

    def invoke(self, context: click.Context) -> Any:
        """Run the verb, and print a message for every failure that a user can cause."""
        # SIGTERM then runs the same clean-up as Ctrl-C.
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
            # Python flushes stdout once more at exit, which would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)


class Verbs(Shown, click.Group):
    """A command line with several verbs."""


def show(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print ``text`` for people, without control characters: strangers may have written parts of it."""
    progress.erase()
    click.echo(plain(str(text)), err=err, nl=nl)


def complain(error: Error) -> None:
    """Print the message of ``error`` and its hint."""
    progress.erase()
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {_indented(error.message)}", err=True)
    if error.hint:
        click.echo(f"{click.style('Hint:', bold=True)}  {_indented(error.hint)}", err=True)


def _indented(text: str) -> str:
    """Return ``text``, of which no further line can begin as an error or a hint does."""
    return re.sub(r"\n(?=\S)", "\n  ", plain(text))


def size(count: float) -> str:
    """Return ``count`` bytes in a unit that people read easily."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
