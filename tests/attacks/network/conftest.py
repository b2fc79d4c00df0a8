"""A booted Pi with two apps to attack from the network: one of uWSGI, one with a server of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "e2e"))

from debians import Boot, Builder

from debonair import trial
from debonair.debian.rootfs.container import Container

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(tmp_path_factory.mktemp("debs"))


@pytest.fixture(scope="module")
def machine(build: Builder) -> Iterator[Container]:
    boot = Boot()
    with boot("trixie") as booted:
        for name in ("spoken", "visited"):
            trial.install(boot.bed, booted, build(HERE / name, "trixie-amd64"))
        boot.bed.stock(booted, "openssh-server")
        booted.run(["apt-get", "install", "--yes", "openssh-server"])
        yield booted
