"""Layers of a package that are made once and kept: packed, summed and compressed.

A layer is kept under the hash of everything that its bytes depend on. Nothing of an application's version
or time is among that, so its next release takes them as they are. What is small is compressed together.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from debonair.deb import tree
from debonair.deb.tree import Layer, Source
from debonair.host import decoder
from debonair.host.cache import Cache, whole
from debonair.host.file_lock import exclusive
from debonair.host.progress import progress
from debonair.target import elf

ENOUGH = 500_000
"""Bytes, compressed, that are worth a block of their own.

A block cannot refer back to another, which costs each some 10 to 30 kB: 7 % of a package of seven small
wheels. What shares a block is made again with it, which takes about two seconds for as much as this.
"""
_FORMAT = 6
"""Raised whenever the same inputs would make other bytes than before."""


class Recipe(msgspec.Struct, frozen=True):
    """How one layer is made, and what its bytes depend on."""

    name: str
    inputs: Sequence[str]
    """Everything that the bytes depend on: hashes, versions, paths."""
    make: Callable[[], Iterable[Source]]
    weight: int = ENOUGH
    """About how many bytes it compresses to; with ``ENOUGH`` it shares its block with nothing."""


class Made(msgspec.Struct, frozen=True):
    """A layer, and what there is to know of it without its bytes."""

    layer: Layer
    compiled: tuple[elf.Elf, ...]
    """Its ELF files."""


def layers(recipes: Sequence[Recipe], cache: Cache) -> list[Made]:
    """Return the layers of ``recipes`` in their order, made side by side where they are not kept yet.

    Raises ``PackageError`` for a compiled file that cannot be read, and whatever a recipe does.
    """
    folder = cache.folder("layers")
    groups = _groups(recipes)
    batches = [[recipes[number] for number in group] for group in groups]
    places = [folder / _key(batch) for batch in batches]
    found = [_load(path) if path.exists() else None for path in places]
    missing = [number for number, made in enumerate(found) if made is None]
    # The heaviest first, so that none is left to a single core in the end.
    missing.sort(key=lambda number: -sum(recipe.weight for recipe in batches[number]))
    if missing:
        with (
            progress("Packing", len(missing)) as bar,
            ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,  # xz and Python both leave the GIL
        ):
            jobs = {number: pool.submit(_made, batches[number], places[number]) for number in missing}
            for number, job in jobs.items():
                found[number] = made = job.result()
                bar.advance(text=", ".join(part.layer.name for part in made))
    made_of = {
        number: part
        for group, made in zip(groups, found, strict=True)
        for number, part in zip(group, made or (), strict=True)
    }
    return [made_of[number] for number in range(len(recipes))]


def _groups(recipes: Sequence[Recipe]) -> list[list[int]]:
    """Return the numbers of ``recipes`` in groups that share a block: what is light, until it is enough."""
    groups: list[list[int]] = []
    alone: list[list[int]] = []
    weight = ENOUGH
    for number, recipe in enumerate(recipes):
        if recipe.weight >= ENOUGH:
            alone.append([number])
            continue
        if weight >= ENOUGH:
            groups.append([])
            weight = 0
        groups[-1].append(number)
        weight += recipe.weight
    if weight < ENOUGH and len(groups) > 1:
        rest = groups.pop()
        groups[-1] += rest
    return [*groups, *alone]


def compiled(sources: Iterable[Source]) -> tuple[elf.Elf, ...]:
    """Return what the ELF files among ``sources`` ask of a machine."""
    return tuple(
        elf.read(source.path, source.data) for source in sources if source.data.startswith(elf.MAGIC)
    )


def _made(recipes: Sequence[Recipe], place: Path) -> tuple[Made, ...]:
    """Make the layers of ``recipes`` and keep them at ``place``; of two that want the same one waits."""
    with exclusive(place.parent.with_name("layers-being-made") / place.name[:2]):
        if place.exists() and (kept := _load(place)):
            return kept
        made = _make(recipes)
        with whole(place) as temporary:
            temporary.write_bytes(msgspec.msgpack.encode(made))
    return made


def _make(recipes: Sequence[Recipe]) -> tuple[Made, ...]:
    parts = [(recipe.name, list(recipe.make())) for recipe in recipes]
    packed = tree.shared(parts)
    return tuple(Made(layer, compiled(sources)) for layer, (_, sources) in zip(packed, parts, strict=True))


def _key(recipes: Sequence[Recipe]) -> str:
    inputs = [[recipe.name, *recipe.inputs] for recipe in recipes]
    return hashlib.sha256(json.dumps([_FORMAT, *inputs]).encode()).hexdigest()


def _load(path: Path) -> tuple[Made, ...] | None:
    try:
        return decoder.unpacked(path.read_bytes(), tuple[Made, ...])
    except (msgspec.DecodeError, OSError):
        return None  # damaged: made again
