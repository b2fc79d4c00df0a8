"""The packages that people are told to install, as apt has them in each suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from debonair.debian.apt import Suite, host_architecture
from debonair.debian.mirror import mirror
from debonair.host.cache import Cache

LISTED = Path(__file__).parents[1] / "support/debian-packages.txt"


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_each_is_in_the_suite(suite: str) -> None:
    names = [line for line in LISTED.read_text().splitlines() if not line.startswith("#")]
    asked = Suite.of(suite, host_architecture(), mirror=mirror(os.environ), cache=Cache.of(os.environ))
    assert set(names) - set(asked.versions(names)) == set()
