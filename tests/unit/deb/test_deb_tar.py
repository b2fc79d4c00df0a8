from __future__ import annotations

import io
import tarfile

import pytest

from debonair.deb import tar
from debonair.deb.refusal import Unfit

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


KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard",
    tarfile.FIFOTYPE: "special",
}


def read(data: bytes) -> list[tuple[tar.Member, bytes]]:
    return [(each, content.read(each.size)) for each, content in tar.members(io.BytesIO(data))]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_it_says_what_tarfile_says(form: int) -> None:
    members = MEMBERS if form != tarfile.USTAR_FORMAT else [*MEMBERS[:3], *MEMBERS[4:]]
    data = made(*members, form=form)
    found = read(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [
            (each.path, each.kind, each.mode, each.mtime, each.size, each.target) for each, _ in found
        ] == [
            (
                info.name.removeprefix(".").strip("/"),
                KINDS[info.type],
                info.mode,
                info.mtime,
                info.size,
                info.linkname,
            )
            for info in archive
        ]
    assert all(content == b"x" * each.size for each, content in found)


def test_a_large_number_and_one_before_1970() -> None:
    late, early = member("./a"), member("./b")
    late.mtime, early.mtime = 1 << 40, -5
    assert [each.mtime for each, _ in read(made(late, early))] == [1 << 40, -5]


@pytest.mark.parametrize("name", ["a", "./a", "/a", "././/a", "a/", ".//a//"])
def test_names_of_one_file(name: str) -> None:
    ((found, _),) = read(made(member(name)))
    assert found.path == "a"


def test_a_file_whose_name_ends_in_a_slash_is_a_folder() -> None:
    info = member("./a/")
    data = bytearray(made(info))
    data[:4] = b"./a/"
    checksum = sum(data[:148]) + 256 + sum(data[156:512])
    data[148:156] = b"%06o\0 " % checksum
    assert read(bytes(data))[0][0].kind == "dir"


@pytest.mark.parametrize("name", ["../a", "a/../b", "a//b", "a/./b", "a\nb", "a" * 5000, "a/" * 3000 + "b"])
def test_names_that_are_no_plain_paths(name: str) -> None:
    with pytest.raises(Unfit, match="name"):
        read(made(member(name)))


@pytest.mark.parametrize("kind", [b"7", b"x", b"g", b"S", b"D", b"V", b"M", b"A", b"q"])
def test_what_dpkg_does_not_unpack(kind: bytes) -> None:
    with pytest.raises(Unfit, match="which dpkg does not unpack"):
        read(made(member("./a", kind)))


def test_pax() -> None:
    with pytest.raises(Unfit, match="type 'x'"):
        read(made(member("./\u00fc" * 60), form=tarfile.PAX_FORMAT))


@pytest.mark.parametrize(
    ("at", "value"), [(0, ord("?")), (125, ord("7")), (156, ord("q")), (257, ord("x")), (148, ord("z"))]
)
def test_a_damaged_header(at: int, value: int) -> None:
    data = bytearray(made(member("./a", size=3), member("./b")))
    data[at] = value
    with pytest.raises(Unfit, match="header of its tar"):
        read(bytes(data))


@pytest.mark.parametrize(
    "size",
    [b"00000000 07\0", b"\x0000000007\0\0", b"-0000000007\0", b"0x000000007\0", b"\x80" + b"\xff" * 11],
)
def test_a_size_that_others_read_otherwise(size: bytes) -> None:
    data = bytearray(made(member("./a", size=7)))
    data[124:136] = size
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 256 + sum(data[156:512]))
    with pytest.raises(Unfit, match="number"):
        read(bytes(data))


@pytest.mark.parametrize("data", [b"x" * 100, made(member("./a", size=2000))[:1024]])
def test_what_is_cut_off(data: bytes) -> None:
    with pytest.raises(Unfit, match="ends within"):
        read(data)


def test_an_empty_tar() -> None:
    assert read(made()) == read(b"") == []


def test_what_is_behind_the_end_is_not_taken() -> None:
    assert [each.path for each, _ in read(made(member("./a")) + made(member("./b")))] == ["a"]
