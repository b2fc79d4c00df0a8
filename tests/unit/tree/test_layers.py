from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from elfmaker import make_elf

from debonair.deb import xz
from debonair.deb.tree import Source
from debonair.errors import PackageError, WheelError
from debonair.host.cache import Cache
from debonair.tree.layers import ENOUGH, Made, Recipe, layers


def recipe(
    name: str,
    *inputs: str,
    make: Callable[[], list[Source]] | None = None,
    path: str = "",
    weight: int = ENOUGH,
) -> Recipe:
    made = make or (lambda: [Source.file(path or name, name.encode(), mtime=0)])
    return Recipe(name, inputs, made, weight)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def never() -> list[Source]:
    raise AssertionError("it was made again")


def names(found: list[Made]) -> list[str]:
    return [made.layer.name for made in found]


def test_layers_come_in_the_order_of_their_recipes(tmp_path: Path) -> None:
    gate = threading.Event()

    def late() -> list[Source]:
        gate.wait(5)
        return []

    def early() -> list[Source]:
        gate.set()
        return []

    recipes = [recipe("late", make=late), recipe("early", make=early)]
    # On a machine with one core nothing is made side by side.
    if os.cpu_count() == 1:
        gate.set()
    assert names(layers(recipes, Cache(tmp_path))) == ["late", "early"]


def test_what_was_made_once_is_taken_from_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = layers([recipe("a", "1"), recipe("b", "1")], cache)
    again = layers([recipe("b", "1", make=never), recipe("a", "1", make=never)], cache)
    assert again == first[::-1]
    assert first[0].layer.entries[0].path == "a"


def test_only_what_changed_is_made(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    layers([recipe("a", "1"), recipe("b", "1")], cache)
    found = layers([recipe("a", "1", make=never), recipe("b", "2", path="new")], cache)
    assert [made.layer.entries[0].path for made in found] == ["a", "new"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "1"), ("b", "1")),
        (("a", "1"), ("a", "2")),
        (("a", "1"), ("a", "1", "")),
        (("a", "1", "2"), ("a", "12")),
        (("a", "1", "2"), ("a", "2", "1")),
        (("a", 'x", "y'), ("a", "x", "y")),
    ],
)
def test_every_input_counts(one: tuple[str, ...], other: tuple[str, ...], tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    layers([recipe(*one)], cache)
    with pytest.raises(AssertionError, match="made again"):
        layers([recipe(*other, make=never)], cache)


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x93\xa1a"])
def test_a_damaged_layer_is_made_again(damage: bytes, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    made = layers([recipe("a")], cache)
    (kept,) = (tmp_path / "layers").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    assert layers([recipe("a")], cache) == made
    assert kept.read_bytes() == whole


def test_an_error_of_one_is_raised_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    def broken() -> list[Source]:
        raise WheelError("broken")

    with pytest.raises(WheelError, match="broken"):
        layers([recipe("good"), recipe("bad", make=broken)], Cache(tmp_path))
    assert len(listed(tmp_path / "layers")) == 1
    assert names(layers([recipe("good", make=never)], Cache(tmp_path))) == ["good"]


def test_a_path_that_climbs_out_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"Evil 1 has an entry '\.\./x'"):
        layers([recipe("Evil 1", path="../x")], Cache(tmp_path))
    assert listed(tmp_path / "layers") == []


def test_of_nothing_comes_nothing(tmp_path: Path) -> None:
    assert layers([], Cache(tmp_path)) == []


def blocks(found: list[Made]) -> str:
    """Return a letter for each layer, that of the first one in upper case where it begins a block."""
    parts = [made.layer for made in found]
    return "".join(part.name.upper() if part.block != xz.EMPTY else part.name for part in parts)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"a": 1, "b": 1, "c": 1}, "Abc"),
        ({"a": 1, "b": ENOUGH, "c": 1}, "ABc"),
        ({"a": ENOUGH - 1, "b": 1, "c": ENOUGH - 1, "d": 1}, "AbCd"),
        ({"a": ENOUGH - 1, "b": 1, "c": 1}, "Abc"),
        ({"a": ENOUGH, "b": 1, "c": ENOUGH}, "ABC"),
    ],
)
def test_what_is_light_shares_a_block(weights: dict[str, int], expected: str, tmp_path: Path) -> None:
    found = layers([recipe(name, weight=weight) for name, weight in weights.items()], Cache(tmp_path))
    assert blocks(found) == expected


def test_what_shares_a_block_is_made_again_together(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    layers([recipe("a", weight=1), recipe("b", weight=1), recipe("c")], cache)
    again = [recipe("a", "2", weight=1), recipe("b", path="new", weight=1), recipe("c", make=never)]
    assert [made.layer.entries[0].path for made in layers(again, cache)] == ["a", "new", "c"]


def test_what_is_compiled_is_known_from_the_cache_too(tmp_path: Path) -> None:
    def make() -> list[Source]:
        library = make_elf(needed=("libffi.so.8",))
        return [Source.file("x.so", library, mtime=0), Source.file("y", b"", mtime=0)]

    first = layers([recipe("a", make=make), recipe("b", weight=1)], Cache(tmp_path))
    again = layers([recipe("a", make=never), recipe("b", weight=1, make=never)], Cache(tmp_path))
    for found in (first, again):
        assert [file.needed for file in found[0].compiled] == [("libffi.so.8",)]
        assert found[1].compiled == ()
