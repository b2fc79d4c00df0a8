"""Text of others for a terminal, which shows it and never obeys it."""

from __future__ import annotations

_MOST = 500


def shown(text: str, most: int = _MOST) -> str:
    """Return ``text`` with escapes for characters that control a terminal or are invisible; cut it."""
    cut = text if len(text) <= most else f"{text[:most]}..."
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in cut
    )
