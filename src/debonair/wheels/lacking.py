"""The error for distributions that have no wheel for a target, with the ways out that were tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from debonair.errors import WheelError

if TYPE_CHECKING:
    from debonair.lock import Lock
    from debonair.target import Target


@dataclass(frozen=True)
class Pin:
    """A requirement that must be raised."""

    name: str
    """The normalised name."""
    before: str
    """The version in the lock."""
    version: str
    """The lowest version that fits."""


class LackingError(WheelError):
    """No file of some distributions fits ``target``.

    ``reasons`` has a sentence for each name and version. ``pins`` are newer versions that fit, and
    ``older`` is the name of a target for which ``lock`` has everything; both may be empty.
    """

    def __init__(
        self,
        reasons: Mapping[tuple[str, str], str],
        target: Target,
        lock: Lock,
        *,
        pins: Sequence[Pin] = (),
        older: str = "",
    ) -> None:
        listed = "".join(f"\n  {name} {version}: {why}" for (name, version), why in reasons.items())
        super().__init__(
            f"{lock.path.name} has no wheel for {target.name} of:{listed}\n"
            f"Looked for: cp{target.python.replace('.', '')} or abi3, for {target.platforms()[0]} or "
            "older; or pure Python.",
            hint="\n- ".join(["Do one of these:", *_ways_out(target, lock, pins, older)]),
        )
        self.reasons = reasons
        self.target = target
        self.lock = lock
        self.pins = tuple(pins)


def _ways_out(target: Target, lock: Lock, pins: Sequence[Pin], older: str) -> list[str]:
    """Return instructions, those first that are known to work."""
    ways = []
    if pins:
        listed = ", ".join(f"{pin.name}=={pin.version}" for pin in pins)
        ways.append(
            f"Raise the pins to the first versions that fit: {listed}. This command writes them: debonair "
            "lock --raise-pins"
        )
    if older:
        ways.append(
            f'Build for an older Python, for which the lock has all wheels: set targets = ["{older}"].'
        )
    if not pins:
        ways.append("Pin a version that has such a wheel, and run 'debonair lock'.")
    ways.append('Build from source: set sdists = "allow".')
    ways.append(
        "Remove it from the requirements, and use the library of Debian: set system-site-packages = true, "
        "and add its package to 'depends'."
    )
    hosts = " and ".join(str(urlsplit(index).hostname) for index in target.extra_indexes)
    asked = any(file.index for package in lock.packages for file in package.wheels)
    if hosts and not asked:
        ways.append(f"Query {hosts} too: remove {lock.path.name}, and run 'debonair lock'.")
    elif not pins:
        ways.append("Add an index that has such a wheel.")
    return ways
