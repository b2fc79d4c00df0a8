"""What others wrote, for a terminal: it is shown there, and never obeyed."""

from __future__ import annotations

_MOST = 500


def shown(text: str, most: int = _MOST) -> str:
    """Return ``text`` with what a terminal would obey, or not show, as escapes; what is longer is cut."""
    cut = text if len(text) <= most else f"{text[:most]}..."
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in cut
    )
