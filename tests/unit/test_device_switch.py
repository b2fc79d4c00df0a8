"""Every way that a switch can go, with an emperor that only notes what it is asked for."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pi
import pytest
import switch
import task
from emperor import Emperor
from release import Home, Release
from switch import Switch


class Noting(Emperor):
    """An emperor without a uWSGI: it notes what it is asked for, and finds releases well or not."""

    def __init__(self, home: Home, *, active: bool) -> None:
        super().__init__(home)
        self.__dict__.update(active=active, can_start=True, halted=False, problems={}, done=[])

    active: bool
    can_start: bool
    halted: bool
    """Whether an admin has stopped it."""
    problems: dict[str, str]
    """By version, what is wrong with it."""
    done: list[str]

    def runs(self) -> bool:
        return self.active

    def summon(self, release: Release) -> None:
        self.link(release).symlink_to(release.vassal)
        self.done.append(f"summon {release.version}")

    def stopped(self) -> bool:
        return self.halted

    def reload(self, release: Release) -> None:
        self.done.append(f"reload {release.version}")

    def start(self, release: Release) -> bool:
        self.done.append(f"start {release.version}")
        self.__dict__["active"] = self.can_start
        if self.can_start:
            for link in self.link(release).parent.iterdir():
                link.unlink()
            self.link(release).symlink_to(release.vassal)
        return self.can_start

    def stop(self) -> None:
        self.done.append("stop")
        self.__dict__["active"] = False

    def log(self, since: float) -> str:
        assert since > 0
        return "what the journal has"

    def wait_well(self, release: Release, seconds: float, *, settled: bool = False) -> str:
        assert seconds == release.health_timeout
        self.done.append(f"wait {release.version}" + (" settled" if settled else ""))
        return self.problems.get(release.version, "")

    def turn(self, release: Release) -> None:
        self.done.append(f"turn {release.version}")

    def restart_beside(self, release: Release, before: Release | None) -> None:
        if release.beside:
            self.done.append(f"beside {release.version}")

    def drain(self, release: Release, seconds: float) -> None:
        assert seconds > 0
        self.done.append(f"drain {release.version}")

    def dismiss(self, release: Release) -> None:
        self.link(release).unlink(missing_ok=True)
        self.done.append(f"dismiss {release.version}")


class Pi:
    """A machine, what was run and said on it, and what the next switch will meet."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = pi.home(root)
        self.said: list[str] = []
        self.ran: list[list[str]] = []
        self.answers: dict[str, tuple[int, str]] = {}
        """By a word of a command, its status and its output."""
        self.emperor = Noting(self.home, active=False)
        monkeypatch.setattr(task, "as_app", self.as_app)
        monkeypatch.setattr(subprocess, "run", self.run)

    def answer(self, argv: list[str]) -> tuple[int, str]:
        self.ran.append(argv)
        return next((found for word, found in self.answers.items() if word in " ".join(argv)), (0, ""))

    def as_app(self, home: Home, release: Release, argv: list[str], *, seconds: float) -> tuple[int, str]:
        assert home == self.home
        assert seconds in {release.health_timeout, release.migrate_timeout}
        if "--ini" in argv:
            self.tried = Path(argv[2]).read_text()
        return self.answer(argv)

    def run(self, argv: list[str], **_: object) -> SimpleNamespace:
        status, said = self.answer(argv)
        return SimpleNamespace(returncode=status, stderr=said)

    def switch(self) -> Switch:
        found = Switch(self.home, say=self.said.append)
        found.emperor = self.emperor
        return found

    def serves(self, version: str, **facts: Any) -> Release:
        """Have ``version`` installed and served."""
        found = pi.serve(self.home, version, **facts)
        self.emperor.start(found)
        self.emperor.done.clear()
        return found

    def install(self, version: str, files: dict[str, str] | None = None, **facts: Any) -> bool:
        """Do what dpkg and its postinst do."""
        pi.unpack(self.home, version, files, **facts)
        return self.switch().configure()

    @property
    def serving(self) -> str:
        found = self.home.serving()
        return found.version if found else ""

    @property
    def kept(self) -> set[str]:
        return {path.name for path in self.home.releases.iterdir() if path.is_dir()}

    @property
    def vassals(self) -> set[str]:
        return {path.name for path in (self.home.run / "vassals").iterdir()}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pi:
    return Pi(tmp_path, monkeypatch)


