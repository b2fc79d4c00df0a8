"""Files that several wheels contain. As with pip, the file of the last wheel is in the package."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec

from debonair.deb.tree import Layer, Source
from debonair.tree.layers import Recipe

_SHORT = re.compile(r".*/venv/(?:lib/[^/]+/site-packages/)?")
"""The part of a path that is the same for all files of a venv."""

Lost = Mapping[str, Mapping[str, str]]
"""The name of a layer, to its paths that a later layer has too, each with the name of that layer."""


def lost(wheels: Sequence[Layer]) -> Lost:
    """Return the paths of each of ``wheels`` that a later one replaces."""
    owners = dict[str, str]()
    found = dict[str, dict[str, str]]()
    for layer in reversed(wheels):
        for entry in layer.entries:
            if entry.kind != "dir" and owners.setdefault(entry.path, layer.name) != layer.name:
                found.setdefault(layer.name, {})[entry.path] = owners[entry.path]
    return found


def without(recipe: Recipe, paths: Mapping[str, str]) -> Recipe:
    """Return ``recipe`` without the files at ``paths``."""
    if not paths:
        return recipe
    inputs = [*recipe.inputs, *sorted(paths)]
    return msgspec.structs.replace(recipe, inputs=inputs, make=partial(_make, recipe, paths))


def notes(lost: Lost, deb: str) -> Iterator[str]:
    """Yield a sentence for each pair of wheels with the same files in ``deb``, the name of the deb."""
    for loser, paths in sorted(lost.items()):
        for winner in sorted(set(paths.values())):
            shared = [
                _SHORT.sub("", path)
                for path, owner in sorted(paths.items())
                if owner == winner and posixpath.basename(posixpath.dirname(path)) != "__pycache__"
            ]
            if not shared:
                continue
            more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
            yield (
                f"{loser} and {winner} both contain {shared[0]}{more}. {deb} has the files of {winner}, as "
                "pip would install them."
            )


def _make(recipe: Recipe, paths: Mapping[str, str]) -> list[Source]:
    return [source for source in recipe.make() if source.path not in paths]
