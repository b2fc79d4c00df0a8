"""The layers of a package, which the cache keeps: packed, hashed and compressed.

The key of a layer is the hash of everything that its bytes depend on. An application's version and time are
not among it, so the next release reuses the layers. Small layers are compressed together.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from debonair.deb import tree
from debonair.deb.tree import Layer, Source
from debonair.host.cache import Cache
from debonair.host.interruption import threads
from debonair.host.memo import recall, remember
from debonair.host.progress import progress
from debonair.target import elf

ENOUGH = 500_000
"""Compressed bytes that are worth a block of their own.

A block cannot refer back to another, which costs each some 10 to 30 kB: 7 % of a package of seven small
wheels. If one layer of a block changes, the whole block is made again, which takes about two seconds for
this many bytes.
"""
_FORMAT = 6
"""Raise it whenever the same inputs would give different bytes than before."""


class Recipe(msgspec.Struct, frozen=True):
    """The instructions for one layer, and the inputs that its bytes depend on."""

    name: str
    inputs: Sequence[str]
    """Everything that the bytes depend on: hashes, versions, paths."""
    make: Callable[[], Iterable[Source]]
    weight: int = ENOUGH
    """Approximate compressed bytes; a layer of ``ENOUGH`` or more has a block of its own."""


class Made(msgspec.Struct, frozen=True):
    """A layer, and everything that must be known of it without its bytes."""

    layer: Layer
    compiled: tuple[elf.Elf, ...]
    """Its ELF files."""


def layers(recipes: Sequence[Recipe], cache: Cache) -> list[Made]:
    """Return the layers of ``recipes`` in their order; missing ones are made in parallel.

    Raises ``PackageError`` for a compiled file that cannot be read, and whatever a recipe raises.
    """
    folder = cache.folder("layers")
    groups = _groups(recipes)
    batches = [[recipes[number] for number in group] for group in groups]
    places = [folder / _key(batch) for batch in batches]
    found = [recall(path, tuple[Made, ...], cache) for path in places]
    missing = [number for number, made in enumerate(found) if made is None]
    # The heaviest first, so that a single core does not end up with a heavy one alone.
    missing.sort(key=lambda number: -sum(recipe.weight for recipe in batches[number]))
    if missing:
        with (
            progress("Packing", len(missing)) as bar,
            threads(os.cpu_count()) as pool,  # xz and Python both release the GIL
        ):
            jobs = {
                number: pool.submit(
                    remember, places[number], tuple[Made, ...], partial(_make, batches[number]), cache
                )
                for number in missing
            }
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
    """Return the numbers of ``recipes`` in groups that share a block: light ones, until they are enough."""
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
    """Return the machine requirements of the ELF files among ``sources``."""
    return tuple(
        elf.read(source.path, source.data) for source in sources if source.data.startswith(elf.MAGIC)
    )


def _make(recipes: Sequence[Recipe]) -> tuple[Made, ...]:
    parts = [(recipe.name, list(recipe.make())) for recipe in recipes]
    packed = tree.shared(parts)
    return tuple(Made(layer, compiled(sources)) for layer, (_, sources) in zip(packed, parts, strict=True))


def _key(recipes: Sequence[Recipe]) -> str:
    inputs = [[recipe.name, *recipe.inputs] for recipe in recipes]
    return hashlib.sha256(json.dumps([_FORMAT, *inputs]).encode()).hexdigest()
