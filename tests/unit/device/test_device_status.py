"""The verb status: what it prints of a healthy app, and of everything that keeps visitors from it."""

from __future__ import annotations

import json
import os
import pwd
import re
from pathlib import Path
from typing import Any

import address
import call
import command
import dpkg
import machine
import pi
import probe
import pytest
import status
import units
import visit
from address import Addresses
from emperor import Emperor
from machine import Machine
from nginx_site import Site
from probe import Page
from release import Home
from units import Unit

REFUSED = {"version": "1.1", "why": "/ answers 500", "log": "\n".join("abcdefg"), "at": 5}
WORKERS = [
    {"id": 1, "pid": 5, "status": "idle", "requests": 3, "rss": 4_000_000},
    {"id": 2, "pid": 6, "status": "busy", "requests": 4, "rss": 4_000_000},
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = pi.home(tmp_path)
    pi.serve(found, "1.0")
    return found


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root asks an app that runs and answers."""
    answers(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def answers(
    monkeypatch: pytest.MonkeyPatch,
    page: Page = Page(204),  # noqa: B008 - it does not change
    *,
    workers: list[dict[str, Any]] | None = None,
    unit: str = "active",
) -> None:
    monkeypatch.setattr(probe, "page", lambda _: page)
    monkeypatch.setattr(probe, "workers", lambda _: WORKERS if workers is None else workers)
    monkeypatch.setattr(status, "state", lambda _: unit)
    monkeypatch.setattr(dpkg, "problem", lambda _: "")
    monkeypatch.setattr(machine, "look", lambda *_: Machine())


class TestStatus:
    @pytest.mark.usefixtures("well")
    def test_well(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        home.write_note({"serving": "1.0", "from": "0.9", "why": "install", "at": 0, "seconds": 4.2})
        assert command.main(["status"], home) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "guestbook: serving 1.0"
        assert re.fullmatch(r"  since    (1970-01-01|1969-12-31) \S+, by install from 0\.9", lines[1])
        assert lines[2:] == [
            "  service  active",
            "  workers  2, 1 busy, 8 MB, 7 requests served",
            "  page     /healthz?full=1 answers 204",
        ]

    @pytest.mark.usefixtures("well")
    def test_for_programs(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        home.write_note({"serving": "1.0", "from": "", "why": "install", "at": 0, "seconds": 4.2})
        assert command.main(["status", "--json"], home) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["healthy"] is True
        assert (facts["serving"], facts["installed"], facts["refused"]) == ("1.0", "1.0", None)
        assert facts["switched"] == {"from": "", "why": "install", "at": 0, "seconds": 4.2}
        assert facts["page"] == {"path": "/healthz?full=1", "status": 204, "problem": ""}
        assert facts["workers"] == WORKERS
        assert facts["service"] == "active"

    @pytest.mark.usefixtures("well")
    def test_a_release_that_was_refused_is_told_of(
        self, home: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pi.unpack(home, "1.1")
        home.write_note({"serving": "1.0", "from": "", "why": "install", "at": 0, "refused": REFUSED})
        assert command.main(["status"], home) == 3
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "guestbook: serving 1.0; 1.1 was refused: / answers 500"
        assert lines[1:6] == ["  | c", "  | d", "  | e", "  | f", "  | g"]
        assert lines[-1] == "See its messages: sudo guestbook logs"
        assert command.main(["status", "--json"], home) == 3
        facts = json.loads(capsys.readouterr().out)
        assert facts["refused"] == REFUSED
        assert facts["healthy"] is False
        assert facts["page"]["status"] == 204

    def test_a_first_release_that_was_refused(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home.current.unlink()
        home.write_note({"refused": REFUSED})
        answers(monkeypatch, unit="inactive")
        assert command.main(["status"], home) == 3
        out = capsys.readouterr().out
        assert out.startswith("guestbook: stopped; 1.1 was refused: / answers 500\n")
        assert "  page" not in out
        assert command.main(["status", "--json"], home) == 3
        facts = json.loads(capsys.readouterr().out)
        assert facts["serving"] is None
        assert facts["page"] == {"path": None, "status": 0, "problem": "no release is served"}

    @pytest.mark.usefixtures("well")
    def test_after_a_rollback_it_says_what_is_installed(
        self, home: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pi.unpack(home, "1.1")
        assert command.main(["status"], home) == 0
        expected = "guestbook: serving 1.0; 1.1 is installed (sudo guestbook rollback --undo)"
        assert capsys.readouterr().out.splitlines()[0] == expected

    @pytest.mark.parametrize(
        ("user_id", "shown"), [(0, "\nSee its messages: sudo guestbook logs"), (7, "sudo guestbook logs")]
    )
    def test_down(
        self,
        home: Home,
        user_id: int,
        shown: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        answers(monkeypatch, Page(problem="it does not run"), workers=[], unit="failed")
        monkeypatch.setattr(os, "geteuid", lambda: user_id)
        assert command.main(["status"], home) == 3
        stdout = capsys.readouterr().out
        assert "  service  failed\n  page     /healthz?full=1 does not answer: it does not run\n" in stdout
        assert shown in stdout
        assert "workers" not in stdout

    def test_without_root_it_says_what_it_could_not_see(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answers(monkeypatch, Page(forbidden=True), workers=[])
        assert command.main(["status"], home) == 4
        output = capsys.readouterr()
        assert "  service  active" in output.out
        assert "sudo guestbook status" in output.err

    def test_without_systemd_the_page_decides(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answers(monkeypatch, unit="")
        assert command.main(["status"], home) == 0
        assert "systemd does not run here" in capsys.readouterr().out

    def test_one_that_sleeps_is_not_woken(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answers(monkeypatch, Page(500))
        monkeypatch.setattr(Emperor, "asleep", lambda *_: True)
        assert command.main(["status"], home) == 0
        stdout = capsys.readouterr().out
        assert "  service  active, asleep\n" in stdout
        assert "the next request wakes it" in stdout
        assert command.main(["status", "--json"], home) == 0
        assert json.loads(capsys.readouterr().out)["asleep"] is True


class TestProblems:
    """What is wrong around an app that answers."""

    @pytest.fixture
    def states(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """What systemd says of a unit: all is as it should be."""
        found: dict[str, str] = {}
        site = Site(home)
        for folder in (site.file.parent, site.link.parent):
            folder.mkdir(parents=True)
        site.file.write_text("server {}")
        site.link.symlink_to(site.file)
        answers(monkeypatch)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(status, "systemd_runs", lambda: True)
        monkeypatch.setattr(status, "state", lambda unit: found.get(unit, "active"))
        monkeypatch.setattr(status, "shown", lambda unit, _: found.get(f"{unit} load", "loaded"))
        monkeypatch.setattr(
            address, "find", lambda *_, **__: Addresses(("http://pi.local/",), "http://pi.local/")
        )
        monkeypatch.setattr(visit, "holders", lambda _: [])
        monkeypatch.setattr(call, "call", lambda *_, **__: (0, ""))
        monkeypatch.setattr(status, "latest", lambda *_: "")
        monkeypatch.setattr(visit, "problems", lambda *_: [found["visit"]] if "visit" in found else [])
        return found

    def told(self, home: Home, capsys: pytest.CaptureFixture[str], status: int) -> list[str]:
        assert command.main(["status"], home) == status
        lines = capsys.readouterr().out.splitlines()
        return [line.removeprefix("  problem  ") for line in lines if line.startswith("  problem")]

    @pytest.mark.usefixtures("states")
    def test_there_are_none(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.told(home, capsys, 0) == []

    def test_nginx_is_stopped_or_masked(
        self, home: Home, states: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        states["nginx.service"] = "inactive"
        assert self.told(home, capsys, 3) == ["nginx does not run (inactive): sudo systemctl start nginx"]
        states["nginx.service load"] = "masked"
        assert self.told(home, capsys, 3) == [
            "nginx does not run (masked): sudo systemctl unmask --now nginx"
        ]

    @pytest.mark.usefixtures("states")
    def test_the_site_is_empty_or_not_linked(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        Site(home).file.write_text("")
        (told,) = self.told(home, capsys, 3)
        assert told.endswith("is empty or missing: sudo dpkg-reconfigure guestbook")
        Site(home).file.write_text("server {}")
        Site(home).link.unlink()
        (told,) = self.told(home, capsys, 3)
        assert told.startswith("the site is not enabled: sudo ln -s ")

    def test_nginx_keeps_visitors_away(
        self, home: Home, states: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        states["visit"] = "nginx refuses"
        assert self.told(home, capsys, 3) == ["nginx refuses"]

    def test_the_service_of_a_trial_stands_in(
        self, home: Home, states: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        states["guestbook.service"] = "activating"
        (home.run / "web.sock").symlink_to("sockets/next/app.sock")
        (told,) = self.told(home, capsys, 3)
        assert told == (
            "guestbook.service does not serve (activating), guestbook.next.service serves in its place. "
            "The reason is in: sudo systemctl status guestbook.service. Then: sudo guestbook restart"
        )

    @pytest.mark.usefixtures("states")
    def test_settings_that_are_not_text(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        (home.root / "etc/guestbook/env").write_bytes(b"A=1\nB=\xff\n")
        (told,) = self.told(home, capsys, 3)
        assert "etc/guestbook/env, line 2: byte 0xff is not UTF-8" in told

    @pytest.mark.usefixtures("states")
    def test_its_addresses_and_who_has_that_of_the_machine(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        urls = ("http://guestbook.local/", "http://192.168.1.2:8002/")
        monkeypatch.setattr(address, "find", lambda *_, **__: Addresses(urls, "http://pi.local/", "chat"))
        assert command.main(["status"], home) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[-3:] == [
            "  address  http://guestbook.local/",
            "  address  http://192.168.1.2:8002/",
            "  note     http://pi.local/ shows chat",
        ]
        assert command.main(["status", "--json"], home) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["addresses"] == list(urls)
        assert facts["machine"] == {"address": "http://pi.local/", "shows": "chat"}

    @pytest.mark.usefixtures("states")
    def test_its_page_is_tested_at_its_addresses(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked: list[bool] = []

        def find(*_: object, pages: bool) -> Addresses:
            asked.append(pages)
            return Addresses(failing="http://pi.local/ answers 502", taken=("http://pi:81/ shows chat",))

        monkeypatch.setattr(address, "find", find)
        assert command.main(["status"], home) == 3
        lines = capsys.readouterr().out.splitlines()
        assert lines[1:3] == [
            "  problem  http://pi.local/ answers 502",
            "  warning  http://pi:81/ shows chat",
        ]
        answers(monkeypatch, Page(500))
        assert command.main(["status"], home) == 3
        assert asked == [True, False]

    @pytest.mark.usefixtures("states")
    def test_trouble_comes_first_and_only_problems_are_the_apps(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        around = Machine({"disk": {"free": 1, "size": 2}}, [], ["the Pi has too little voltage"])
        monkeypatch.setattr(machine, "look", lambda *_: around)
        assert command.main(["status"], home) == 0
        assert capsys.readouterr().out.splitlines()[1] == "  warning  the Pi has too little voltage"
        around.problems.append("the disk is full")
        assert command.main(["status"], home) == 3
        lines = capsys.readouterr().out.splitlines()
        assert lines[1:3] == ["  problem  the disk is full", "  warning  the Pi has too little voltage"]
        assert command.main(["status", "--json"], home) == 3
        facts = json.loads(capsys.readouterr().out)
        assert (facts["problems"], facts["warnings"]) == (around.problems, around.warnings)
        assert facts["system"] == {"disk": {"free": 1, "size": 2}}

    @pytest.mark.usefixtures("states")
    def test_workers_and_timers_have_a_line_each(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        job = Unit("tidy", "timer", "guestbook-tidy.service", "active", "status 1", next=0, last=0)
        worker = Unit("mails", "worker", "guestbook-mails.service", "active", "success", restarts=2)
        monkeypatch.setattr(units, "beside", lambda _: [worker, job])
        assert command.main(["status"], home) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[1] == (
            "  warning  the last run of guestbook-tidy.service failed (status 1): "
            "sudo journalctl -u guestbook-tidy.service"
        )
        assert {"  worker   mails active, restarted 2 times", "  timer    tidy active"} <= set(lines)
        assert command.main(["status", "--json"], home) == 0
        assert json.loads(capsys.readouterr().out)["units"][0] == {
            "name": "mails",
            "kind": "worker",
            "unit": "guestbook-mails.service",
            "state": "active",
            "result": "success",
            "restarts": 2,
            "next": 0,
            "last": 0,
        }

    @pytest.mark.usefixtures("states")
    def test_data_of_others_is_only_named(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(pwd, "getpwnam", lambda _: pi.ACCOUNT)
        for name in ("lost+found", *"abcdefg"):
            (home.data / name).touch()
        assert command.main(["status"], home) == 0
        note = capsys.readouterr().out.splitlines()[-1]
        assert note.startswith("  note     not the app's own in ")
        assert ": the folder itself, a, b, c, d and 3 more: sudo chown -R guestbook:guestbook /" in note

    @pytest.mark.parametrize("page", [Page(500), Page(problem="it does not run")])
    @pytest.mark.usefixtures("states")
    def test_an_app_that_does_not_answer_is_explained_by_its_messages_and_its_data(
        self,
        home: Home,
        page: Page,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        answers(monkeypatch, page)
        monkeypatch.setattr(pwd, "getpwnam", lambda _: pi.ACCOUNT)
        monkeypatch.setattr(status, "latest", lambda *_: "1\n2\n3\n4\n5\ndatabase is locked")
        assert command.main(["status"], home) == 3
        lines = capsys.readouterr().out.splitlines()
        assert lines[1] == (
            f"  problem  not the app's own in {home.data}: the folder itself: "
            f"sudo chown -R guestbook:guestbook {home.data}/"
        )
        assert lines[2:7] == ["  | 2", "  | 3", "  | 4", "  | 5", "  | database is locked"]
        assert command.main(["status", "--json"], home) == 3
        assert json.loads(capsys.readouterr().out)["log"].endswith("database is locked")

    @pytest.mark.usefixtures("states")
    def test_the_machine_no_longer_has_what_the_release_needs(
        self, home: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (home.root / "usr/bin/python3.13").unlink()
        home.data.rmdir()
        python, data = self.told(home, capsys, 3)
        assert python.startswith(
            "1.0 needs Python 3.13, which this Debian does not have. Install the guest"
        )
        assert python.endswith("sudo apt update && sudo apt install guestbook")
        assert data == f"the data folder {home.data} is missing: sudo dpkg-reconfigure guestbook"

    def test_a_worker_does_not_run(
        self, home: Home, states: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        pi.serve(home, "1.1", workers=["mails"], timers=["tidy"])
        states["guestbook-mails.service"] = "activating"
        assert self.told(home, capsys, 3) == [
            "guestbook-mails.service does not run (activating): sudo journalctl -u guestbook-mails.service"
        ]

    @pytest.mark.usefixtures("states")
    def test_dpkg_was_interrupted(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(dpkg, "problem", lambda package: f"{package} is half installed")
        assert self.told(home, capsys, 3) == ["guestbook is half installed"]
