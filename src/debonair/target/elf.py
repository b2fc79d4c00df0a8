"""The requirements of a compiled file, read from its ELF headers (elf(5))."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import msgspec

from debonair.errors import PackageError, unreadable

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

MAGIC = b"\x7fELF"

_GLIBC = frozenset(
    {"c", "dl", "m", "pthread", "rt", "util", "resolv", "nsl", "BrokenLocale", "anl", "thread_db", "mvec"}
)
"""The names of the libraries that belong to glibc."""
_SOFT_FLOAT = 0x200
"""EF_ARM_ABI_FLOAT_SOFT in ``e_flags`` (ELF for the Arm Architecture, 5.2)."""


class Elf(msgspec.Struct, frozen=True):
    """A compiled file and its requirements."""

    path: str
    """Its path in the package."""
    machine: str
    """The value of ``e_machine``: ``EM_AARCH64``."""
    bits: int
    arm_cpu: int | None = None
    """Tag_CPU_arch (Addenda to the ABI for the Arm Architecture, 2.3.6); ``None`` if the file lacks it."""
    soft_float: bool = False
    """True if the file passes floating-point numbers in a way that armhf does not support."""
    glibc: str = ""
    """The newest version among the glibc symbols that the file needs: ``2.34``; empty if it needs none."""
    interpreter: str = ""
    """The dynamic linker that a program requires; empty for a library."""
    needed: tuple[str, ...] = ()
    """The libraries that the file is linked with (DT_NEEDED), except those of glibc: every system has
    these."""
    rpath: tuple[str, ...] = ()
    """The folders that the linker searches first for these libraries (DT_RUNPATH, or DT_RPATH)."""


def read(path: str, data: bytes) -> Elf:
    """Return the requirements of ``data``, the bytes of the file at ``path``.

    Raises ``PackageError`` if the file starts like an ELF file but is not a valid one.
    """
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415 - a build reads only new files

    with unreadable(
        PackageError,
        f"/{path} starts like a compiled file (ELF), but is damaged",
        "Check that its wheel was built completely, or lock another version of it.",
    ):
        file = ELFFile(io.BytesIO(data))
        dynamic = _dynamic(file)
        arm = file["e_machine"] == "EM_ARM"
        return Elf(
            path=path,
            machine=str(file["e_machine"]),
            bits=int(file.elfclass),
            arm_cpu=_arm_cpu(file) if arm else None,
            soft_float=arm and bool(file["e_flags"] & _SOFT_FLOAT),
            glibc=_newest(file),
            interpreter=_interpreter(file),
            needed=tuple(name for name in dynamic.get("DT_NEEDED", ()) if not _is_glibc(name)),
            rpath=tuple(
                folder
                for text in dynamic.get("DT_RUNPATH", dynamic.get("DT_RPATH", ()))
                for folder in text.split(":")
                if folder
            ),
        )


def _is_glibc(library: str) -> bool:
    stem = library.partition(".so")[0]
    return stem.startswith("ld-linux") or (stem.startswith("lib") and stem.removeprefix("lib") in _GLIBC)


def _dynamic(file: ELFFile) -> dict[str, list[str]]:
    """Return the dynamic tags that are texts, each with its values in file order."""
    from elftools.elf.dynamic import DynamicSegment  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for segment in file.iter_segments():
        if isinstance(segment, DynamicSegment):
            for tag in segment.iter_tags():
                for name in ("needed", "runpath", "rpath"):
                    if tag.entry.d_tag == f"DT_{name.upper()}":
                        found.setdefault(tag.entry.d_tag, []).append(str(getattr(tag, name)))
    return found


def _interpreter(file: ELFFile) -> str:
    from elftools.elf.segments import InterpSegment  # noqa: PLC0415

    found = (segment for segment in file.iter_segments() if isinstance(segment, InterpSegment))
    return next((str(segment.get_interp_name()) for segment in found), "")


def _newest(file: ELFFile) -> str:
    """Return the newest GLIBC_ version that the file needs (the section of type SHT_GNU_verneed)."""
    from elftools.elf.gnuversions import GNUVerNeedSection  # noqa: PLC0415

    names = [
        str(version.name)
        for section in file.iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, versions in section.iter_versions()
        for version in versions
    ]
    found = (re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", name) for name in names)
    newest = max(((int(match[1]), int(match[2])) for match in found if match), default=None)
    return f"{newest[0]}.{newest[1]}" if newest else ""


def _arm_cpu(file: ELFFile) -> int | None:
    from elftools.elf.sections import ARMAttributesSection  # noqa: PLC0415

    for section in file.iter_sections():
        if isinstance(section, ARMAttributesSection):
            for part in section.iter_subsections():
                for scope in part.iter_subsubsections():
                    for attribute in scope.iter_attributes("TAG_CPU_ARCH"):
                        return int(attribute.value)
    return None
