"""The arguments and options that several verbs of ``debonair repo`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, dir_okay=False)
CHANNEL = click.Choice(["stable", "testing"])
PERCENT = click.IntRange(0, 100)


def reviewed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb whose changes reach machines the options ``--dry-run`` and ``--yes``."""
    for option in (
        click.option(
            "--yes", "-y", is_flag=True, help="Do not ask. Without a terminal, this is the default."
        ),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    ):
        function = option(function)
    return function


def channel_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the option that names a channel."""
    return click.option(
        "--channel",
        type=CHANNEL,
        default="stable",
        show_default=True,
        help="Change the suites of this channel.",
    )(function)


def suite_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the option that names a suite."""
    return click.option(
        "--suite", metavar="SUITE", help="Change only this suite of Debian, such as trixie."
    )(function)


def percent_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--percent``, the share of the machines that may take a version, to a verb."""
    return click.option(
        "--percent",
        type=PERCENT,
        metavar="N",
        default=100,
        show_default=True,
        help="Offer the version to N percent of the machines.",
    )(function)
