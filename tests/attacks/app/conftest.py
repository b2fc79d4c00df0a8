"""A booted Pi with the puppet and its neighbour: one for the tests of a file, while all of them hold."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "e2e"))

import puppets
from debians import Boot, Builder
from puppets import Puppet

SUITE = "trixie"
BROKEN = pytest.StashKey[bool]()


@dataclass
class Pis:
    """Boots a Pi when one is asked for, and a new one after it was broken."""

    build: Builder
    folders: pytest.TempPathFactory
    boot: Boot = field(default_factory=Boot)
    stack: ExitStack = field(default_factory=ExitStack)
    settled: bool = False
    puppet: Puppet | None = None

    def get(self) -> Puppet:
        if self.puppet is None:
            machine = self.stack.enter_context(self.boot(SUITE))
            folder = self.folders.mktemp("releases")
            self.puppet = puppets.begin(self.boot.bed, machine, self.build, folder)
        return self.puppet

    def settle(self) -> None:
        if not self.settled:
            puppets.settle(self.boot.bed, self.get())
            self.settled = True

    def scrap(self) -> None:
        self.puppet, self.settled = None, False
        self.stack.close()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("debs"))


@pytest.fixture(scope="module")
def pis(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pis]:
    found = Pis(build, tmp_path_factory)
    yield found
    found.scrap()


@pytest.fixture
def puppet(request: pytest.FixtureRequest, pis: Pis) -> Iterator[Puppet]:
    """The app that was broken into, on a Pi where no attack has succeeded yet."""
    yield pis.get()
    if request.node.stash.get(BROKEN, False):
        pis.scrap()  # who knows what it is like now
        return
    try:
        puppets.clean(pis.get())
    except BaseException:
        pis.scrap()
        raise


@pytest.fixture
def neighbour(puppet: Puppet, pis: Pis) -> None:
    """An app beside the puppet, which has a secret, and whose site denies a part of it."""
    pis.settle()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and report.failed:
        item.stash[BROKEN] = True
    return report
