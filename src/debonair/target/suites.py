"""The suites of Debian that there are targets for."""

from __future__ import annotations

from debonair.target.model import load, names


def suites() -> dict[int, str]:
    """Return the suites that there are targets for, by the number of their Debian release."""
    targets = [load(name) for name in names()]
    return {each.debian_release: each.suite for each in targets}
