"""The arguments and options that several verbs of ``debonair repo`` share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, dir_okay=False)
CHANNEL = click.Choice(["stable", "testing"])
PERCENT = click.IntRange(0, 100)


class Days(click.ParamType[int]):
    """A number of days: ``90d`` or ``90``."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of days."""
        found = re.fullmatch(r"(\d{1,5})d?", str(value))
        if found is None:
            self.fail(f"'{value}' is not a number of days, such as 90d.", param, ctx)
        return int(found[1])


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
