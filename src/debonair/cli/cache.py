"""The verbs of ``debonair cache``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from debonair.cli import options
from debonair.cli.command import Verb, Verbs
from debonair.cli.options import Days
from debonair.cli.output import show, size
from debonair.errors import MachineError

if TYPE_CHECKING:
    from debonair.host.space import Item

_DAY = 86_400


@click.group(
    cls=Verbs,
    examples=("debonair cache info", "debonair cache prune --older-than 30d"),
)
def cache() -> None:
    """Show and free the disk space of the cache.

    Debonair fetches or makes everything in the cache again when it needs it.
    """


@click.command(cls=Verb, examples=("debonair cache info",))
def info() -> None:
    """Show what is in the cache, and how much disk space it takes."""
    from debonair.host import space

    here = options.kept()
    show(here.root)
    _list(space.items(here))


@click.command(
    cls=Verb,
    examples=(
        "debonair cache prune --older-than 30d --dry-run",
        "debonair cache prune --older-than 30d",
    ),
)
@click.option(
    "--older-than",
    metavar="DAYS",
    type=Days(),
    required=True,
    help="Remove everything that no command has used for this many days, such as 30.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
def prune(*, older_than: int, dry_run: bool) -> None:
    """Remove old items from the cache.

    Everything that a running command uses stays.
    """
    from debonair.host import clock, space

    here = options.kept()
    removed, stayed = space.prune(here, clock.wall_time() - older_than * _DAY, dry_run=dry_run)
    show(f"{here.root}: {'would be removed' if dry_run else 'removed'}")
    _list(removed)
    if stayed:
        raise MachineError(
            f"{len(stayed)} items may not be removed by this user, such as {stayed[0].path}.",
            hint="A build as root made them. Remove them as root, with the same cache: sudo "
            f"DEBONAIR_CACHE={here.root} debonair cache prune --older-than {older_than}",
        )


def _list(items: Iterable[Item]) -> None:
    """Print a line for each kind among ``items``, and their sum."""
    kinds = dict[str, tuple[str, int, int]]()
    for item in items:
        _, count, bytes_ = kinds.get(item.kind.name, ("", 0, 0))
        kinds[item.kind.name] = (item.kind.what, count + 1, bytes_ + item.size)
    total = ("", sum(count for _, count, _ in kinds.values()), sum(bytes_ for *_, bytes_ in kinds.values()))
    for name, (what, count, bytes_) in {**kinds, "total": total}.items():
        items_ = "item " if count == 1 else "items"
        show(f"{name:<18}{size(bytes_):>10}  {count:>6} {items_}  {what}".rstrip())


cache.add_section("Verbs", info, prune)
