"""Blocks of xz that are compressed separately and spliced into one stream.

An .xz stream is a header, any number of independent blocks, an index of their sizes, and a footer. The .xz
File Format, version 1.2.1, sections 2 to 4, defines it. dpkg and apt read one stream only, but any number
of blocks in it. So a part that does not change between two packages is compressed once, and then copied.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Sequence

import msgspec

_MAGIC = b"\xfd7zXZ\0"
_FOOTER_MAGIC = b"YZ"
_FLAGS = b"\x00\x04"  # section 2.1.1.2: the check is CRC64
_HEADER = _MAGIC + _FLAGS + zlib.crc32(_FLAGS).to_bytes(4, "little")
HEADER_SIZE = len(_HEADER)
"""Where the first block of a stream begins."""
_FOOTER_SIZE = 12
_MAX_DICTIONARY = 23  # 8 MiB, as in preset 6; dpkg needs as much memory to unpack


class Block(msgspec.Struct, frozen=True):
    """One compressed block with the two numbers that the stream's index needs."""

    data: bytes
    """The block with its header, padding and check: a multiple of four bytes."""
    unpadded_size: int
    """Bytes of the block without its padding."""
    uncompressed_size: int
    """Bytes of the block when decompressed."""


EMPTY = Block(b"", 0, 0)
"""The block without data, which a splice leaves out."""


def compress(data: bytes, *, preset: int = 6) -> Block:
    """Compress ``data`` into one block; the same bytes give the same block on every machine.

    ``preset`` is xz's, 0 to 9. Without data the block is empty, and a splice leaves it out.
    """
    if not data:  # liblzma would write a stream without a block
        return EMPTY
    # A dictionary larger than the data saves nothing and costs memory here and on the smallest Pi.
    dictionary = 1 << min(max((len(data) - 1).bit_length(), 12), _MAX_DICTIONARY)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": preset, "dict_size": dictionary}]
    stream = lzma.compress(data, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=filters)
    index_size = (int.from_bytes(stream[-8:-4], "little") + 1) * 4
    index = stream[-_FOOTER_SIZE - index_size : -_FOOTER_SIZE]
    unpadded, after = _read_number(index, 2)  # behind the index's indicator and its count of one
    uncompressed, _ = _read_number(index, after)
    return Block(stream[len(_HEADER) : -_FOOTER_SIZE - index_size], unpadded, uncompressed)


def splice(blocks: Sequence[Block]) -> bytes:
    """Return one .xz stream that contains ``blocks`` in their order."""
    kept = [block for block in blocks if block.data]
    index = b"\0" + _number(len(kept))
    index += b"".join(_number(block.unpadded_size) + _number(block.uncompressed_size) for block in kept)
    index += b"\0" * (-len(index) % 4)
    index += zlib.crc32(index).to_bytes(4, "little")
    tail = (len(index) // 4 - 1).to_bytes(4, "little") + _FLAGS
    footer = zlib.crc32(tail).to_bytes(4, "little") + tail + _FOOTER_MAGIC
    return b"".join([_HEADER, *(block.data for block in kept), index, footer])


def _number(value: int) -> bytes:
    """Encode a number as section 1.2 does: seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return the number encoded at ``at``, and where the next one starts."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1
