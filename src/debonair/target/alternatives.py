"""Files for other machines that a package has beside those for its target, and does not use there."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from debonair.target.elf import Elf
from debonair.target.model import Target


def suitable(files: Sequence[Elf], target: Target) -> list[Elf]:
    """Return ``files``, all those of one origin, without those that other machines use instead.

    A pure Python package may have a program or library for each of several machines. Such files have the
    same name in different folders, or, if they are programs, different names in one folder. adafruit-blinka
    has ``libgpiod_pulsein`` beside ``libgpiod_pulsein64``. A library counts only if one of them fits. A
    program is run only on its board, so all of them may be for other machines.
    """
    return [file for file in files if fits(file, target) or not _has_alternative(file, files, target)]


def fits(file: Elf, target: Target) -> bool:
    """Return whether ``file`` is for the machine of ``target``."""
    return (file.machine, file.bits) == (target.elf_machine, bits(target))


def bits(target: Target) -> int:
    """Return the width of an address on ``target``."""
    return 64 if target.elf_machine in {"EM_AARCH64", "EM_X86_64"} else 32


def _has_alternative(file: Elf, files: Sequence[Elf], target: Target) -> bool:
    folder, name = posixpath.split(file.path)
    library = ".so" in name
    others = [
        other
        for other in files
        if (other.machine, other.bits) != (file.machine, file.bits)
        and (
            posixpath.basename(other.path) == name
            or (not library and posixpath.dirname(other.path) == folder)
        )
    ]
    return any(fits(other, target) for other in others) if library else bool(others)
