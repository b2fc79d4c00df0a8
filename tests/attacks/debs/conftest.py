"""What hostile debs are handed to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from publishing import Publisher, dpkg_takes


@pytest.fixture(scope="session")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    home = tmp_path_factory.mktemp("publisher")
    yield Publisher(home)
    gpg = next((home / "config").glob("debonair/repositories/*/gnupg"))
    subprocess.run(["gpgconf", "--homedir", gpg, "--kill", "gpg-agent"], check=False, capture_output=True)


@pytest.fixture
def dpkg(tmp_path: Path) -> Callable[[Path], bool]:
    """Tell whether dpkg unpacks a deb, in a root of its own."""
    return lambda deb: dpkg_takes(deb, tmp_path / "root")
