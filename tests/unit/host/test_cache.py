from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from debonair.errors import MachineError
from debonair.host.cache import Cache, disk, whole


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def half_write(path: Path, error: BaseException) -> None:
    with whole(path) as temporary:
        temporary.write_bytes(b"half")
        raise error


class TestCache:
    @pytest.mark.parametrize(
        ("environ", "root"),
        [
            ({"DEBONAIR_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
            ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/debonair"),
            ({"DEBONAIR_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/debonair"),
            ({}, "/.cache/debonair"),
        ],
    )
    def test_where_it_is(self, environ: dict[str, str], root: str) -> None:
        assert Cache.of(environ).root == Path(root)

    def test_a_relative_place_is_made_absolute(self) -> None:
        assert Cache.of({"DEBONAIR_CACHE": "c"}).root == Path.cwd() / "c"

    def test_folders_are_made(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path / "a/b")
        assert not cache.root.exists()
        assert cache.folder("wheels") == cache.folder("wheels") == tmp_path / "a/b/wheels"
        assert cache.folder("wheels").is_dir()

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(
            MachineError, match=r"cannot be written: a part of its path is a file, not a folder\."
        ):
            Cache(tmp_path / "file").folder("wheels")
        with pytest.raises(
            MachineError, match=r"cannot be written: a part of its path is a file, not a folder\."
        ):
            Cache(tmp_path).folder("file")


class TestWhole:
    def test_appears_complete(self, tmp_path: Path) -> None:
        path = tmp_path / "new/x.deb"
        with whole(path) as temporary:
            assert temporary.parent == path.parent
            temporary.write_bytes(b"half")
            assert not path.exists()
            temporary.write_bytes(b"whole")
        assert path.read_bytes() == b"whole"
        assert listed(path.parent) == ["x.deb"]

    @pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
    def test_the_mode_is_that_of_any_new_file(self, umask: int, mode: int, tmp_path: Path) -> None:
        before = os.umask(umask)
        try:
            with whole(tmp_path / "x") as temporary:
                temporary.write_bytes(b"")
            assert os.umask(umask) == umask
        finally:
            os.umask(before)
        assert (tmp_path / "x").stat().st_mode & 0o777 == mode

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
    def test_nothing_is_left_if_it_fails(self, error: type[BaseException], tmp_path: Path) -> None:
        with pytest.raises(error):
            half_write(tmp_path / "x", error())
        assert listed(tmp_path) == []

    def test_what_was_there_stays_if_it_fails(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"before")
        with pytest.raises(ValueError, match="broken"):
            half_write(tmp_path / "x", ValueError("broken"))
        assert (tmp_path / "x").read_bytes() == b"before"
        assert listed(tmp_path) == ["x"]

    def test_a_body_that_takes_its_file_away(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError), whole(tmp_path / "x") as temporary:
            temporary.unlink()
        assert listed(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "There is no space left on the disk to write"),
        (errno.EDQUOT, "There is no space left on the disk to write"),
        (errno.EFBIG, "There is no space left on the disk to write"),
        (errno.EACCES, "is not writable: Permission denied."),
        (errno.EPERM, "is not writable: Operation not permitted."),
        (errno.EROFS, "is not writable: Read-only file system."),
        (errno.ENOTDIR, "cannot be written: a part of its path is a file, not a folder."),
    ],
)
def test_what_a_disk_refuses(number: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        half_write(tmp_path / "x", OSError(number, os.strerror(number)))
    assert message in caught.value.message
    assert str(tmp_path / "x") in caught.value.message
    assert "--out" in caught.value.hint
    assert "DEBONAIR_CACHE" in caught.value.hint
    assert listed(tmp_path) == []


def test_a_disk_that_is_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(MachineError, match="no space left"):
        Cache(tmp_path).folder("wheels")
    with pytest.raises(MachineError, match="no space left"), whole(tmp_path / "a/x"):
        pass


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(OSError, match="I/O"), disk(Path("x")):
        raise OSError(errno.EIO, "I/O")


class TestPermissions:
    @pytest.fixture(autouse=True)
    def _umask(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A umask that nobody may touch: it is one for all threads, and others make folders meanwhile."""
        mask = os.umask(0o027)
        with monkeypatch.context() as patched:
            patched.setattr(os, "umask", lambda mask: pytest.fail("the umask of all threads was changed"))
            yield
        os.umask(mask)

    def test_a_new_file_has_those_that_the_umask_leaves(self, tmp_path: Path) -> None:
        with whole(tmp_path / "new") as temporary:
            temporary.write_text("x")
        assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o640

    @pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
    def test_a_file_that_is_there_keeps_its_own(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "pyproject.toml"
        path.write_text("[project]")
        path.chmod(mode)
        with whole(path) as temporary:
            temporary.write_text("[project] # more")
        assert path.stat().st_mode & 0o7777 == mode
        assert [each.name for each in tmp_path.iterdir()] == ["pyproject.toml"]
