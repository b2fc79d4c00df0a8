"""A project that somebody else wrote, and what lies beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cloned import APP, Victim


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    root, outside = tmp_path / "guestbook", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    found = Victim(root, outside)
    found.put({"app.py": APP, "requirements.txt": "flask\n"})
    return found


@pytest.fixture
def secret(victim: Victim) -> Callable[[str, str], Path]:
    """Write a file that the project's author never wanted to be read: its path."""

    def write(name: str, text: str) -> Path:
        path = victim.outside / name
        path.write_text(text)
        return path

    return write
