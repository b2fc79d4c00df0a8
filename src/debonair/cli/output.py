"""Print the results and errors of the command line."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from debonair.errors import Error
from debonair.host import progress
from debonair.host.terminal import plain


def show(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print ``text`` for people, without control characters: strangers may have written parts of it."""
    progress.erase()
    click.echo(plain(str(text)), err=err, nl=nl)


def advise(*words: object) -> None:
    """Tell a person at a terminal which command to type next; each of ``words`` is quoted for the shell."""
    if attended():
        progress.say(f"Next: {shlex.join(map(str, words))}")


def attended() -> bool:
    """Return whether a person reads the messages, on a terminal."""
    return sys.stderr.isatty()


def near(path: Path) -> Path:
    """Return ``path`` in its short form, if it is below the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def complain(error: Error) -> None:
    """Print the message of ``error`` and its hint."""
    progress.erase()
    colour = None if colourful(os.environ) else False
    words = [("Error:", " ", error.message), *([("Hint:", "  ", error.hint)] if error.hint else [])]
    for word, gap, text in words:
        styled = click.style(word, fg="red" if word == "Error:" else None, bold=True)
        click.echo(f"{styled}{gap}{_indented(text)}", err=True, color=colour)


def colourful(environ: Mapping[str, str]) -> bool:
    """Return whether a terminal gets colours: it may refuse them (no-color.org, terminfo's ``dumb``)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


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
