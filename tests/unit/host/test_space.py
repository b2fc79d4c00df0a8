"""The cache is freed of what nobody uses, and of nothing else."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from debonair.host import memo, space
from debonair.host.cache import Cache
from debonair.host.file_lock import making
from debonair.host.usage import running, used
from debonair.lock.download import place
from debonair.lock.model import File

HASH = "0123456789abcdef" * 4
DAY = 86_400
NOW = time.time()
NAMES = {
    "apt": ["trixie-arm64", "trixie-arm64.libraries"],
    "collected": [HASH],
    "emulators": ["qemu-arm", "qemu-aarch64", ".unpacking-x_1"],
    "layers": [HASH, f".{HASH}.0badcafe"],
    "layers-being-made": ["0f"],
    "libraries": [HASH, f"{HASH}.probed"],
    "locks": [
        f"{HASH}.chosen",
        f"{HASH}.lock",
        f".{HASH}.built.lock",
        "build-x.lock",
        "trixie-armhf.libraries",
    ],
    "pythons": ["3.13.found", "3.13-complete.json", "bookworm-amd64-0123456789ab"],
    "roots": [f"trixie-amd64-0123456789ab{end}" for end in (".tar", "-70000000", ".lock", "")],
    "texts": [HASH],
    "wheels": [HASH, ".removed-0badcafe"],
}
"""The names that Debonair gives in each folder."""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def put(cache: Cache, name: str, *, days: float, folder: bool = False) -> Path:
    """Put an item into the cache that was last used ``days`` ago."""
    path = cache.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        (path / "a/b").mkdir(parents=True)
        (path / "a/b/file").write_bytes(b"x" * 100_000)
    else:
        path.write_bytes(b"x" * 100_000)
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    return path


def pruned(cache: Cache, days: float, *, dry_run: bool = False) -> list[str]:
    removed, stayed = space.prune(cache, NOW - days * DAY, dry_run=dry_run)
    assert stayed == []
    return [item.path.relative_to(cache.root).as_posix() for item in removed]


def test_every_kind_is_found_and_removed(cache: Cache) -> None:
    for kind, names in NAMES.items():
        for name in names:
            put(cache, f"{kind}/{name}", days=10)
    everything = sorted(f"{kind}/{name}" for kind, names in NAMES.items() for name in names)
    assert sorted(item.path.relative_to(cache.root).as_posix() for item in space.items(cache)) == everything
    assert sorted(pruned(cache, 5, dry_run=True)) == everything
    assert sorted(pruned(cache, 5)) == everything
    assert list(space.items(cache)) == []


def test_every_folder_of_the_cache_is_a_kind(cache: Cache) -> None:
    source = Path(space.__file__).parents[1]
    texts = [path.read_text() for path in source.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r'cache\.folder\("([a-z-]+)"\)', text)}
    assert {"apt", "layers", "locks", "roots"} <= named
    named.add(place(File("x.whl", HASH), cache).relative_to(cache.root).parts[0])
    assert named | {"layers-being-made"} == {kind.name for kind in space.KINDS}


def test_what_was_used_since_stays(cache: Cache) -> None:
    old, new = put(cache, f"layers/{HASH}", days=31), put(cache, f"collected/{HASH}", days=29)
    assert pruned(cache, 30) == [f"layers/{HASH}"]
    assert (old.exists(), new.exists()) == (False, True)


def test_folders_go_with_all_that_is_in_them(cache: Cache) -> None:
    put(cache, f"wheels/{HASH}", days=31, folder=True)
    (item,) = space.items(cache)
    assert 100_000 <= item.size < 200_000
    assert pruned(cache, 30) == [f"wheels/{HASH}"]
    assert list((cache.root / "wheels").iterdir()) == []


def test_a_use_is_noted(cache: Cache) -> None:
    path = put(cache, f"wheels/{HASH}", days=31, folder=True)
    assert used(path / "a/b/file", cache)
    assert not used(path / "a/b/none", cache)
    assert pruned(cache, 30) == []


def test_a_memo_notes_its_use(cache: Cache) -> None:
    path = cache.folder("locks") / f"{HASH}.chosen"
    memo.keep(path, "value")
    os.utime(path, (0, 0))
    assert memo.recall(path, str, cache) == "value"
    assert pruned(cache, 30) == []


def test_what_a_running_command_used_stays(cache: Cache) -> None:
    with running(cache):
        (began,) = (cache.root / ".running").iterdir()
        os.utime(began, (NOW - 20 * DAY, NOW - 20 * DAY))
        put(cache, f"layers/{HASH}", days=19)
        put(cache, f"collected/{HASH}", days=21)
        assert pruned(cache, 10) == [f"collected/{HASH}"]
    assert pruned(cache, 10) == [f"layers/{HASH}"]


def test_a_command_that_was_killed_holds_nothing(cache: Cache) -> None:
    put(cache, f"layers/{HASH}", days=19)
    put(cache, ".running/0badcafe", days=20)
    assert pruned(cache, 10) == [f"layers/{HASH}"]
    assert not (cache.root / ".running/0badcafe").exists()


@pytest.mark.parametrize(
    "name", [f"layers/{HASH}", "apt/trixie-arm64", "roots/trixie-amd64-0123456789ab.tar"]
)
def test_what_is_being_made_stays(cache: Cache, name: str) -> None:
    path = put(cache, name, days=31)
    with making(path):
        half = put(cache, f"{path.parent.name}/.{path.name}.0badcafe", days=31)
        lock = path.with_name(f".{path.name}.lock")
        os.utime(lock, (0, 0))
        assert pruned(cache, 30) == []
    assert half.exists()
    assert sorted(pruned(cache, 30)) == sorted([name, f"{path.parent.name}/{half.name}"])


def test_what_is_used_in_the_last_moment_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(cache, f"layers/{HASH}", days=31)

    def holds(folder: object, name: str) -> bool:
        del folder, name
        return not used(path, cache)

    monkeypatch.setattr(space._Folder, "holds", holds)
    assert pruned(cache, 30) == []
    assert path.exists()


def test_nothing_else_is_touched(cache: Cache, tmp_path: Path) -> None:
    others = [
        put(cache, name, days=31)
        for name in (
            "letter",
            f"{HASH}",
            "wheels/letter",
            "roots/home",
            "photos/x",
            "apt/README",
            "layers/.x",
        )
    ]
    assert pruned(cache, 0) == []
    assert all(path.exists() for path in others)
    assert list(space.items(cache)) == []
    assert tmp_path.exists()


def test_no_link_is_followed(cache: Cache, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    kept = [put(Cache(outside), name, days=31) for name in (HASH, f"layers/{HASH}")]
    (cache.folder("wheels") / HASH).symlink_to(outside)
    (cache.folder("libraries") / HASH).symlink_to(kept[0])
    (cache.root / "layers").symlink_to(outside / "layers")
    inside = put(cache, "roots/trixie-amd64-0123456789ab-70000000", days=31, folder=True)
    (inside / "a/link").symlink_to(outside)
    os.utime(inside, (0, 0))
    assert pruned(cache, 0) == ["roots/trixie-amd64-0123456789ab-70000000"]
    assert all(path.exists() for path in kept)


def test_a_file_that_may_not_be_removed_is_told(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cache, f"wheels/{HASH}", days=31, folder=True)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr("shutil.rmtree", refuse)
    removed, stayed = space.prune(cache, NOW - 30 * DAY)
    assert removed == []
    assert [item.path for item in stayed] == [cache.root / "wheels" / HASH]
    monkeypatch.undo()
    assert len(pruned(cache, 30)) == 1
    assert list((cache.root / "wheels").iterdir()) == []


def test_there_is_no_cache(cache: Cache) -> None:
    assert pruned(cache, 0) == []
    assert list(space.items(cache)) == []
    assert not cache.root.exists()
