from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import pytest

from debonair.deb import tar

LONG = "a/" * 60 + "file"


def made(*members: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mtime = kind, size, target, 7
    return info


MEMBERS = (
    member("./", tarfile.DIRTYPE),
    member("./a", size=3),
    member(f"./{LONG}", size=513),
    member("./link", tarfile.SYMTYPE, target=LONG),
    member("./hard", tarfile.LNKTYPE, target="./a"),
    member("./\udcff", size=1),
    member("./empty"),
    member("./fifo", tarfile.FIFOTYPE),
)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_it_says_what_tarfile_says(form: int) -> None:
    members = MEMBERS if form != tarfile.USTAR_FORMAT else [*MEMBERS[:3], *MEMBERS[4:]]
    data = made(*members, form=form)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [tar.of(info) for info in archive]
    found = list(tar.members(data))
    assert [each.name.rstrip("/") for each in found] == [each.name for each in expected]
    for each, other in zip(found, expected, strict=True):
        assert (each.type, each.mode, each.mtime, each.size) == (
            other.type,
            other.mode,
            other.mtime,
            other.size,
        )
        assert each.target == other.target
        assert data[each.at : each.at + each.size] == b"x" * other.size


def test_an_old_kind_of_file_and_a_large_number() -> None:
    info = member("./a")
    info.mtime = 1 << 40
    data = bytearray(made(info))
    (found,) = tar.members(bytes(data))
    assert found.mtime == 1 << 40


@pytest.mark.parametrize(
    ("at", "value"), [(0, ord("?")), (125, ord("7")), (156, ord("q")), (257, ord("x")), (148, ord("z"))]
)
def test_a_damaged_header(at: int, value: int) -> None:
    data = bytearray(made(member("./a", size=3), member("./b")))
    data[at] = value
    with pytest.raises((tarfile.TarError, ValueError)):
        list(tar.members(bytes(data)))


@pytest.mark.parametrize("data", [b"", b"x" * 100, made(member("./a", size=2000))[:1024]])
def test_what_is_cut_off(data: bytes) -> None:
    with pytest.raises(tarfile.TarError):
        list(tar.members(data))


def test_an_empty_tar() -> None:
    assert list(tar.members(made())) == []


def test_what_is_held_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = made(member("./a", size=2000))
    assert tar.unpacked(lzma.compress(data)) == data
    assert tar.unpacked(lzma.compress(data[:512]) + lzma.compress(data[512:])) is None
    monkeypatch.setattr(tar, "_SMALL", 1000)
    assert tar.unpacked(lzma.compress(data)) is None
    with pytest.raises(lzma.LZMAError):
        tar.unpacked(b"x" * 100)
