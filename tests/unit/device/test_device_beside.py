"""What runs beside the web processes of a release: its workers and its timers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import call
import command
import emperor
import pi
import pytest
from emperor import Emperor
from release import Home, Release


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return pi.home(tmp_path)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What systemd is told."""
    found: list[tuple[str, ...]] = []

    def systemctl(*words: str, **_: object) -> tuple[int, str]:
        found.append(words)
        return 0, ""

    monkeypatch.setattr(emperor, "systemctl", systemctl)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(call, "state", lambda unit: "failed" if "bad" in unit else "active")
    return found


def release(home: Home, version: str, workers: list[str], timers: list[str]) -> Release:
    return pi.serve(home, version, workers=workers, timers=timers)


def test_units_are_named_after_the_app(home: Home) -> None:
    found = release(home, "1.0", ["mails"], ["tidy"])
    assert found.beside == ("guestbook-mails.service", "guestbook-tidy.timer")
    assert found.commands == ("guestbook-mails.service", "guestbook-tidy.service")
    assert pi.serve(home, "1.1").beside == ()


def test_they_are_started(home: Home, told: list[tuple[str, ...]]) -> None:
    assert Emperor(home).start_beside(release(home, "1.1", ["mails"], ["report"])) == []
    assert told == [("start", "guestbook-mails.service", "guestbook-report.timer")]


def test_what_the_next_release_lacks_is_stopped(
    home: Home, told: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "state", lambda _: "inactive")
    old = release(home, "1.0", ["mails", "index"], ["tidy"])
    new = release(home, "1.1", ["mails"], ["report"])
    Emperor(home).end_beside(old, new, 30)
    gone = ("guestbook-tidy.timer", "guestbook-tidy.service", "guestbook-index.service")
    assert told == [(word, unit) for unit in gone for word in ("stop", "reset-failed")]


def test_an_app_without_any_is_left_alone(home: Home, told: list[tuple[str, ...]]) -> None:
    plain = pi.serve(home, "1.0")
    assert Emperor(home).start_beside(plain) == []
    Emperor(home).end_beside(plain, plain, 30)
    assert told == []


def test_one_that_ends_soon_is_named(home: Home, told: list[tuple[str, ...]]) -> None:
    assert told == []
    bad = release(home, "1.0", ["mails", "bad"], [])
    assert Emperor(home).start_beside(bad) == ["guestbook-bad.service"]


@pytest.mark.parametrize(("ends_at", "stopped"), [(5, False), (1000, True)])
def test_what_a_timer_runs_is_waited_for_and_then_ended(
    home: Home, told: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, *, ends_at: int, stopped: bool
) -> None:
    clock = pi.Clock(monkeypatch)
    monkeypatch.setattr(call, "state", lambda _: "activating" if clock.now < 1000 + ends_at else "inactive")
    old = release(home, "1.0", ["mails"], ["tidy"])
    Emperor(home).end_beside(old, old, 30)
    assert (told == [("stop", "guestbook-tidy.service")]) is stopped
    assert clock.now - 1000 == pytest.approx(min(ends_at, 30), abs=0.2)


def test_what_does_not_stop_is_killed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []

    def hangs(*words: str, **_: object) -> tuple[int, str]:
        told.append(words)
        return call.TIMED_OUT if len(told) == 1 else 0, ""

    monkeypatch.setattr(emperor, "systemctl", hangs)
    monkeypatch.setattr(call, "state", lambda _: "deactivating")
    old = release(home, "1.0", [], ["tidy"])
    Emperor(home).end_beside(old, old, 0)
    job = "guestbook-tidy.service"
    assert told == [("stop", job), ("kill", "--signal=SIGKILL", job), ("stop", job)]


def test_their_logs_are_the_apps(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    release(home, "1.0", ["mails"], ["tidy"])
    run: list[Any] = []
    monkeypatch.setattr(os, "execvp", lambda *given: run.append(given[1]))
    monkeypatch.setattr(os, "access", lambda *_: True)
    command.main(["logs"], home)
    names = ("guestbook", "guestbook.next", "guestbook-mails", "guestbook-tidy")
    assert run == [["journalctl", *(f"--unit={name}.service" for name in names)]]
