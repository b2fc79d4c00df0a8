"""Cached roots: made once, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from programs import Programs, stand_in

from debonair.debian.mirror import Mirror
from debonair.debian.rootfs import namespace
from debonair.debian.rootfs import root as root_files
from debonair.debian.rootfs.privilege import Privilege
from debonair.debian.rootfs.root import BARE, READY, Root, unpack
from debonair.errors import MachineError, NetworkError
from debonair.host.cache import Cache

MIRROR = Mirror("http://m.test/debian", settings=('Acquire::Retries "2"',))
ROOT = Privilege(root=True, mounts=True, chroots=True)
USER = Privilege(root=False, mounts=True, chroots=True)
CONTAINED = Privilege(root=True, mounts=False, chroots=True)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = stand_in(monkeypatch)

    def make(words: list[str]) -> None:
        Path(words[-2]).write_text("a tar")

    made.answer("mmdebstrap", do=make)
    monkeypatch.setattr(namespace, "users", lambda **_: nullcontext(("nsenter", "-t", "7", "-U", "--")))
    monkeypatch.setattr(namespace, "first", lambda: 0xABC)
    monkeypatch.setattr(os, "chown", lambda path, user, group: made.asked.append(f"chown {user} {group}"))
    return made


def asked(programs: Programs) -> list[str]:
    """The command lines that made roots, apt's left out."""
    return [line for line in programs.asked if "mmdebstrap" in line]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_its_name_tells_what_it_was_made_from() -> None:
    names = {
        Root("trixie", "amd64").name,
        Root("trixie", "arm64").name,
        Root("bookworm", "amd64").name,
        Root("trixie", "amd64", BARE).name,
    }
    assert len(names) == 4
    assert Root("trixie", "amd64", tuple(reversed(READY))).name == Root("trixie", "amd64").name


def test_it_is_made_once(cache: Cache, programs: Programs) -> None:
    root = Root("trixie", "amd64")
    assert not root.made(cache)
    assert root.tar(cache, MIRROR, ROOT).read_text() == "a tar"
    assert root.made(cache)
    assert root.tar(cache, MIRROR, ROOT) == cache.root / "roots" / f"{root.name}.tar"
    assert len(asked(programs)) == 1
    line = asked(programs)[0]
    assert "--mode=root" in line
    assert "canmount" not in line
    assert "deb http://m.test/debian trixie main" in line
    assert "--skip=update" in line
    assert 'Acquire::Retries "2"' in line


def test_the_lists_are_not_fetched_twice(cache: Cache, programs: Programs) -> None:
    lists = cache.root / "apt/trixie-amd64/lists"

    def update(words: list[str]) -> None:
        del words
        for name in ("m_InRelease", "m_main_binary-amd64_Packages", "lock"):
            (lists / name).touch()

    programs.answer(" update", do=update)
    Root("trixie", "amd64").tar(cache, MIRROR, ROOT)
    copied = f"copy-in {lists}/m_InRelease {lists}/m_main_binary-amd64_Packages /var/lib/apt/lists"
    assert f"'--setup-hook={copied}'" in asked(programs)[0]


def test_each_privilege_has_its_way(cache: Cache, programs: Programs) -> None:
    Root("trixie", "amd64").tar(cache, MIRROR, USER)
    Root("bookworm", "amd64").tar(cache, MIRROR, CONTAINED)
    assert "--mode=unshare" in asked(programs)[0]
    assert "--mode=root" in asked(programs)[1]
    assert "--skip=check/canmount" in asked(programs)[1]


@pytest.mark.parametrize(("kilobytes", "in_memory"), [(8 << 20, True), (900_000, False)])
def test_half_a_root_is_in_memory_if_there_is_enough(
    tmp_path: Path, kilobytes: int, *, in_memory: bool
) -> None:
    (tmp_path / "meminfo").write_text(f"MemFree: 7 kB\nMemAvailable:    {kilobytes} kB\n")
    words = root_files._apart(tmp_path, tmp_path / "meminfo")
    assert words[:3] == ["unshare", "--mount", "--"], "its mounts end with it"
    assert any("tmpfs" in word for word in words) == in_memory


