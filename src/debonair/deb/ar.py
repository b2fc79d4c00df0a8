"""The members of a .deb as dpkg reads them: an ar archive of a fixed order (deb(5)).

When two members have the same name, dpkg takes the first one, apt any of them, and ``ar`` the last. This
reader refuses an archive that those programs would read differently.
"""

from __future__ import annotations

from collections.abc import Iterator

from debonair.deb.refusal import Stream, Unfit, drain, exactly

MAGIC = b"!<arch>\n"
_HEADER = 60
_END = b"`\n"
_VERSION = b"debian-binary"
_MOST = 64
"""Most members of an archive; dpkg knows three, and allows signatures among them."""
_CONTROL = {"control.tar": "", "control.tar.gz": "gz", "control.tar.xz": "xz", "control.tar.zst": "zst"}
_DATA = {
    **{name.replace("control", "data"): packed for name, packed in _CONTROL.items()},
    "data.tar.bz2": "bz2",
    "data.tar.lzma": "lzma",
}


class Part:
    """One member; its bytes are readable until the next member is requested."""

    def __init__(self, stream: Stream, name: str, size: int) -> None:
        self._stream = stream
        self.name = name
        self.left = size

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes. Raises ``Unfit`` if the archive ends within this member."""
        if not (length := min(size, self.left)):
            return b""
        data = self._stream.read(length)
        if not data:
            raise Unfit(f"it ends within {self.name}", "Check that the file was copied completely.")
        self.left -= len(data)
        return data


def members(stream: Stream) -> Iterator[tuple[Part, str]]:
    """Yield the control tarball and then the data tarball of a .deb, each with its compression.

    The compression is ``xz``, ``gz``, ``zst``, ``bz2``, ``lzma``, or empty. Exhaust the iterator: it also
    checks the rest of the archive. Raises ``Unfit`` if dpkg does not read the archive, or if apt reads it
    differently.
    """
    if stream.read(len(MAGIC)) != MAGIC:
        raise Unfit(
            "it is not an ar archive",
            "Check that the file was copied completely.",
        )
    tarballs = [_CONTROL, _DATA]
    for number, part in enumerate(_parts(stream)):
        name = part.name
        if number == 0:
            _check_version(part)
        elif tarballs and name in tarballs[0]:
            yield part, tarballs.pop(0)[name]
        elif name.startswith(("control.tar", "data.tar", "debian-binary")):
            raise Unfit(_misplaced(name, tarballs), "Build it again with 'dpkg-deb -Zxz'.")
        elif tarballs and not name.startswith("_"):
            raise Unfit(f"it has a member {name!r} before its data.tar, which dpkg does not accept")
        drain(part.read)
    if tarballs:
        raise Unfit(f"it has no {'control' if len(tarballs) > 1 else 'data'}.tar")


def _misplaced(name: str, tarballs: list[dict[str, str]]) -> str:
    if tarballs and name.startswith(next(iter(tarballs[0]))):
        return f"its {name!r} has a compression that dpkg does not support"
    return f"it has {name!r} twice, or in a position where dpkg does not accept it"


def _check_version(part: Part) -> None:
    if part.name.encode() != _VERSION:
        raise Unfit(f"its first member is {part.name!r}, not debian-binary")
    version = part.read(min(part.left, 64)).partition(b"\n")
    major, dot, minor = version[0].partition(b".")
    if not version[1] or not (major.isdigit() and dot and minor.isdigit()):
        raise Unfit("its debian-binary does not contain a format version")
    if int(major) != 2:
        raise Unfit(
            f"its format is {version[0].decode()}, but dpkg supports only 2.0",
            "Build it again with a current dpkg-deb.",
        )


def _parts(stream: Stream) -> Iterator[Part]:
    """Yield each member. Raises ``Unfit`` for a header that dpkg does not read."""
    for _ in range(_MOST):
        if not (first := stream.read(1)):
            return
        header = first + exactly(stream, _HEADER - 1, "the header of a member")
        size = header[48:58].rstrip(b" ")
        if header[58:] != _END or not size.isdigit():
            raise Unfit(
                "a header of its ar archive is damaged", "Check that the file was copied completely."
            )
        name = header[:16].rstrip(b" ").removesuffix(b"/")
        if not name or not (name.isascii() and name.decode().isprintable()) or b" " in name:
            raise Unfit(f"a member of its ar archive has the invalid name {name!r}")
        part = Part(stream, name.decode("ascii"), int(size))
        yield part
        drain(part.read)
        if int(size) % 2 and stream.read(1) not in {b"\n", b""}:
            raise Unfit("a member of its ar archive has a wrong length")
    raise Unfit(f"its ar archive has more than {_MOST} members")
