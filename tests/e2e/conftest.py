"""What the end-to-end tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import own_deb
import pytest
from debians import Boot, Builder

from debonair.host.file_lock import exclusive


@pytest.fixture(scope="session")
def boot() -> Boot:
    return Boot()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("debs"))


@pytest.fixture(scope="session")
def own(boot: Boot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debonair's own deb for trixie, as 'make deb' makes it: once, for all who run tests side by side."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "own"
    with exclusive(folder.with_name("own.lock")):
        found = list(folder.glob("*.deb"))
        return found[0] if found else own_deb.make(boot.bed, "trixie", folder)


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a text whether or not the test passes."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write
