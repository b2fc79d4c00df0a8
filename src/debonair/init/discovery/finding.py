"""A fact about a project, found by reading its files without importing or running its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class File:
    """A file of code that ``init`` writes into the project."""

    name: str
    """The path relative to the project."""
    text: str


@dataclass(frozen=True)
class Finding:
    """A fact that was found, or a decision."""

    name: str
    """The name of the fact, for people: ``application``."""
    value: Any
    """The value of the key; or a text, if there is no key."""
    where: str
    """The file and line; or the reason for the decision."""
    key: tuple[str, ...] = ()
    """The key in the settings, with its tables; empty to write nothing."""
    guessed: bool = False
    """True if no file declares it, so that the author may know better."""
    file: File | None = None
    """The file that the value names, if it must be written."""
