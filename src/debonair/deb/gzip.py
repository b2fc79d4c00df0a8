"""The gzip files in a package, which must have the same bytes wherever it is built."""

from __future__ import annotations

import zlib

_STORED = 0xFFFF  # bytes of one stored block of deflate


def gzip(data: bytes) -> bytes:
    """Return ``data`` as a gzip file of stored blocks (RFC 1951 section 3.2.4, RFC 1952).

    Compressed output differs between versions of zlib and of Python; stored blocks do not. These files are
    small, and the package compresses them.
    """
    parts = [data[at : at + _STORED] for at in range(0, len(data), _STORED)] or [b""]
    blocks = b"".join(
        bytes([number == len(parts)])
        + len(part).to_bytes(2, "little")
        + (len(part) ^ _STORED).to_bytes(2, "little")
        + part
        for number, part in enumerate(parts, 1)
    )
    header = b"\x1f\x8b\x08\0" + bytes(4) + b"\x02\x03"  # no name, no time, Unix
    return header + blocks + zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
