"""Durations as people write them: ``30s``, ``15min``, ``2h`` (systemd.time(7), with one unit only)."""

from __future__ import annotations

import re

_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """Return the seconds of ``text``, a whole number and its unit.

    Raises ``ValueError`` if ``text`` is not a duration, or is zero.
    """
    found = re.fullmatch(r"(\d+) ?([a-z]+)", text)
    if not found or found[2] not in _SECONDS or not int(found[1]):
        raise ValueError(f"'{text}' is not a duration")
    return int(found[1]) * _SECONDS[found[2]]
