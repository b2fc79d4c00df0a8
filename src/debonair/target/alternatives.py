"""Files for other machines that a package has beside those for its target, and does not use there."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Sequence

from debonair.target.elf import Elf
from debonair.target.model import Target

_Machine = tuple[str, int]
"""``e_machine`` and bits."""


def suitable(files: Sequence[Elf], target: Target) -> list[Elf]:
    """Return ``files``, all those of one origin, without those that other machines use instead.

    A pure Python package may have a program or library for each of several machines. Such files have the
    same name in different folders, or, if they are programs, different names in one folder. adafruit-blinka
    has ``libgpiod_pulsein`` beside ``libgpiod_pulsein64``. A library is left out only if another one fits.
    A program runs only on its board, so all of them may be for other machines.
    """
    wanted = (target.elf_machine, bits(target))
    kinds = _Kinds(files)
    return [
        file
        for file in files
        if fits(file, target)
        or not (wanted in kinds.by_name[_name(file)] if _is_library(file) else kinds.has_variants(file))
    ]


def optional(files: Sequence[Elf]) -> frozenset[str]:
    """Return the paths of the programs among ``files``, those of one origin, that only some boards run."""
    kinds = _Kinds(files)
    return frozenset(file.path for file in files if not _is_library(file) and kinds.has_variants(file))


class _Kinds:
    """The machines of all files with one name, and of all files in one folder."""

    def __init__(self, files: Sequence[Elf]) -> None:
        self.by_name = defaultdict[str, set[_Machine]](set)
        self.by_folder = defaultdict[str, set[_Machine]](set)
        for file in files:
            self.by_name[_name(file)].add((file.machine, file.bits))
            self.by_folder[posixpath.dirname(file.path)].add((file.machine, file.bits))

    def has_variants(self, file: Elf) -> bool:
        """Return whether a file with the name, or in the folder, of ``file`` is for another machine."""
        return len(self.by_name[_name(file)] | self.by_folder[posixpath.dirname(file.path)]) > 1


def _name(file: Elf) -> str:
    return posixpath.basename(file.path)


def _is_library(file: Elf) -> bool:
    return ".so" in _name(file)


def fits(file: Elf, target: Target) -> bool:
    """Return whether ``file`` is for the machine of ``target``."""
    return (file.machine, file.bits) == (target.elf_machine, bits(target))


def bits(target: Target) -> int:
    """Return the width of an address on ``target``."""
    return 64 if target.elf_machine in {"EM_AARCH64", "EM_X86_64"} else 32
