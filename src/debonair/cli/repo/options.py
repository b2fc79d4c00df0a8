"""Arguments and options that several verbs of ``debonair repo`` take."""

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
    """A time in days: ``90d`` or ``90``."""

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
        "--channel", type=CHANNEL, default="stable", show_default=True, help="Whose suites are meant."
    )(function)


def suite_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the option that names a suite."""
    return click.option("--suite", metavar="SUITE", help="Only this suite of Debian, such as trixie.")(
        function
    )
