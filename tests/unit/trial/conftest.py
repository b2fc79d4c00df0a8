"""The programs and the machine of a trial, which answer as they are told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from programs import Programs, stand_in
from told import DEB, RELEASE, Told, http

from debonair.deb import archive
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.machine import Machine
from debonair.trial import choice


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = stand_in(monkeypatch)
    made.answer("dpkg --print-architecture", "amd64\n")
    made.answer("curl", http(), stderr="\n0.012")
    made.answer("cat .*release.json", RELEASE)
    return made


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    @contextmanager
    def opened(bed: Bed, suite: str, *, architecture: str) -> Iterator[Told]:
        assert (bed.environ, suite, architecture) == ({}, "trixie", DEB.architecture)
        yield told

    monkeypatch.setattr(Bed, "open", opened)
    monkeypatch.setattr(Bed, "stock", lambda *words: 0)
    monkeypatch.setattr(archive, "read_control", lambda path: told.fields)
    monkeypatch.setattr(Machine, "copy_in", lambda *words: None)
    monkeypatch.setattr(choice, "choose", lambda debs, **more: DEB)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return told
