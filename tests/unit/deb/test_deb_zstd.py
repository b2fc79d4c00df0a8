from __future__ import annotations

import ctypes

import pytest

from debonair.deb import zstd
from debonair.deb.refusal import Unfit

TEXT = b"hello " * 4000
FRAME = bytes.fromhex("28b52ffd04587500003068656c6c6f200100b75df65204be3b5d8e")
"""TEXT, as 'zstd -c' packs it."""


def unpacked(pieces: list[bytes], most: int) -> tuple[bytes, zstd.Decompressor]:
    reader, found, left = zstd.decompressor(), b"", list(pieces)
    while not reader.eof and (left or not reader.needs_input):
        piece = reader.decompress(left.pop(0) if reader.needs_input else b"", most)
        assert len(piece) <= most
        found += piece
    return found, reader


@pytest.mark.parametrize("most", [100, 6000, 1 << 20])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_frame_is_unpacked_piece_by_piece(step: int, most: int) -> None:
    pieces = [FRAME[at : at + step] for at in range(0, len(FRAME), step)]
    found, reader = unpacked(pieces, most)
    assert found == TEXT
    assert (reader.eof, reader.needs_input, reader.unused_data) == (True, False, b"")


def test_what_follows_a_frame_is_left() -> None:
    found, reader = unpacked([FRAME + b"rest"], 1 << 20)
    assert (found, reader.unused_data) == (TEXT, b"rest")


def test_a_frame_that_is_cut_asks_for_more() -> None:
    found, reader = unpacked([FRAME[:-3]], 1 << 20)
    assert (reader.eof, reader.needs_input) == (False, True)
    assert TEXT.startswith(found)


def test_what_is_no_frame() -> None:
    with pytest.raises(ValueError, match="Unknown frame descriptor"):
        zstd.decompressor().decompress(b"no frame at all", 10)


def test_a_machine_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(zstd, "_loaded", [])
    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(Unfit) as refused:
        zstd.decompressor()
    assert "sudo apt install libzstd1" in refused.value.hint
