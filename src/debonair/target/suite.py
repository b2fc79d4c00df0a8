"""The suites of Debian that have targets, with the Python of each."""

from __future__ import annotations

import msgspec

from debonair.target.model import load, names


class Suite(msgspec.Struct, frozen=True):
    """One release of Debian."""

    name: str
    release: int
    """The number of the release."""
    released: bool
    """False while Debian still prepares it."""
    python: str
    """The minor version of its python3: ``3.13``."""
    python_full: str
    """The version of its python3: ``3.13.5``."""
    architectures: tuple[str, ...]
    """Debian's architectures that have targets, sorted."""


def suites() -> dict[str, Suite]:
    """Return the suites that have targets, by name, the oldest first."""
    targets = sorted((load(name) for name in names()), key=lambda each: each.debian_release)
    found = dict[str, Suite]()
    for each in targets:
        known = found[each.suite].architectures if each.suite in found else ()
        found[each.suite] = Suite(
            each.suite,
            each.debian_release,
            each.released,
            each.python,
            each.python_full,
            tuple(sorted({*known, each.architecture})),
        )
    return found
