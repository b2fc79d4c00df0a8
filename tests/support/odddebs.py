"""Debs of strangers, assembled byte by byte, as no tool of Debian would build them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

STANZA = (
    "Package: hello\n"
    "Version: 1.0-1+deb13\n"
    "Architecture: amd64\n"
    "Maintainer: Ada Example <ada@example.org>\n"
    "Section: misc\n"
    "Priority: optional\n"
    "Description: a thing\n A thing.\n"
)
PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
}


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """Return a member for ``tar`` that is not a file, or is an empty file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tar(
    files: Mapping[str, bytes | None] | None = None,
    more: Iterable[tarfile.TarInfo] = (),
    form: int = tarfile.GNU_FORMAT,
) -> bytes:
    """Return a tar of ``files``, folders where there are no bytes, and then of ``more``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for name, data in (files or {}).items():
            info = member(name, tarfile.DIRTYPE if data is None else tarfile.REGTYPE)
            info.mode = 0o755 if data is None else 0o644
            info.size = len(data or b"")
            made.addfile(info, io.BytesIO(data or b""))
        for info in more:
            made.addfile(info)
    return out.getvalue()


def ar(*members: tuple[str, bytes], size: str | None = None) -> bytes:
    """Return an ar archive; ``size`` is written as the size of the last member."""
    out = b"!<arch>\n"
    for name, data in members:
        length = str(len(data)) if size is None or (name, data) != members[-1] else size
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{length:<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return out


FILES: Mapping[str, bytes | None] = {
    "./": None,
    "./usr/": None,
    "./usr/share/": None,
    "./usr/share/hello/": None,
    "./usr/share/hello/readme": b"hi\n",
}


def odd(
    stanza: str | bytes = STANZA,
    *,
    control: bytes | None = None,
    data: bytes | None = None,
    control_as: str = ".gz",
    data_as: str = ".xz",
    between: Iterable[tuple[str, bytes]] = (),
    behind: Iterable[tuple[str, bytes]] = (),
    version: bytes = b"2.0\n",
) -> bytes:
    """Return a deb; ``control`` and ``data`` are its tarballs, unpacked, instead of ordinary ones."""
    text = stanza.encode() if isinstance(stanza, str) else stanza
    control = tar({"./control": text}) if control is None else control
    data = tar(FILES) if data is None else data
    return ar(
        ("debian-binary", version),
        *between,
        (f"control.tar{control_as}", PACK[control_as](control)),
        (f"data.tar{data_as}", PACK[data_as](data)),
        *behind,
    )


def put(folder: Path, data: bytes, name: str = "odd.deb") -> Path:
    """Write a deb into ``folder`` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path
