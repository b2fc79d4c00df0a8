"""A deb whose maker wants the publisher's memory, time or disk."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

import pytest
from odddebs import PACK, STANZA, ar, odd, put, tar
from publishing import Publisher

BINARY = ("debian-binary", b"2.0\n")
CONTROL = ("control.tar.gz", PACK[".gz"](tar({"./control": STANZA.encode()})))
DATA = ("data.tar", tar())
HEADER = tar({"./control": b""})[:512]


def header(name: str, size: int) -> bytes:
    """Return the header of a file in a tar, of any size."""
    data = bytearray(tar({name: b""})[:512])
    data[124:136] = b"%011o\0" % size
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 256 + sum(data[156:512]))
    return bytes(data)


def packed(first: bytes, size: int) -> bytes:
    """Return a gzip file of ``first`` and then ``size`` zeros, a multiple of a megabyte."""
    mega, count = bytes(1 << 20), size >> 20
    packer = zlib.compressobj(9, wbits=-15)
    begin = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(mega) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(first)
    for _ in range(count):
        checksum = zlib.crc32(mega, checksum)
    total = (len(first) + size) & 0xFFFFFFFF
    end = packer.flush() + checksum.to_bytes(4, "little") + total.to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + begin + block * count + end


def test_takes_the_memory_by_a_bomb_in_control(publisher: Publisher, tmp_path: Path) -> None:
    bomb = packed(header("./control", 3 << 30), 3 << 30)
    result = publisher.add(put(tmp_path, ar(BINARY, ("control.tar.gz", bomb), DATA)))
    assert result.refused, result.text
    assert "unpacks to more than" in result.text


def test_takes_the_memory_by_a_bomb_in_the_changelog(publisher: Publisher, tmp_path: Path) -> None:
    files = {"./usr/share/doc/bomb/changelog.Debian.gz": packed(b"", 3 << 30)}
    result = publisher.add(put(tmp_path, odd(STANZA.replace("hello", "bomb"), data=tar(files))))
    assert result.status == 0, result.text
    assert not list(publisher.place.glob("changelogs/**/bomb_*"))


def test_takes_the_memory_by_a_large_changelog(publisher: Publisher, tmp_path: Path) -> None:
    bomb = packed(header("./usr/share/doc/hello/changelog.gz", 3 << 30), 3 << 30)
    result = publisher.add(put(tmp_path, ar(BINARY, CONTROL, ("data.tar.gz", bomb))))
    assert result.refused, result.text
    assert "bytes, which is too large to inspect" in result.text


def test_takes_the_memory_by_a_large_file(publisher: Publisher, tmp_path: Path) -> None:
    large = ("data.tar.gz", packed(header("./usr/share/hello/large", 3 << 30), 3 << 30))
    control = ("control.tar", tar({"./control": STANZA.replace("hello", "large").encode()}))
    result = publisher.add(put(tmp_path, ar(BINARY, control, large)))
    assert result.status == 0, result.text


@pytest.mark.parametrize("letter", [b"L", b"K"])
def test_takes_the_memory_by_a_long_name(letter: bytes, publisher: Publisher, tmp_path: Path) -> None:
    data = bytearray(header("./x", 3 << 30))
    data[156:157] = letter
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 256 + sum(data[156:512]))
    result = publisher.add(
        put(tmp_path, ar(BINARY, CONTROL, ("data.tar.gz", packed(bytes(data), 3 << 30))))
    )
    assert result.refused, result.text


def test_takes_the_memory_by_a_million_files(publisher: Publisher, tmp_path: Path) -> None:
    one = b"".join(header(f"./usr/share/hello/{number:07}", 0) for number in range(1000))
    data = PACK[".gz"](one * 1000)
    result = publisher.add(put(tmp_path, ar(BINARY, CONTROL, ("data.tar.gz", data))))
    assert result.refused, result.text
    assert "more than" in result.text


def test_takes_the_memory_by_a_dictionary_of_xz(publisher: Publisher, tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    stream = bytearray(lzma.compress(tar(), format=lzma.FORMAT_XZ, filters=filters))
    at = stream.index(bytes([0x21, 0x01])) + 2  # the filter LZMA2, a property of one byte
    stream[at] = 40  # 4 GiB
    end = 12 + (stream[12] + 1) * 4 - 4
    stream[end : end + 4] = zlib.crc32(bytes(stream[12:end])).to_bytes(4, "little")
    result = publisher.add(put(tmp_path, ar(BINARY, CONTROL, ("data.tar.xz", bytes(stream)))))
    assert result.refused, result.text


def test_waits_for_a_fifo(publisher: Publisher, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "x.deb")
    assert publisher.add(tmp_path / "x.deb").refused
    assert publisher.run("inspect", "/dev/zero").refused


def test_ends_with_a_traceback_by_what_is_nearly_a_deb(publisher: Publisher, tmp_path: Path) -> None:
    whole = odd()
    for number, data in enumerate(
        (
            b"",
            b"<html>404</html>",
            whole[:8],
            whole[:70],
            whole[:200],
            gzip.compress(whole),
            b"!<arch>\n" * 100,
        )
    ):
        deb = put(tmp_path, data, f"{number}.deb")
        for words in (("repo", "add", deb), ("inspect", deb), ("check", deb)):
            assert publisher.run(*words).refused
