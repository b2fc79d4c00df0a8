"""``debonair try``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from debonair.cli.command import Verb
from debonair.cli.options import DEB, cache
from debonair.cli.output import advise

_COMMAND = "debonair.command"


class WithCommand(Verb):
    """A verb whose arguments end at ``--``; the user's own command follows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the user's command for the verb, and parse the rest."""
        if "--" in args:
            end = args.index("--")
            ctx.meta[_COMMAND] = tuple(args[end + 1 :])
            args = args[:end]
        return super().parse_args(ctx, args)


@click.command(
    cls=WithCommand,
    examples=(
        "debonair try dist/*.deb",
        "debonair try --port 8000 --keep dist/*.deb",
        "debonair try dist/*.deb -- guestbook status",
    ),
    name="try",
    options_metavar="[OPTIONS] ... [-- COMMAND]",
)
@click.argument("debs", nargs=-1, required=True, type=DEB)
@click.option(
    "--suite", metavar="SUITE", help="Boot this suite of Debian.  [default: the suite of the DEB]"
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="Serve the page on this port of 127.0.0.1, too.",
)
@click.option("--keep", is_flag=True, help="Keep the machine running until Ctrl-C.")
def try_(debs: tuple[Path, ...], *, suite: str | None, port: int | None, keep: bool) -> None:
    """Boot a Debian, install the DEB in it, and show the page.

    apt installs the DEB. If you name several DEBs, apt installs the one for this machine. A COMMAND after
    -- runs inside the booted Debian.
    """
    from debonair import trial

    status = trial.try_deb(
        debs,
        suite=suite,
        port=port,
        keep=keep,
        command=click.get_current_context().meta.get(_COMMAND, ()),
        cache=cache(),
        environ=os.environ,
    )
    if not status and not click.get_current_context().meta.get(_COMMAND):
        advise("debonair", "repo", "add", *debs)
    click.get_current_context().exit(status)
