"""A machine that has the program sudo, as Raspberry Pi OS does."""

from __future__ import annotations

import person
import pytest


@pytest.fixture(autouse=True)
def _sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person, "_has_sudo", lambda: True)
