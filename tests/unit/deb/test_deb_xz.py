from __future__ import annotations

import lzma
import random

import pytest

from debonair.deb import xz


def expand(stream: bytes) -> bytes:
    """What comes out of a single .xz stream; nothing may follow it."""
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    data = reader.decompress(stream)
    assert reader.eof
    assert not reader.unused_data
    return data


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 127, 128, 4095, 4096, 4097, 16384, 16385])
def test_one_block_round_trips(size: int) -> None:
    for data in (noise(size, size), b"a" * size):
        assert expand(xz.splice([xz.compress(data)])) == data


def test_a_block_beyond_a_mebibyte_round_trips() -> None:
    data = noise(1, (1 << 20) + 5)
    block = xz.compress(data, preset=0)
    assert block.uncompressed_size == len(data)
    assert expand(xz.splice([block])) == data


@pytest.mark.parametrize("seed", range(12))
def test_any_blocks_splice_into_one_stream(seed: int) -> None:
    chance = random.Random(seed)
    parts = []
    for number in range(chance.randrange(1, 9)):
        size = chance.choice([0, 1, 5, 100, 2000, 70_000])
        parts.append(noise(seed * 100 + number, size) if chance.random() < 0.5 else b"deb\n" * (size // 4))
    blocks = [xz.compress(part, preset=chance.randrange(10)) for part in parts]
    assert expand(xz.splice(blocks)) == b"".join(parts)


def test_many_blocks_make_a_long_index() -> None:
    parts = [bytes([number % 256]) * (number + 1) for number in range(300)]
    assert expand(xz.splice([xz.compress(part, preset=0) for part in parts])) == b"".join(parts)


def test_nothing_makes_an_empty_stream() -> None:
    assert expand(xz.splice([])) == b""
    assert xz.compress(b"") == xz.Block(b"", 0, 0)
    assert xz.splice([xz.compress(b""), xz.compress(b"")]) == xz.splice([])


def test_blocks_are_whole_words_and_know_their_sizes() -> None:
    for size in range(1, 40):
        block = xz.compress(noise(size, size))
        assert len(block.data) % 4 == 0
        assert 0 <= len(block.data) - block.unpadded_size < 4
        assert block.uncompressed_size == size


def test_the_same_bytes_give_the_same_block_wherever_it_stands() -> None:
    data = b"the same bytes" * 1000
    block = xz.compress(data)
    assert xz.compress(data) == block
    spliced = xz.splice([xz.compress(b"before"), block, xz.compress(b"after")])
    assert block.data in spliced
    assert expand(spliced) == b"before" + data + b"after"


@pytest.mark.parametrize(
    ("size", "dictionary"), [(10, 12), (4096, 12), (4097, 13), (1 << 16, 16), ((1 << 16) + 1, 17)]
)
def test_the_dictionary_is_no_larger_than_the_data(size: int, dictionary: int) -> None:
    # Section 5.3.1: the properties of LZMA2, the fifth byte of a block's header, are 2 * (log2 - 12).
    assert xz.compress(b"x" * size, preset=9).data[4] == 2 * (dictionary - 12)


def test_damage_is_found_by_the_check() -> None:
    block = xz.compress(noise(3, 1000))
    broken = bytearray(block.data)
    broken[500] ^= 1
    stream = xz.splice([xz.Block(bytes(broken), block.unpadded_size, block.uncompressed_size)])
    with pytest.raises(lzma.LZMAError):
        expand(stream)
