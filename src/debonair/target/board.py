"""The targets of each Raspberry Pi, as data in ``packaging/boards.toml``."""

from __future__ import annotations

import difflib
import re
import tomllib

import msgspec

from debonair.errors import TargetError
from debonair.host import decoder
from debonair.resources import resource
from debonair.target import model as target
from debonair.target.model import Target


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A model of the Raspberry Pi."""

    name: str
    """The name that users type: ``zero2w``."""
    model: str
    bits_32: str = ""
    """The cpu of the targets for the 32-bit system; empty if the board does not run one."""
    bits_64: str = ""

    def targets(self) -> dict[int, list[Target]]:
        """Return the board's targets by the bits of its system; published suites first, newest first."""
        every = sorted(
            map(target.load, target.names()), key=lambda found: (not found.released, -found.debian_release)
        )
        cpus = {64: self.bits_64, 32: self.bits_32}
        return {
            bits: [found for found in every if found.name == f"{found.suite}-{cpu}"]
            for bits, cpu in cpus.items()
            if cpu
        }

    def as_text(self) -> str:
        """Return the board as text, with a line for each target."""
        lines = [f"{self.model}:"]
        for bits, found in self.targets().items():
            for one in found:
                when = "" if one.released else " (to come)"
                system = f"{bits}-bit Raspberry Pi OS, Debian {one.debian_release}{when}"
                lines.append(f"  {system:<46} {one.name}")
        return "\n".join(lines)


def boards() -> list[Board]:
    """Return all models, the oldest first."""
    tables = tomllib.loads(resource("packaging/boards.toml").read_text())
    return [decoder.converted({"name": name, **table}, Board) for name, table in tables.items()]


def find(text: str) -> Board:
    """Return the model that ``text`` names: ``zero2w``, ``Pi 4``, ``3B+``. Raises ``TargetError``."""
    # "Raspberry Pi 3B+" and "rpi3" both become "3", and "Zero 2 W" becomes "zero2".
    asked = re.sub(r"^(raspberry)?pi|^rpi|[abw]?\+?$", "", re.sub(r"[\s_-]", "", text.lower()))
    known = {re.sub(r"w$", "", board.name): board for board in boards()}
    if asked in known:
        return known[asked]
    names = [board.name for board in boards()]
    close = difflib.get_close_matches(text.lower(), names, n=1, cutoff=0.5)
    raise TargetError(
        f"There is no Raspberry Pi '{text}'.",
        hint=(f"Did you mean '{close[0]}'? " if close else "") + f"The models: {', '.join(names)}.",
    )
