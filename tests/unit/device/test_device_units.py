"""Workers and timers, from what systemd reports of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import call
import pi
import pytest
import units
from machine import when
from release import Release
from units import Unit

SHOWN = """\
Id=guestbook-mails.service
ActiveState=active
Result=success
ExecMainStatus=0
NRestarts=2

Id=guestbook-tidy.service
ActiveState=failed
Result=exit-code
ExecMainStatus=3
NRestarts=0

Id=guestbook-tidy.timer
ActiveState=active
Result=success
"""
MAILS = Unit("mails", "worker", "guestbook-mails.service", "active", "success", restarts=2)


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    monkeypatch.setattr(call, "systemd_runs", lambda: True)
    return pi.serve(pi.home(tmp_path), "1.0", workers=["mails"], timers=["tidy"])


def systemd(monkeypatch: pytest.MonkeyPatch, shown: str, listed: object) -> None:
    text = listed if isinstance(listed, str) else json.dumps(listed)
    monkeypatch.setattr(call, "systemctl", lambda verb, *_: (0, shown if verb == "show" else text))


def test_both_are_described(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [
        {"unit": "guestbook-tidy.timer", "next": 1_790_000_000_000_000, "last": 1_780_000_000_000_000}
    ]
    systemd(monkeypatch, SHOWN, listed)
    mails, tidy = units.beside(release)
    assert mails == MAILS
    assert mails.describe() == "mails active, restarted 2 times"
    assert mails.warning() == ""
    times = f"next {when(1_790_000_000)}, last {when(1_780_000_000)}"
    assert tidy.describe() == f"tidy active, {times}: status 3"
    assert tidy.warning() == (
        "the last run of guestbook-tidy.service failed (status 3): "
        "sudo journalctl -u guestbook-tidy.service"
    )


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [{"unit": "guestbook-tidy.timer", "next": 0, "last": 0}],
        [{"unit": "guestbook-tidy.timer", "next": None, "last": None}],
        [{"unit": "guestbook-tidy.timer", "next": 2**64 - 1}],
        [3],
        {"a": 1},
        "not json",
        "",
    ],
)
def test_a_timer_may_not_have_run(release: Release, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd(monkeypatch, SHOWN, listed)
    tidy = units.beside(release)[1]
    assert (tidy.describe(), tidy.warning()) == ("tidy active", "")


def test_systemd_may_be_silent(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd(monkeypatch, "", "")
    assert [unit.describe() for unit in units.beside(release)] == ["mails unknown", "tidy unknown"]
    monkeypatch.setattr(call, "systemd_runs", lambda: False)
    assert units.beside(release) == []
