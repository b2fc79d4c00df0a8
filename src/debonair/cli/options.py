"""Arguments and options that several verbs take."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from debonair.host import sandbox
from debonair.host.cache import Cache

FOLDER = click.Path(path_type=Path)
DEB = click.Path(path_type=Path, dir_okay=False)


class TargetName(click.ParamType[str]):
    """The name of a target, completed by the shell."""

    name = "target"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the targets whose name begins so."""
        from debonair import target

        return [CompletionItem(name) for name in target.names() if name.startswith(incomplete)]


def directory(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the folder of the project."""
    return click.argument("directory", type=FOLDER, default=Path())(function)


def target_option(*, multiple: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a verb the option that names a target."""
    return click.option(
        "--target",
        "-t",
        type=TargetName(),
        multiple=multiple,
        help="Where it will run, such as trixie-arm64" + (" (repeatable)." if multiple else "."),
    )


def _allow(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    """Set the variable of this option for all that runs by this process's environment."""
    del context, option
    if value:
        os.environ[sandbox.VARIABLE] = "1"


unsandboxed = click.option(
    "--allow-unsandboxed-sdists",
    is_flag=True,
    expose_value=False,
    callback=_allow,
    help="Where no sandbox can be made, build sdists without: their code may do what you may.",
)


def cache() -> Cache:
    """Return the cache of this account."""
    return Cache.of(os.environ)
