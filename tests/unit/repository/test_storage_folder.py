from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from debonair.errors import MachineError
from debonair.repository.storage.folder import Folder
from debonair.repository.storage.protocol import Conflict


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "apt")


def listed(folder: Folder) -> list[str]:
    return sorted(str(path.relative_to(folder.root)) for path in folder.root.rglob("*") if path.is_file())


def test_what_never_changes(folder: Folder) -> None:
    assert folder.add("a/b", b"1")
    os.utime(folder.root / "a/b", (1, 1))
    assert not folder.add("a/b", b"2")
    assert (folder.root / "a/b").stat().st_mtime > 1, "it is wanted again"
    found = folder.read("a/b", 1 << 20)
    assert found is not None
    assert found.data == b"1"
    assert folder.size("a/b") == 1
    assert (folder.root / "a/b").stat().st_mode & 0o777 == 0o644
    assert listed(folder) == ["a/b"]


def test_what_is_not_there(folder: Folder) -> None:
    folder.add("a", b"")
    for path in ("x", "a/b"):
        assert folder.read(path, 1 << 20) is None
        assert folder.size(path) is None
    folder.remove("x")
    assert str(folder) == str(folder.root)


def test_another_writer_was_faster(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> NoReturn:
        raise FileExistsError

    monkeypatch.setattr(os, "link", taken)
    for nameless in (True, False):
        folder._nameless = nameless
        assert not folder.add("a", b"1")
        assert listed(folder) == []


def test_where_each_file_has_a_name(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    before, sources = os.link, []

    def link(source: str, final: Path, **more: int) -> None:
        sources.append(str(source))
        if str(source).startswith("/proc/"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        before(source, final, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", link)
    assert folder.add("a/b", b"1")
    assert folder.add("a/c", b"2")
    assert listed(folder) == ["a/b", "a/c"]
    assert [source.startswith("/proc/") for source in sources] == [True, False, False], "asked once"


def test_a_file_is_replaced_by_who_has_read_it(folder: Folder) -> None:
    folder.replace("head", b"1", None)
    first = folder.read("head", 1 << 20)
    assert first is not None
    folder.replace("head", b"2", first.tag)
    for tag in (first.tag, None, "x"):
        with pytest.raises(Conflict):
            folder.replace("head", b"3", tag)
    second = folder.read("head", 1 << 20)
    assert second is not None
    assert second.data == b"2"
    assert listed(folder) == [".lock", "head"]


def test_two_changes_in_one_second_have_two_times(folder: Folder) -> None:
    times = []
    for _ in range(3):
        before = folder.read("head", 1 << 20)
        folder.replace("head", b"x", before.tag if before else None)
        times.append(int((folder.root / "head").stat().st_mtime))
    assert times == [times[0], times[0] + 1, times[0] + 2]


def test_the_list(folder: Folder) -> None:
    for path in ("pool/a/x", "pool/b", "state/z"):
        folder.add(path, b"12")
    (folder.root / "pool/.new.x").write_bytes(b"unfinished")
    listed = [(found.path, found.size) for found in folder.list("pool/")]
    assert listed == [("pool/.new.x", 10), ("pool/a/x", 2), ("pool/b", 2)]
    assert next(folder.list("pool/")).modified > 0
    folder.remove("pool/a/x")
    assert not (folder.root / "pool/a").exists()
    assert (folder.root / "pool").exists()
    assert list(folder.list("nothing/")) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "There is no space left on the disk to write"),
        (errno.EROFS, "cannot be read or written: Read-only file system"),
        (errno.EIO, "cannot be read or written: Input/output error"),
    ],
)
def test_a_failing_disk_changes_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    folder.replace("head", b"1", None)
    before = folder.read("head", 1 << 20)
    assert before is not None

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, "x")

    with monkeypatch.context() as now:
        now.setattr(os, "link", fail)
        with pytest.raises(MachineError, match=message) as refused:
            folder.add("a", b"1")
        assert refused.value.hint
    assert listed(folder) == [".lock", "head"]
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MachineError, match=message):
        folder.replace("head", b"2", before.tag)
    folder.add("a", b"1")
    with pytest.raises(MachineError, match=message):
        folder.replace("head", b"2", before.tag)
    assert listed(folder) == [".lock", "a", "head"]
    assert folder.read("head", 1 << 20) == before


def test_much_is_put_on_the_disk_at_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(os, "sync", lambda: done.append("all"))
    monkeypatch.setattr(os, "fsync", lambda _: done.append("one"))
    for count, expected in ((3, ["one"] * 8), (100, ["all", "one", "one"])):
        for number in range(count):
            folder.add(f"{count}/{number}", b"1")
        assert done == []
        folder.replace(f"head{count}", b"2", None)
        assert done == expected
        done.clear()


def test_what_cannot_be_read(folder: Folder) -> None:
    (folder.root / "a").mkdir(parents=True)
    with pytest.raises(MachineError, match="cannot be read or written: Is a directory"):
        folder.read("a", 1 << 20)
    with pytest.raises(MachineError, match="cannot be read or written"):
        folder.remove("a")
