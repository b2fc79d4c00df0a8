"""Debian's own emperor, in which the app has one vassal; nothing of it runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import emperor
import pi
import probe
import pytest
import variables
from emperor import Emperor
from release import Home, Release
from system_emperor import SystemEmperor, emperor_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return pi.home(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> pi.Clock:
    return pi.Clock(monkeypatch)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What systemd says of a unit."""
    found = {"uwsgi-emperor.service": "active"}
    monkeypatch.setattr(emperor, "state", found.__getitem__)
    return found


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch, clock: pi.Clock) -> dict[str, list[tuple[int, ...]]]:
    """The workers that are seen of each release, one look after the other; the last for ever."""
    del clock
    seen: dict[str, list[tuple[int, ...]]] = {}

    def starts(release: Release) -> tuple[int, ...]:
        told = seen.get(release.name, [()])
        return told.pop(0) if len(told) > 1 else told[0]

    monkeypatch.setattr(probe, "starts", starts)
    monkeypatch.setattr(probe, "page", lambda *_, **__: probe.Page(200))
    return seen


def serve(home: Home, version: str) -> Release:
    return pi.serve(home, version, emperor="system", user="www-data")


def vassal(home: Home) -> Path:
    return home.root / "etc/uwsgi-emperor/vassals/guestbook.ini"


def test_what_is_installed_says_whose_vassal_it_is(home: Home) -> None:
    pi.unpack(home, "1.0")
    assert type(emperor_of(home)) is Emperor
    pi.unpack(home, "1.1", emperor="system")
    assert type(emperor_of(home)) is SystemEmperor


def test_a_release_takes_the_place_of_another(home: Home) -> None:
    one, two, seen = serve(home, "1.0"), serve(home, "1.1"), SystemEmperor(home)
    assert not seen.holds(one)
    seen.summon(one)
    seen.summon(two)
    assert (seen.holds(one), seen.holds(two)) == (False, True)
    assert vassal(home).read_text().splitlines()[-1] == f"ini = {two.vassal}"
    assert [path.name for path in vassal(home).parent.iterdir()] == ["guestbook.ini"]
    seen.dismiss(one)
    assert seen.holds(two)
    seen.dismiss(two)
    assert not vassal(home).exists()
    seen.stop()


def test_all_releases_have_one_socket_and_stats_of_their_own(home: Home) -> None:
    one, two = serve(home, "1.0"), serve(home, "1.1")
    assert one.socket("sock") == two.socket("sock") == Path("/run/guestbook/web.sock")
    for release in (one, two):
        (home.run / release.socket("stats").name).touch()
    SystemEmperor(home).turn(two)
    assert [path.name for path in home.run.glob("*.stats")] == ["web-1.1.stats"]


def test_it_is_well_when_its_own_workers_answer(
    home: Home, workers: dict[str, Any], clock: pi.Clock
) -> None:
    release = serve(home, "1.1")
    began = clock.now
    workers["1.1"] = [*[()] * 20, (7, 8)]
    assert SystemEmperor(home).wait_well(release, 30) == ""
    assert clock.now - began > 2


@pytest.mark.usefixtures("workers")
def test_one_that_is_not_loaded_is_not_well(home: Home, clock: pi.Clock) -> None:
    began = clock.now
    assert SystemEmperor(home).wait_well(serve(home, "1.1"), 5) == "it was not loaded"
    assert 5 <= clock.now - began < 6


def test_a_reload_waits_for_other_workers(home: Home, workers: dict[str, Any], clock: pi.Clock) -> None:
    release, seen = serve(home, "1.0"), SystemEmperor(home)
    seen.summon(release)
    workers["1.0"] = [*[(7, 8)] * 20, (9, 10)]
    began = clock.now
    seen.reload(release)
    assert clock.now - began > 1
    assert vassal(home).stat().st_mtime > 0


def test_a_start_waits_for_the_release_if_the_emperor_runs(
    home: Home, workers: dict[str, Any], state: dict[str, str]
) -> None:
    release, seen = serve(home, "1.0"), SystemEmperor(home)
    workers["1.0"] = [(), (), (7,)]
    assert seen.start(release)
    assert workers["1.0"] == [(7,)]
    state["uwsgi-emperor.service"] = "inactive"
    assert not seen.start(release)
    assert seen.holds(release)
    assert not seen.stopped()


def test_a_restart_is_a_reload_of_what_is_served(
    home: Home, workers: dict[str, Any], state: dict[str, str]
) -> None:
    seen = SystemEmperor(home)
    assert not seen.restart()
    release = serve(home, "1.0")
    assert not seen.restart()
    seen.summon(release)
    workers["1.0"] = [(7,), (8,)]
    assert seen.restart()
    state["uwsgi-emperor.service"] = "inactive"
    assert not seen.restart()


def test_its_journal_is_chosen_by_name(home: Home) -> None:
    assert SystemEmperor(home).journal(None) == ["--identifier=guestbook"]


def test_variables_are_options_of_uwsgi(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"A": "50 % off", "B": "", "C": "x$(HOME)", "D": "two\nlines", "E": " padded"}
    assert list(variables.options(given)) == ["[uwsgi]", "env = A=50 %% off", "env = B="]
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" is not set")[0] for line in said] == ["C", "D", "E"]