class TestInstall:
    def test_the_first(self, machine: Pi) -> None:
        assert machine.install("1.0")
        assert machine.emperor.done == ["start 1.0", "wait 1.0", "turn 1.0"]
        assert machine.serving == "1.0"
        note = machine.home.note()
        assert (note["serving"], note["from"], note["why"]) == ("1.0", "", "install")
        assert machine.said == []

    def test_an_upgrade_stands_beside_what_runs_until_it_is_well(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.1")
        assert machine.emperor.done == ["summon 1.1", "wait 1.1", "turn 1.1", "drain 1.0", "dismiss 1.0"]
        assert (machine.serving, machine.vassals) == ("1.1", {"web-1.1.ini"})
        assert machine.kept == {"1.0", "1.1"}
        note = machine.home.note()
        assert (note["serving"], note["from"], note["why"]) == ("1.1", "1.0", "install")

    def test_nginx_goes_there_before_current_does(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.serves("1.0")
        seen: list[str] = []
        monkeypatch.setattr(machine.emperor.__class__, "turn", lambda *_: seen.append(machine.serving))
        monkeypatch.setattr(machine.emperor.__class__, "drain", lambda *_: seen.append(machine.serving))
        machine.install("1.1")
        assert seen == ["1.0", "1.1"]

    def test_the_same_once_more_asks_only_whether_it_is_well(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.0")
        assert machine.emperor.done == ["wait 1.0 settled", "turn 1.0"]
        assert machine.ran == []

    def test_the_same_version_with_other_bytes_is_loaded_again(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.0", {"app/more.py": ""})
        assert machine.emperor.done == ["reload 1.0", "wait 1.0", "turn 1.0"]

    def test_a_downgrade_to_one_that_is_here_needs_no_trial(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.ran.clear()
        machine.emperor.done.clear()
        assert machine.install("1.0")
        assert "wait 1.0 settled" in machine.emperor.done
        assert machine.serving == "1.0"
        assert machine.ran == []

    def test_a_service_that_the_admin_stopped_stays_so(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.stop()
        machine.emperor.done.clear()
        machine.emperor.__dict__["halted"] = True
        assert machine.install("1.1")
        assert machine.emperor.done == []
        assert machine.serving == "1.1"

    def test_a_service_that_failed_is_started(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.stop()
        assert machine.install("1.1")
        assert "start 1.1" in machine.emperor.done

    def test_where_nothing_can_be_started_it_is_ready_for_when_it_can(self, machine: Pi) -> None:
        machine.emperor.__dict__["can_start"] = False
        assert machine.install("1.0")
        assert machine.emperor.done == ["start 1.0"]
        assert machine.serving == "1.0"

    def test_as_many_releases_stay_as_the_author_wants(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1", keep_releases=3)
        machine.install("1.2", keep_releases=3)
        assert machine.kept == {"1.0", "1.1", "1.2"}
        machine.install("1.3", keep_releases=1)
        assert machine.kept == {"1.3"}

    def test_after_a_cut_the_trial_is_made_again(self, machine: Pi) -> None:
        machine.serves("1.0")
        pi.unpack(machine.home, "1.1", migrate="flask db upgrade")
        machine.home.snapshot()  # and then the power was cut
        assert machine.switch().configure()
        assert "wait 1.1" in machine.emperor.done
        assert ["/bin/sh", "-c", "flask db upgrade"] in machine.ran

    def test_what_a_switch_left_behind_that_was_killed_is_dismissed(self, machine: Pi) -> None:
        old = machine.serves("1.0")
        machine.install("1.1")
        machine.emperor.link(old).symlink_to(old.vassal)  # killed before it was dismissed
        machine.emperor.done.clear()
        assert machine.switch().configure()
        assert machine.emperor.done[-2:] == ["drain 1.0", "dismiss 1.0"]

    def test_what_runs_beside_it_changes_when_it_serves(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.1", workers=["mail"])
        assert machine.emperor.done[2:4] == ["turn 1.1", "beside 1.1"]
        machine.emperor.problems["1.2"] = "no"
        assert not machine.install("1.2", workers=["mail"])
        assert "beside 1.2" not in machine.emperor.done


class TestTrial:
    def test_the_code_is_tried_on_no_socket_of_the_service(self, machine: Pi) -> None:
        machine.install("1.0")
        trial = machine.home.releases / ".try.ini"
        assert machine.ran[0] == ["/usr/bin/uwsgi-core", "--ini", str(trial), "--no-server"]
        assert f"\nsocket = {machine.home.run}/try.sock\n" in machine.tried
        assert "web-1.0" not in machine.tried
        assert "\nmodule = guestbook\n" in machine.tried
        assert not trial.exists()

    def test_code_that_cannot_be_loaded_is_never_started(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.answers["--no-server"] = (22, "ImportError: no module")
        assert not machine.install("1.1", migrate="flask db upgrade")
        assert machine.emperor.done == ["dismiss 1.1"]
        assert not [argv for argv in machine.ran if "flask db upgrade" in argv]
        assert (machine.serving, machine.kept, machine.vassals) == ("1.0", {"1.0"}, {"web-1.0.ini"})
        assert machine.said == [
            "guestbook: 1.1 was refused, and 1.0 serves on.",
            "guestbook: the app cannot be loaded",
            "  | ImportError: no module",
            "guestbook: to try it again: sudo guestbook rollback --undo",
        ]
        refused = machine.home.note()["refused"]
        assert (refused["version"], refused["why"]) == ("1.1", "the app cannot be loaded")
        assert refused["log"] == "ImportError: no module"

    def test_the_databases_are_copied_before_they_are_changed(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1", migrate="flask db upgrade && true")
        backup = str(machine.home.lib / "libexec/backup.py")
        assert machine.ran[1:3] == [
            ["/usr/bin/python3", "-IB", backup, str(machine.home.data)],
            ["/bin/sh", "-c", "flask db upgrade && true"],
        ]

    @pytest.mark.parametrize(
        ("word", "why"),
        [("backup.py", "its databases could not be copied"), ("flask db", "'flask db upgrade' failed")],
    )
    def test_a_migration_that_fails(self, machine: Pi, word: str, why: str) -> None:
        machine.serves("1.0")
        machine.answers[word] = (1, "no such table")
        assert not machine.install("1.1", migrate="flask db upgrade")
        assert machine.home.note()["refused"]["why"] == why
        assert "  | no such table" in machine.said
        assert machine.serving == "1.0"
        assert "summon 1.1" not in machine.emperor.done
        assert [argv[0] for argv in machine.ran].count("/bin/sh") == (word != "backup.py")


class TestRefused:
    def test_an_upgrade_that_is_not_well_is_taken_down(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.1"] = "/healthz answers 500"
        assert not machine.install("1.1")
        assert machine.emperor.done == ["summon 1.1", "wait 1.1", "dismiss 1.1"]
        assert (machine.serving, machine.kept, machine.vassals) == ("1.0", {"1.0"}, {"web-1.0.ini"})
        assert machine.said[1:3] == ["guestbook: /healthz answers 500", "  | what the journal has"]

    def test_what_was_known_of_the_one_that_serves_on_stays_known(self, machine: Pi) -> None:
        machine.install("1.0")
        before = machine.home.note()
        machine.emperor.problems.update({"1.1": "no", "1.2": "neither"})
        machine.install("1.1")
        machine.install("1.2")
        note = machine.home.note()
        assert note.pop("refused")["version"] == "1.2"
        assert note == before

    def test_the_next_good_one_installs(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.1"] = "no"
        machine.install("1.1")
        assert machine.install("1.2")
        assert machine.serving == "1.2"
        assert "refused" not in machine.home.note()

    def test_a_first_one_is_left_stopped(self, machine: Pi) -> None:
        machine.emperor.problems["1.0"] = "/ answers 500"
        assert not machine.install("1.0")
        assert machine.emperor.done == ["start 1.0", "wait 1.0", "stop", "dismiss 1.0"]
        assert (machine.serving, machine.kept, machine.vassals) == ("", set(), set())
        assert machine.said[0] == "guestbook: 1.0 was refused, and the service is left stopped."
        assert machine.home.note()["refused"]["version"] == "1.0"

    def test_a_service_that_was_down_gets_back_what_it_had(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.stop()
        machine.emperor.done.clear()
        machine.emperor.problems["1.1"] = "no"
        assert not machine.install("1.1")
        assert machine.emperor.done == ["start 1.1", "wait 1.1", "start 1.0", "dismiss 1.1"]
        assert machine.vassals == {"web-1.0.ini"}

    def test_the_one_that_serves_is_never_taken_down(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.0"] = "/ answers 500"
        assert not machine.install("1.0")
        assert machine.emperor.done == ["wait 1.0 settled"]
        assert (machine.serving, machine.kept) == ("1.0", {"1.0"})

    def test_a_release_that_was_served_before_is_kept(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.emperor.problems["1.0"] = "the data is too new"
        assert not machine.switch().rollback("")
        assert machine.kept == {"1.0", "1.1"}
        assert machine.serving == "1.1"


class TestRollback:
    def test_to_the_one_before(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.emperor.done.clear()
        machine.ran.clear()
        assert machine.switch().rollback("")
        assert machine.emperor.done == [
            "summon 1.0",
            "wait 1.0 settled",
            "turn 1.0",
            "drain 1.1",
            "dismiss 1.1",
        ]
        assert machine.ran == []
        note = machine.home.note()
        assert (note["serving"], note["from"], note["why"]) == ("1.0", "1.1", "rollback")

    @pytest.mark.parametrize("name", ["1:1.0", "1_1.0"])
    def test_to_one_by_its_version_or_its_name(self, machine: Pi, name: str) -> None:
        machine.serves("1:1.0")
        machine.install("1:1.1", keep_releases=3)
        machine.install("1:1.2", keep_releases=3)
        assert machine.switch().rollback(name)
        assert machine.serving == "1:1.0"

    @pytest.mark.parametrize("installed", ["1.1", "1.2"])
    def test_it_starts_a_service_that_was_stopped(self, machine: Pi, installed: str) -> None:
        machine.serves("1.0")
        machine.install(installed)
        machine.emperor.stop()
        machine.emperor.__dict__["halted"] = True
        assert machine.switch().rollback("")
        assert "start 1.0" in machine.emperor.done
        assert machine.vassals == {"web-1.0.ini"}

    def test_undone_it_is_what_is_installed(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.switch().rollback("")
        assert machine.switch().undo()
        assert machine.serving == "1.1"
        assert machine.home.note()["why"] == "undo"

    def test_to_undo_is_also_to_try_again_what_was_refused(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.1"] = "a setting is missing"
        assert not machine.install("1.1")
        del machine.emperor.problems["1.1"]
        assert machine.switch().undo()
        assert machine.serving == "1.1"
        assert "refused" not in machine.home.note()

    def test_there_is_none_before_the_first(self, machine: Pi) -> None:
        machine.serves("1.0")
        with pytest.raises(LookupError) as unknown:
            machine.switch().rollback("")
        assert unknown.value.args == ("there is no release before this one; on this machine are: none",)

    def test_one_that_is_not_here(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.emperor.done.clear()
        with pytest.raises(LookupError, match=r"there is no .*0\.9; on this machine are: 1\.0$"):
            machine.switch().rollback("0.9")
        assert machine.emperor.done == []


class TestNginx:
    def test_it_is_reloaded_if_its_part_changed(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1", {"nginx/server.conf": "location /new {}\n"})
        assert machine.ran[-2:] == [
            ["/usr/sbin/nginx", "-t", "-q"],
            ["systemctl", "try-reload-or-restart", "nginx.service"],
        ]

    def test_it_is_left_alone_if_not(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        assert not [argv for argv in machine.ran if "nginx" in argv[0]]

    def test_what_is_broken_is_named_and_not_loaded(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.answers["nginx -t"] = (1, "no certificate\nin sites-enabled/other:3\n")
        assert machine.install("1.1", {"nginx/server.conf": ""})
        assert machine.ran[-1] == ["/usr/sbin/nginx", "-t", "-q"]
        assert machine.said == [
            "guestbook: nginx keeps its old configuration, as the new one is broken:",
            "  | no certificate\n  | in sites-enabled/other:3",
        ]
        assert machine.serving == "1.1"


def test_one_switch_at_a_time(machine: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[int] = []
    monkeypatch.setattr(fcntl, "flock", lambda _, how: locked.append(how))
    machine.install("1.0")
    machine.switch().undo()
    with pytest.raises(LookupError):
        machine.switch().rollback("")
    assert locked == [fcntl.LOCK_EX] * 3


class TestPostinst:
    """What dpkg sees."""

    def test_it_ends_well_whatever_became_of_the_release(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Home] = []

        def configure(self: Switch) -> bool:
            asked.append(self.home)
            return False

        pi.unpack(machine.home, "1.0")
        monkeypatch.setattr(Switch, "configure", configure)
        assert switch.main(machine.home) == 0
        assert asked == [machine.home]

    @pytest.mark.parametrize("damage", ["", "not json", json.dumps({"package": "guestbook"})])
    def test_it_ends_well_where_nothing_can_be_done(
        self, machine: Pi, damage: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if damage:
            (machine.home.lib / "dist").mkdir()
            (machine.home.lib / "dist/release.json").write_text(damage)
        assert switch.main(machine.home) == 0
        said = capsys.readouterr().err
        assert re.search(r"^guestbook: what was installed could not be put into service: ", said)
        assert "sudo guestbook rollback --undo" in said
