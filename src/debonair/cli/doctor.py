"""``debonair doctor``."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from typing import TYPE_CHECKING

import click

from debonair.cli import options
from debonair.cli.command import Verb
from debonair.cli.output import show
from debonair.host.terminal import plain

if TYPE_CHECKING:
    from debonair.doctor import Finding

_TASKS = ("cache", "lock", "build", "sdists", "try", "emulate", "publish", "ssh", "bucket")


@click.command(
    cls=Verb, examples=("debonair doctor", "debonair doctor build try", "debonair doctor --json")
)
@click.argument("tasks", nargs=-1, type=click.Choice(_TASKS), metavar="[TASK]...")
@options.as_json
def doctor(tasks: tuple[str, ...], *, as_json: bool) -> None:
    """Check what this machine can do, and print what to type where it cannot.

    TASK is one of cache, lock, build, sdists, try, emulate, publish, ssh and bucket; without any, all are
    checked. The exit status is 1 if the machine cannot do one of them. Nothing is installed.
    """
    import msgspec

    from debonair.doctor import examine

    lacks = 0
    found = []
    for each in examine(tasks, options.kept(), os.environ):
        lacks += not each.able
        found.append(msgspec.to_builtins(each))
        if not as_json:
            show(_shown(each))
    if as_json:
        show(json.dumps(found, indent=2))
    click.get_current_context().exit(1 if lacks else 0)


def _shown(found: Finding) -> str:
    """Return a finding as lines that fit on the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    indent = " " * 13
    blocks = [(f"{found.task:<8} {'yes' if found.able else 'no':<3}", found.detail)]
    blocks += [("", f"-> {found.hint}")] if found.hint else []
    lines = []
    for begin, text in blocks:
        for number, line in enumerate(plain(text).splitlines()):
            first = f"{begin:<12} " if number == 0 else indent
            lines.append(
                textwrap.fill(
                    line.strip(),
                    width,
                    initial_indent=first,
                    subsequent_indent=indent,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )
    return "\n".join(lines)
