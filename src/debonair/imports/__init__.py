"""What files of other tools say about a project, and what becomes of each line of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Account:
    """What became of one line, or entry, of a foreign file."""

    file: Path
    line: int
    """0: the file as a whole."""
    text: str
    """The line as it stands, stripped."""
    became: str
    """The key that it became, such as ``uwsgi.harakiri``; empty if none."""
    why: str
    """One short sentence: why it was dropped, what it means, how it is kept; may be empty."""


@dataclass(frozen=True)
class Imported:
    """What one foreign file says."""

    accounts: tuple[Account, ...]
    settings: Mapping[str, Any]
    """Keys of debonair.toml, nested like it."""
    warnings: tuple[str, ...]
    """Known traps, each a sentence with what to do."""
