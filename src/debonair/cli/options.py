"""The arguments and options that several verbs share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from debonair.host import sandbox
from debonair.host.cache import Cache
from debonair.host.usage import running

FOLDER = click.Path(path_type=Path)
DEB = click.Path(path_type=Path, dir_okay=False)


class TargetName(click.ParamType[str]):
    """The name of a target, which the shell can complete."""

    name = "target"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the targets whose names begin with ``incomplete``."""
        from debonair import target

        return [CompletionItem(name) for name in target.names() if name.startswith(incomplete)]


class Days(click.ParamType[int]):
    """A number of days: ``90d`` or ``90``."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of days."""
        found = re.fullmatch(r"(\d{1,5})d?", str(value))
        if found is None:
            self.fail(f"'{value}' is not a number of days, such as 90d.", param, ctx)
        return int(found[1])


def directory(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the folder of the project."""
    return click.argument("directory", type=FOLDER, default=Path())(function)


def target_option(text: str, *, multiple: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a verb the option that names a target, or several if ``multiple``; ``text`` is its help."""
    return click.option(
        "--target",
        "-t",
        type=TargetName(),
        multiple=multiple,
        help=text,
    )


def out_option(
    text: str, default: Path | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a verb the option that names the folder of its output; ``text`` is its help."""
    return click.option(
        "--out", "-o", metavar="DIR", type=FOLDER, default=default, show_default=True, help=text
    )


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _allow(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    """Set this option's environment variable, so that every stage and program sees it."""
    del context, option
    if value:
        os.environ[sandbox.VARIABLE] = "1"


unsandboxed = click.option(
    "--allow-unsandboxed-sdists",
    is_flag=True,
    expose_value=False,
    callback=_allow,
    help="Build sdists without a sandbox if this machine cannot create one. "
    "Their code then runs with all your permissions.",
)


def cache() -> Cache:
    """Return the cache of this account; until the verb ends, nothing that it uses is removed from there."""
    found, context = kept(), click.get_current_context()
    if str(found) not in context.meta:
        context.meta[str(found)] = context.with_resource(running(found))
    return found


def kept() -> Cache:
    """Return the cache of this account, for a verb that uses nothing in it."""
    return Cache.of(os.environ)
