"""Whatever the cache keeps is made once, by whichever of several builds comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from debonair.host import memo
from debonair.host.cache import Cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def side_by_side(cache: Cache, build: Callable[[], object]) -> list[object]:
    """What two builds return that are under way together."""
    del cache
    with ThreadPoolExecutor(2) as pool:
        return [job.result() for job in [pool.submit(build) for _ in range(2)]]


class Maker:
    """Makes a value, and gives another maker the time to begin as well."""

    def __init__(self) -> None:
        self.made = 0
        self._both = threading.Barrier(2, timeout=0.3)

    def value(self) -> str:
        self.made += 1
        with suppress(threading.BrokenBarrierError):
            self._both.wait()
        return f"value {self.made}"

    def file(self, path: Path) -> None:
        path.write_text(self.value())

    def folder(self, path: Path) -> None:
        (path / "file").write_text(self.value())


def test_a_value_is_made_once(cache: Cache) -> None:
    maker, place = Maker(), cache.folder("locks") / "key"
    made = side_by_side(cache, lambda: memo.remember(place, str, maker.value, cache))
    assert made == ["value 1", "value 1"]
    assert memo.remember(place, str, maker.value, cache) == "value 1"
    assert [path.name for path in cache.folder("locks").iterdir()] == ["key"]


def test_a_file_is_made_once(cache: Cache) -> None:
    maker, place = Maker(), cache.folder("roots") / "x.tar"
    assert side_by_side(cache, lambda: memo.file(place, maker.file, cache)) == [place, place]
    assert memo.file(place, maker.file, cache).read_text() == "value 1"
    assert [path.name for path in place.parent.iterdir()] == ["x.tar"]


def test_a_folder_is_made_once(cache: Cache) -> None:
    maker, place = Maker(), cache.folder("roots") / "x"
    assert side_by_side(cache, lambda: memo.folder(place, maker.folder, cache)) == [place, place]
    assert (memo.folder(place, maker.folder, cache) / "file").read_text() == "value 1"
    assert [path.name for path in place.parent.iterdir()] == ["x"]


def test_two_keys_do_not_wait_for_each_other(cache: Cache) -> None:
    both = threading.Barrier(2, timeout=10)  # broken unless two are made side by side

    def make() -> int:
        return both.wait()

    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(memo.remember, cache.folder("locks") / key, int, make, cache) for key in ("a", "b")
        ]
        assert sorted(job.result() for job in jobs) == [0, 1]


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x01"])
def test_a_damaged_value_is_made_again(cache: Cache, data: bytes) -> None:
    place = cache.folder("locks") / "key"
    place.write_bytes(data)
    assert memo.recall(place, str, cache) is None
    assert memo.remember(place, str, lambda: "new", cache) == "new"
    assert memo.recall(place, str, cache) == "new"


def test_a_value_that_does_not_fit_is_made_again(cache: Cache) -> None:
    place = cache.folder("locks") / "key"
    memo.keep(place, "old")
    assert memo.remember(place, str, lambda: "new", cache, fits=lambda value: value != "old") == "new"
    assert memo.remember(place, str, lambda: "newer", cache) == "new"


def test_none_is_not_kept(cache: Cache) -> None:
    place = cache.folder("locks") / "key"
    none: str | None = None
    assert memo.remember(place, str, lambda: none, cache) is None
    assert not list(place.parent.iterdir())


def test_nothing_is_kept_if_it_fails(cache: Cache) -> None:
    def fail(*_: object) -> str:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        memo.remember(cache.folder("locks") / "key", str, fail, cache)
    with pytest.raises(ValueError, match="broken"):
        memo.file(cache.folder("locks") / "file", fail, cache)
    with pytest.raises(ValueError, match="broken"):
        memo.folder(cache.folder("locks") / "folder", fail, cache)
    assert not list(cache.folder("locks").iterdir())


def test_a_place_that_making_changes(cache: Cache) -> None:
    state = ["before"]

    def make() -> str:
        state[0] = "after"
        return "made"

    def place() -> Path:
        return cache.folder("locks") / state[0]

    assert memo.remember(place, str, make, cache, lock=cache.folder("locks") / "lock") == "made"
    assert [path.name for path in cache.folder("locks").iterdir()] == ["after"]
    assert memo.remember(place, str, lambda: "again", cache, lock=cache.folder("locks") / "lock") == "made"