def test_a_root_is_set_up_in_a_folder_that_is_removed(
    cache: Cache, programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """mmdebstrap has no time to remove its files itself, which belong to other users."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def interrupted(_: list[str]) -> None:
        (folder,) = tmp_path.glob("debonair-root.*")
        (folder / "mmdebstrap.x").mkdir()
        raise KeyboardInterrupt

    programs.answer("mmdebstrap --quiet", do=interrupted)
    programs.answer("rm -rf")
    with pytest.raises(KeyboardInterrupt):
        Root("trixie", "amd64").tar(cache, MIRROR, USER)
    assert programs.asked[-1].startswith("unshare --user --map-auto --map-root-user -- rm -rf")
    assert not list(tmp_path.glob("debonair-root.*"))


def test_what_a_trial_asks_with_is_not_autoremoved(cache: Cache, programs: Programs) -> None:
    Root("trixie", "amd64").tar(cache, MIRROR, ROOT)
    Root("trixie", "amd64", BARE).tar(cache, MIRROR, ROOT)
    marked = next(word for word in asked(programs)[0].split("'") if "apt-mark auto" in word)
    assert "nginx" in marked
    assert "curl" not in marked
    assert "apt-mark" not in asked(programs)[1]


@pytest.mark.parametrize(
    ("message", "kind"),
    [("E: Failed to fetch http://m.test", NetworkError), ("E: mount failed", MachineError)],
)
def test_a_root_that_fails_leaves_nothing(
    cache: Cache, programs: Programs, message: str, kind: type[Exception]
) -> None:
    programs.answer("mmdebstrap", message, status=25)
    with pytest.raises(kind, match=message):
        Root("trixie", "amd64").tar(cache, MIRROR, ROOT)
    assert not list((cache.root / "roots").iterdir())


def test_what_a_killed_process_left_is_cleared(cache: Cache, programs: Programs) -> None:
    del programs
    root = Root("trixie", "amd64")
    half = cache.folder("roots") / f".{root.name}.tar.abc"
    half.write_text("half")
    folder = cache.folder("roots") / f".{root.name}-abc.half"
    folder.mkdir()
    root.unpacked(cache, MIRROR, ROOT)
    assert not half.exists()
    assert not folder.exists()


def test_it_is_unpacked_once(cache: Cache, programs: Programs) -> None:
    root = Root("trixie", "amd64")
    folder = root.unpacked(cache, MIRROR, ROOT)
    assert folder == cache.root / "roots" / f"{root.name}-abc"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert root.unpacked(cache, MIRROR, ROOT) == folder
    tars = [line for line in programs.asked if "tar --extract" in line]
    assert len(tars) == 1
    assert tars[0].startswith("nsenter -t 7 -U -- tar --extract --numeric-owner")
    assert [line for line in programs.asked if "chown" in line] == ["chown 2748 2748", "chown 0 0"]


def test_a_root_half_unpacked_is_none(cache: Cache, programs: Programs) -> None:
    programs.answer("tar --extract", "no space", status=2)
    root = Root("trixie", "amd64")
    with pytest.raises(Exception, match="no space"):
        root.unpacked(cache, MIRROR, ROOT)
    assert not [path for path in (cache.root / "roots").iterdir() if path.is_dir()]


def test_devices_are_left_out_where_they_cannot_be_made(programs: Programs, tmp_path: Path) -> None:
    unpack(tmp_path / "x.tar", tmp_path, within=["nsenter", "--"], devices=False)
    assert programs.asked[0].startswith("nsenter -- tar ")
    assert "--exclude=./dev/*" in programs.asked[0].replace("'", "")
