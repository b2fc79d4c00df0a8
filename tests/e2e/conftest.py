"""What the end-to-end tests share."""

from __future__ import annotations

import pytest
from debians import Boot, Builder


@pytest.fixture(scope="session")
def boot() -> Boot:
    return Boot()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("debs"))
