"""Debian's own emperor, in which the app has one vassal; nothing of it runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import call
import pi
import probe
import pytest
import task
import variables
from emperor import Emperor
from nginx_site import Site
from probe import Instance
from release import Home, Release
from switch import Switch
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
    monkeypatch.setattr(call, "state", found.__getitem__)
    return found


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch, clock: pi.Clock) -> dict[str, list[tuple[int, ...]]]:
    """The workers that are seen of each release, one look after the other; the last for ever."""
    del clock
    seen: dict[str, list[tuple[int, ...]]] = {}

    def starts(instance: Instance) -> tuple[int, ...]:
        told = seen.get(instance.release.version, [()])
        return told.pop(0) if len(told) > 1 else told[0]

    monkeypatch.setattr(probe, "starts", starts)
    monkeypatch.setattr(probe, "page", lambda *_, **__: probe.Page(200))
    monkeypatch.setattr(SystemEmperor, "_lives", lambda _: False)
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


@pytest.mark.usefixtures("workers", "state")
def test_a_release_takes_the_place_of_another(home: Home) -> None:
    one, two, seen = serve(home, "1.0"), serve(home, "1.1"), SystemEmperor(home)
    seen.summon(one)
    seen.summon(two)
    assert vassal(home).read_text().splitlines()[-6:] == [
        f"set-placeholder = release={two.folder}",
        "set-placeholder = socket-path=/run/guestbook/web.sock",
        f"set-placeholder = stats-path=/run/guestbook/web-{two.name}.stats",
        "; The variables that a unit of its own would give it.",
        f"ini = exec:///usr/bin/python3 -IB {home.lib}/libexec/variables.py {two.folder}",
        f"ini = {two.vassal}",
    ]
    assert [path.name for path in vassal(home).parent.iterdir()] == ["guestbook.ini"]
    seen.stop()
    seen.stop()
    assert not vassal(home).exists()


def test_all_releases_have_one_socket_and_stats_of_their_own(home: Home) -> None:
    seen = SystemEmperor(home)
    one, two = (seen.instance(serve(home, version)) for version in ("1.0", "1.1"))
    assert one.sock == two.sock == Path("/run/guestbook/web.sock")
    for instance in (one, two):
        (home.run / instance.stats.name).touch()
    seen.turn(seen.serving(two.release))
    assert [path.name for path in home.run.glob("*.stats")] == [two.stats.name]


def test_it_is_healthy_when_its_own_workers_answer(
    home: Home, workers: dict[str, Any], clock: pi.Clock
) -> None:
    instance = SystemEmperor(home).instance(serve(home, "1.1"))
    began = clock.now
    workers["1.1"] = [*[()] * 20, (7, 8)]
    assert SystemEmperor(home).wait_healthy(instance, 30) == ""
    assert clock.now - began > 2


@pytest.mark.usefixtures("workers")
def test_one_that_is_not_loaded_is_not_healthy(home: Home, clock: pi.Clock) -> None:
    began, seen = clock.now, SystemEmperor(home)
    assert seen.wait_healthy(seen.instance(serve(home, "1.1")), 5) == "it was not loaded"
    assert 5 <= clock.now - began < 6


def test_a_reload_waits_for_other_workers(
    home: Home, workers: dict[str, Any], state: dict[str, str], clock: pi.Clock
) -> None:
    release, seen = serve(home, "1.0"), SystemEmperor(home)
    state["uwsgi-emperor.service"] = "inactive"
    seen.summon(release)
    workers["1.0"] = [*[(7, 8)] * 20, (9, 10)]
    began = clock.now
    seen.reload(release)
    assert clock.now - began > 1
    assert vassal(home).stat().st_mtime > 0


def test_a_summons_waits_for_the_release_if_the_emperor_runs(
    home: Home, workers: dict[str, Any], state: dict[str, str]
) -> None:
    release, seen = serve(home, "1.0"), SystemEmperor(home)
    workers["1.0"] = [(), (), (7,)]
    seen.summon(release)
    assert workers["1.0"] == [(7,)]
    state["uwsgi-emperor.service"] = "inactive"
    workers["1.0"] = [(), (8,)]
    seen.summon(release)
    assert workers["1.0"] == [(), (8,)]
    assert not seen.stopped()
    assert not seen.asleep(release)


@pytest.mark.usefixtures("clock")
def test_a_restart_is_a_reload_of_what_is_served(
    home: Home, workers: dict[str, Any], state: dict[str, str]
) -> None:
    seen = SystemEmperor(home)
    assert not seen.restart()
    release = serve(home, "1.0")
    assert not seen.restart()
    workers["1.0"] = [(7,)]
    seen.summon(release)
    workers["1.0"] = [(7,), (8,)]
    assert seen.restart()
    state["uwsgi-emperor.service"] = "inactive"
    assert not seen.restart()


class TestHandover:
    """A switch where all is one vassal: it is loaded in place, and the one before comes back."""

    @pytest.fixture
    def healthy(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """By version, why it is not."""
        found: dict[str, str] = {}
        serve(home, "1.0")
        monkeypatch.setattr(call, "systemd_runs", lambda: True)
        monkeypatch.setattr(call, "shown", lambda *_: "loaded")
        monkeypatch.setattr(call, "call", lambda *_, **__: (0, ""))
        monkeypatch.setattr(task, "as_app", lambda *_, **__: (0, ""))
        monkeypatch.setattr(Site, "problem", lambda *_: "")
        monkeypatch.setattr(Site, "put", lambda *_: "")
        monkeypatch.setattr(
            SystemEmperor, "wait_healthy", lambda _, one, *__, **___: found.get(one.release.version, "")
        )
        return found

    def switch(self, home: Home) -> Switch:
        return Switch(home, say=lambda _: None)

    @pytest.mark.usefixtures("workers", "state", "healthy")
    def test_an_upgrade(self, home: Home) -> None:
        pi.unpack(home, "1.1", emperor="system")
        assert self.switch(home).configure()
        assert "releases/1.1." in vassal(home).read_text()
        assert self.switch(home).configure()  # once more

    @pytest.mark.usefixtures("workers", "state")
    def test_one_that_is_refused(self, home: Home, healthy: dict[str, str]) -> None:
        healthy["1.1"] = "/ answers 500"
        pi.unpack(home, "1.1", emperor="system")
        assert not self.switch(home).configure()
        assert "releases/1.0." in vassal(home).read_text()
        serving = home.serving()
        assert serving
        assert serving.version == "1.0"

    @pytest.mark.usefixtures("workers", "state")
    def test_a_first_one_that_is_refused(self, home: Home, healthy: dict[str, str]) -> None:
        home.current.unlink()
        healthy["1.1"] = "/ answers 500"
        pi.unpack(home, "1.1", emperor="system")
        assert not self.switch(home).configure()
        assert not vassal(home).exists()

    @pytest.mark.usefixtures("workers", "healthy")
    def test_where_the_emperor_does_not_run(self, home: Home, state: dict[str, str]) -> None:
        state["uwsgi-emperor.service"] = "inactive"
        pi.unpack(home, "1.1", emperor="system")
        assert self.switch(home).configure()
        assert "releases/1.1." in vassal(home).read_text()


def test_its_journal_is_chosen_by_name(home: Home) -> None:
    assert SystemEmperor(home).journal(None) == ["--identifier=guestbook"]


def test_variables_are_options_of_uwsgi(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"A": "50 % off", "B": "", "C": "x$(HOME)", "D": "two\nlines", "E": " padded"}
    assert list(variables.options(given)) == ["[uwsgi]", "env = A=50 %% off", "env = B="]
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" is not set")[0] for line in lines] == ["C", "D", "E"]


def test_what_an_app_lays_among_the_statistics_prevents_no_switch(home: Home) -> None:
    release, seen = serve(home, "1.0"), SystemEmperor(home)
    (home.run / "web-x.stats/in").mkdir(parents=True)
    seen.turn(seen.serving(release))
    assert (home.run / "web-x.stats/in").is_dir()


class TestWithoutASocket:
    """A vassal whose socket has lost its name would never get it back by a reload."""

    @pytest.fixture
    def lives(self, home: Home, workers: object, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What happened to the vassal, which ends when its file is gone."""
        del workers
        done: list[str] = []

        def look(_: SystemEmperor) -> bool:
            done.append("lives" if vassal(home).exists() else "ends")
            return done.count("ends") < 3

        monkeypatch.setattr(SystemEmperor, "_lives", look)
        return done

    @pytest.mark.usefixtures("state")
    @pytest.mark.parametrize("how", ["summon", "reload"])
    def test_it_ends_and_begins_again(
        self, home: Home, how: str, lives: list[str], workers: dict[str, list[tuple[int, ...]]]
    ) -> None:
        release, seen = serve(home, "1.0"), SystemEmperor(home)
        vassal(home).parent.mkdir(parents=True)
        vassal(home).write_text("of an earlier release")
        workers["1.0"] = [(1,)]
        getattr(seen, how)(release)
        assert [state for state in lives if state == "ends"] == ["ends"] * 3
        assert lives[0] == "lives"
        assert f"release={release.folder}" in vassal(home).read_text()

    @pytest.mark.usefixtures("state")
    def test_a_vassal_that_listens_goes_on(
        self, home: Home, lives: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = serve(home, "1.0")
        monkeypatch.setattr(Path, "is_socket", lambda _: True)
        SystemEmperor(home).summon(release)
        assert lives == []
