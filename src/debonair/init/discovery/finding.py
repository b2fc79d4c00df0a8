"""What a project is, found by reading its files: nothing of it is imported or run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that was found, or decided."""

    name: str
    """What it is, for a person: ``application``."""
    value: Any
    """As the key takes it; or a text, if there is no key."""
    where: str
    """File and line; or why it was decided so."""
    key: tuple[str, ...] = ()
    """The key that says it, by the names of its tables; empty if nothing is to be written."""
    guessed: bool = False
    """Whether nothing says it, and the author may know better."""
