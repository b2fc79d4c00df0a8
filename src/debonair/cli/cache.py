"""The verbs of ``debonair cache``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
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


@click.command(cls=Verb, examples=("debonair cache info", "debonair cache info --json"))
@options.as_json
def info(*, as_json: bool) -> None:
    """Show what is in the cache, and how much disk space it takes."""
    from debonair.host import space

    here = options.kept()
    found = list(space.items(here))
    if as_json:
        show(_document(here.root, found))
        return
    show(here.root)
    _list(found)


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
@options.as_json
def prune(*, older_than: int, dry_run: bool, as_json: bool) -> None:
    """Remove old items from the cache.

    Everything that a running command uses stays.
    """
    from debonair.host import clock, space

    here = options.kept()
    removed, stayed = space.prune(here, clock.wall_time() - older_than * _DAY, dry_run=dry_run)
    if as_json:
        show(_document(here.root, removed))
    else:
        show(f"{here.root}: {'would be removed' if dry_run else 'removed'}")
        _list(removed)
    if stayed:
        raise MachineError(
            f"{len(stayed)} items may not be removed by this user, such as {stayed[0].path}.",
            hint="A build as root made them. Remove them as root, with the same cache: sudo "
            f"DEBONAIR_CACHE={here.root} debonair cache prune --older-than {older_than}",
        )


def _document(root: Path, items: Iterable[Item]) -> str:
    """Return ``items`` of the cache in ``root`` as JSON, their sum for each kind."""
    sizes = dict[tuple[str, str], list[int]]()
    for item in items:
        sizes.setdefault((item.kind.name, item.kind.what), []).append(item.size)
    rows = [
        {"kind": kind, "what": what, "items": len(found), "size": sum(found)}
        for (kind, what), found in sizes.items()
    ]
    return json.dumps({"folder": str(root), "kinds": rows}, indent=2)


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
