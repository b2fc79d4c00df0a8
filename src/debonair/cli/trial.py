"""``debonair try``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from debonair.cli import output
from debonair.cli.command import Verb
from debonair.cli.options import DEB, cache
from debonair.host.progress import say

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
    "--upgrade-from",
    metavar="OLD_DEB",
    type=DEB,
    help="Install OLD_DEB first, then upgrade to DEB under load.",
)
@click.option(
    "--break",
    "breaks",
    is_flag=True,
    help="At the end, install a broken release of the app, to show that it is refused.",
)
@click.option(
    "--env",
    "-e",
    "pairs",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a variable of the app before its first start (repeatable).",
)
@click.option(
    "--env-file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Set the variables in FILE, such as .env.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="Serve the page on this port of 127.0.0.1, too.",
)
@click.option("--keep", is_flag=True, help="Keep the machine running until Ctrl-C, also after an error.")
def try_(debs: tuple[Path, ...], *, pairs: tuple[str, ...], env_file: Path | None, **more: Any) -> None:
    """Boot a Debian, install the DEB in it, and show the page.

    apt installs the DEB. If you name several DEBs, apt installs the one for this machine. A COMMAND after
    -- runs inside the booted Debian, also if the app is refused.
    """
    from debonair import trial
    from debonair.trial import variables

    given = (variables.read(env_file) if env_file else {}) | variables.pairs(pairs)
    command = click.get_current_context().meta.get(_COMMAND, ())
    options = trial.Options(variables=given, command=command, **more)
    status = trial.try_deb(debs, options, complain=output.complain, cache=cache(), environ=os.environ)
    if not status and not command and output.attended():
        # The deb for this machine is rarely the one for the Pi.
        name = debs[0].with_name(f"{debs[0].stem.rpartition('_')[0]}_arm64.deb")
        say(f"Next: scp {shlex.quote(str(name))} pi@raspberrypi.local:")
        say(f"      ssh pi@raspberrypi.local sudo apt install --yes ./{shlex.quote(name.name)}")
    click.get_current_context().exit(status)
