"""The suites of Debian that have targets."""

from __future__ import annotations

from debonair.target.model import load, names


def suites() -> dict[int, str]:
    """Return the suites that have targets, by the number of their Debian release."""
    targets = [load(name) for name in names()]
    return {each.debian_release: each.suite for each in targets}
