from __future__ import annotations

from pathlib import Path

import pytest

from debonair.debian import offered
from debonair.host.cache import Cache


def lists(folder: Path, host: str, origin: str, *names: str) -> None:
    """Write the lists of a suite, as apt keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{host}_debian_dists_trixie_InRelease").write_text(f"Label: x\nOrigin: {origin}\nSuite: x\n")
    stanzas = "\n".join(f"Package: {name}\nVersion: 1\n" for name in names)
    (folder / f"{host}_debian_dists_trixie_main_binary-arm64_Packages").write_text(stanzas)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache.of({"DEBONAIR_CACHE": str(tmp_path / "cache")})


def test_what_debian_has(tmp_path: Path, cache: Cache) -> None:
    wanted = ["bash", "libc6", "gpiod", "guestbook", "apt", "ib"]
    assert offered.packages(wanted, cache=cache, root=tmp_path) == set()
    lists(cache.folder("apt") / "trixie-arm64/lists", "mirror.example", "Debian", "bash", "libc6", "zlib1g")
    lists(tmp_path / "var/lib/apt/lists", "archive.raspberrypi.com", "Raspberry Pi Foundation", "gpiod")
    lists(tmp_path / "var/lib/apt/lists", "apt.example.org", "acme", "guestbook", "apt")
    assert offered.packages(wanted, cache=cache, root=tmp_path) == {"bash", "libc6", "gpiod"}


def test_lists_that_are_empty_or_lack_a_release(tmp_path: Path, cache: Cache) -> None:
    folder = tmp_path / "var/lib/apt/lists"
    lists(folder, "mirror.example", "Debian")
    lists(folder, "other", "Debian", "bash")
    (folder / "other_debian_dists_trixie_InRelease").unlink()
    assert offered.packages(["bash"], cache=cache, root=tmp_path) == set()


def test_a_name_is_looked_up_once(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "var/lib/apt/lists"
    lists(folder, "mirror.example", "Debian", "hello")
    assert offered.has("hello", cache=cache, root=tmp_path)
    assert not offered.has("guestbook", cache=cache, root=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(offered, "packages", None)
        assert offered.has("hello", cache=cache, root=tmp_path)
        assert not offered.has("guestbook", cache=cache, root=tmp_path)
    lists(folder, "mirror.example", "Debian", "hello", "guestbook")
    assert offered.has("guestbook", cache=cache, root=tmp_path)
