"""Wheels built from a dict, so that the repository contains none."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

DATE_TIME = (2020, 2, 2, 2, 2, 2)


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    tag: str = "py3-none-any",
    *,
    entry_points: Mapping[str, Mapping[str, str]] | None = None,
    requires: tuple[str, ...] = (),
    says: str = "",
    build: str = "",
    date_time: tuple[int, int, int, int, int, int] = DATE_TIME,
    modes: Mapping[str, int] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a wheel (PEP 427) into ``folder`` and return its path.

    ``files`` maps paths in the wheel to bytes; ``entry_points`` maps groups to names to objects. ``modes``
    has paths that are not 0644 (bits only). ``says`` are further lines of METADATA; ``build`` is a build
    number; ``extra`` has members that RECORD does not list. The same arguments give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    escaped = name.replace("-", "_").replace(".", "_")
    info = f"{escaped}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
    metadata += [f"Requires-Dist: {text}\n" for text in requires]
    metadata.append(says)
    pythons, abis, platforms = tag.split("-")
    tags = [
        f"{py}-{abi}-{pl}"
        for py in pythons.split(".")
        for abi in abis.split(".")
        for pl in platforms.split(".")
    ]
    wheel = f"Wheel-Version: 1.0\nGenerator: wheelmaker\nRoot-Is-Purelib: {str(abis == 'none').lower()}\n"
    members = {
        **files,
        f"{info}/METADATA": "".join(metadata).encode(),
        f"{info}/WHEEL": (wheel + "".join(f"Tag: {one}\n" for one in tags)).encode(),
    }
    if entry_points:
        text = "".join(
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items()) + "\n"
            for group, entries in entry_points.items()
        )
        members[f"{info}/entry_points.txt"] = text.encode()
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in members.items())
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    members |= extra or {}
    number = f"-{build}" if build else ""
    target = folder / f"{escaped}-{version}{number}-{tag}.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in members.items():
            member = zipfile.ZipInfo(path, date_time)
            member.external_attr = (0o100000 | (modes or {}).get(path, 0o644)) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return target


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
