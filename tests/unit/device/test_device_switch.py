"""Every way that a switch can go, with an emperor that only notes what it is asked for."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import address
import call
import handover
import pi
import preparation
import pytest
import switch
import task
from call import Deadline
from emperor import Emperor
from nginx_site import Site
from probe import Instance
from release import Home, Release
from switch import Switch


class Noting(Emperor):
    """An emperor without a uWSGI: it notes what it is asked for, and finds releases healthy or not."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.__dict__.update(active=False, on_trial=False, can_start=True, can_restart=True, halted=False)
        self.__dict__.update(problems={}, done=[])

    active: bool
    on_trial: bool
    can_start: bool
    can_restart: bool
    halted: bool
    """Whether an admin has stopped it."""
    problems: dict[str, str]
    """By ``VERSION UNIT`` or version, what is wrong with it."""
    done: list[str]

    def runs(self) -> bool:
        return self.active

    def stopped(self) -> bool:
        return self.halted

    def trial_runs(self) -> bool:
        return self.on_trial

    def start(self, release: Release) -> bool:
        self.done.append(f"start {release.version}")
        self.__dict__["active"] = self.can_start
        return self.can_start

    def stop(self) -> None:
        self.done.append("stop")
        self.__dict__["active"] = False

    def restart(self, drain: float = 0) -> bool:
        serving = self.home.serving()
        self.done.append(f"restart {serving.version if serving else ''}")
        self.__dict__["active"] = self.can_restart
        return self.can_restart

    def start_trial(self, release: Release, deadline: Deadline) -> str:
        assert deadline.left(1) == 1
        self.done.append(f"try {release.version}")
        self.__dict__["on_trial"] = True
        return self.problems.get(f"{release.version} start", "")

    def stop_trial(self, drain: float) -> None:
        self.done.append("end trial" if drain else "kill trial")
        self.__dict__["on_trial"] = False

    def reload_units(self) -> None:
        self.done.append("units")

    def log(self, unit: str, since: float) -> str:
        assert since > 0
        return f"what {unit} wrote"

    def wait_healthy(self, instance: Instance, seconds: float, *, settled: bool = False) -> str:
        assert 0 < seconds <= instance.release.health_timeout
        what = f"{instance.release.version} {self._place(instance)}"
        self.done.append(f"wait {what}" + (" settled" if settled else ""))
        return self.problems.get(what, self.problems.get(instance.release.version, ""))

    def turn(self, instance: Instance) -> None:
        self.done.append(f"turn {instance.release.version} {self._place(instance)}")
        super().turn(instance)

    def drain(self, instance: Instance, seconds: float) -> None:
        assert seconds > 0
        self.done.append(f"drain {instance.release.version} {self._place(instance)}")

    def start_beside(self, release: Release) -> list[str]:
        if release.beside:
            self.done.append(f"beside {release.version}")
        return [unit for unit in release.beside if unit in self.problems]

    def end_beside(self, before: Release, after: Release, seconds: float) -> None:
        self.done.append(f"{'end' if seconds else 'kill'} beside {before.version} for {after.version}")

    def _place(self, instance: Instance) -> str:
        return "trial" if instance.unit == self.trial_unit else "service"


class Pi:
    """A machine, what was run and said on it, and what the next switch will meet."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = pi.home(root)
        self.messages: list[str] = []
        self.ran: list[list[str]] = []
        self.answers: dict[str, tuple[int, str]] = {}
        """By a word of a command, its status and its output."""
        self.shown: dict[str, str] = {}
        self.nginx = ""
        """What nginx says against the site of a release."""
        self.sites: list[str] = []
        self.others = ""
        """What nginx says against the sites of others."""
        self.emperor = Noting(self.home)
        self.policy = False
        """Whether something says which services may be started."""
        real = Path.exists
        policy = "/usr/sbin/policy-rc.d"
        monkeypatch.setattr(
            Path, "exists", lambda path, **_: self.policy if str(path) == policy else real(path)
        )
        monkeypatch.setattr(task, "as_app", self.as_app)
        monkeypatch.setattr(task, "copies", lambda home, _: home.root / "var/backups/guestbook")
        monkeypatch.setattr(call, "call", lambda *argv, **_: self.answer(list(argv)))
        monkeypatch.setattr(call, "systemd_runs", lambda: True)
        monkeypatch.setattr(call, "shown", lambda _, name: self.shown.get(name, ""))
        monkeypatch.setattr(handover, "emperor_of", lambda _: self.emperor)
        monkeypatch.setattr(switch, "emperor_of", lambda _: self.emperor)
        monkeypatch.setattr(Site, "problem", lambda *_: self.nginx)
        monkeypatch.setattr(Site, "put", self.put)

    def put(self, site: Release, before: Release | None = None) -> str:
        self.sites.append(f"{site.version} {before.version if before else ''}".strip())
        return self.others

    def answer(self, argv: list[str]) -> tuple[int, str]:
        self.ran.append(argv)
        return next((found for word, found in self.answers.items() if word in " ".join(argv)), (0, ""))

    def as_app(
        self, home: Home, release: Release, argv: list[str], *, seconds: float, more: str = ""
    ) -> tuple[int, str]:
        assert home == self.home
        assert seconds in {release.health_timeout, release.migrate_timeout, preparation.PREPARE}
        if "--ini" in argv:
            self.tried = Path(argv[2]).read_text()
        if more:
            argv = [*argv, more]
        return self.answer(argv)

    def switch(self) -> Switch:
        return Switch(self.home, say=self.messages.append)

    def serves(self, version: str, **facts: Any) -> Release:
        """Have ``version`` installed and served."""
        found = pi.serve(self.home, version, **facts)
        self.emperor.start(found)
        self.emperor.turn(self.emperor.instance(found))
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
        """The versions of the releases that are kept."""
        folders = (path.name for path in self.home.releases.iterdir() if path.is_dir())
        return {re.sub(r"\.[0-9a-f]{8}$", "", name) for name in folders}


FIRST = ["start 1.0", "wait 1.0 service", "turn 1.0 service", "units"]
UPGRADE = [
    *("try 1.1", "wait 1.1 trial", "turn 1.1 trial", "units", "end beside 1.0 for 1.1"),
    *("drain 1.0 service", "restart 1.1", "wait 1.1 service settled", "turn 1.1 service"),
    *("drain 1.1 trial", "end trial"),
]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pi:
    return Pi(tmp_path, monkeypatch)


class TestInstall:
    def test_the_first(self, machine: Pi) -> None:
        assert machine.install("1.0")
        assert machine.emperor.done == FIRST
        assert (machine.serving, machine.sites) == ("1.0", ["1.0"])
        note = machine.home.note()
        assert (note["serving"], note["from"], note["why"]) == ("1.0", "", "install")
        assert machine.messages == []

    def test_an_upgrade_serves_from_its_trial_while_the_service_starts_again(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.1")
        assert machine.emperor.done == UPGRADE
        assert (machine.home.run / "web.sock").readlink() == Path("sockets/web/app.sock")
        assert (machine.serving, machine.kept, machine.sites) == ("1.1", {"1.0", "1.1"}, ["1.1 1.0"])
        note = machine.home.note()
        assert (note["serving"], note["from"], note["why"]) == ("1.1", "1.0", "install")

    def test_nginx_goes_to_the_trial_before_current_does(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.serves("1.0")
        seen: list[str] = []
        monkeypatch.setattr(Noting, "turn", lambda *_: seen.append(machine.serving))
        monkeypatch.setattr(Noting, "drain", lambda *_: seen.append(machine.serving))
        machine.install("1.1")
        assert seen == ["1.0", "1.1", "1.1", "1.1"]

    def test_the_same_once_more_asks_only_whether_it_is_healthy(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.0")
        assert machine.emperor.done == ["wait 1.0 service settled", "turn 1.0 service"]
        assert machine.ran == []

    def test_the_same_version_with_other_bytes_is_another_release(self, machine: Pi) -> None:
        old = machine.serves("1.0")
        assert machine.install("1.0", {"app/more.py": ""})
        assert machine.emperor.done[:2] == ["try 1.0", "wait 1.0 trial"]
        assert old.folder.is_dir()
        serving = machine.home.serving()
        assert serving
        assert serving.name != old.name

    def test_the_same_version_with_bad_bytes_leaves_the_good_ones_and_says_so(self, machine: Pi) -> None:
        old = machine.serves("1.0")
        machine.emperor.problems["1.0 trial"] = "/healthz answers 500"
        assert not machine.install("1.0", {"app/more.py": ""})
        assert machine.home.serving() == old
        assert machine.home.note()["refused"]["why"] == "/healthz answers 500"

    def test_a_downgrade_to_one_that_is_here_needs_no_new_trial_of_its_code(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.ran.clear()
        machine.emperor.done.clear()
        assert machine.install("1.0")
        assert machine.emperor.done[:2] == ["try 1.0", "wait 1.0 trial settled"]
        assert (machine.serving, machine.ran) == ("1.0", [])

    def test_a_service_that_the_admin_stopped_stays_so_and_the_release_is_tried(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.stop()
        machine.emperor.done.clear()
        machine.emperor.__dict__["halted"] = True
        assert machine.install("1.1")
        assert machine.emperor.done == [
            "try 1.1",
            "wait 1.1 trial",
            "kill trial",
            "units",
            "end beside 1.0 for 1.1",
        ]
        assert machine.serving == "1.1"
        machine.emperor.problems["1.2"] = "no"
        assert not machine.install("1.2")
        assert machine.serving == "1.1"

    def test_a_service_that_a_removal_stopped_is_started(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.__dict__.update(halted=True, active=False)
        (machine.home.run / "removing").touch()
        assert machine.install("1.0")
        assert machine.emperor.done[0] == "start 1.0"
        assert not (machine.home.run / "removing").exists()

    def test_a_service_that_failed_is_started(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.stop()
        assert machine.install("1.1")
        assert "restart 1.1" in machine.emperor.done

    @pytest.mark.parametrize("how", ["no systemd", "policy", "mask"])
    def test_where_nothing_may_be_started_it_is_ready_for_when_it_can(
        self, machine: Pi, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if how == "no systemd":
            monkeypatch.setattr(call, "systemd_runs", lambda: False)
        elif how == "policy":
            machine.policy = True
            machine.answers["policy-rc.d"] = (101, "")
        else:
            machine.shown["LoadState"] = "masked"
        assert machine.install("1.0")
        assert machine.emperor.done == []
        assert (machine.serving, machine.sites) == ("1.0", ["1.0"])

    def test_a_first_one_that_does_not_start_is_refused(self, machine: Pi) -> None:
        machine.emperor.__dict__["can_start"] = False
        assert not machine.install("1.0")
        assert (machine.serving, machine.kept) == ("", set())

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
        assert "wait 1.1 trial" in machine.emperor.done
        assert ["/bin/sh", "-c", "flask db upgrade"] in machine.ran

    def test_a_switch_that_was_killed_while_the_trial_had_the_requests_goes_on(self, machine: Pi) -> None:
        machine.serves("1.0")
        pi.unpack(machine.home, "1.1")
        release, _ = machine.home.snapshot()
        machine.emperor.__dict__["on_trial"] = True
        machine.emperor.turn(machine.emperor.instance(release, trial=True))
        machine.home.point(release)
        machine.emperor.done.clear()
        assert machine.switch().configure()
        assert machine.emperor.done == [
            *("end beside 1.1 for 1.1", "restart 1.1", "wait 1.1 service settled", "turn 1.1 service"),
            *("drain 1.1 trial", "end trial"),
        ]

    def test_what_runs_beside_it_changes_when_it_serves(self, machine: Pi) -> None:
        machine.serves("1.0")
        assert machine.install("1.1", workers=["mail"])
        assert machine.emperor.done == [*UPGRADE, "beside 1.1"]
        machine.emperor.problems["1.2"] = "no"
        assert not machine.install("1.2", workers=["mail"])
        assert "beside 1.2" not in machine.emperor.done

    def test_a_worker_that_ends_soon_is_named(self, machine: Pi) -> None:
        machine.emperor.problems["guestbook-mail.service"] = "ends"
        assert machine.install("1.0", workers=["mail"])
        expected = (
            "guestbook-mail.service stops soon after it starts: sudo journalctl -u guestbook-mail.service"
        )
        assert machine.messages == [f"guestbook: {expected}"]


class TestTrial:
    def test_the_code_is_tried_on_no_socket_of_the_service(self, machine: Pi) -> None:
        machine.install("1.0")
        trial = machine.home.releases / ".try.ini"
        assert machine.ran[0] == ["/usr/bin/uwsgi-core", "--ini", str(trial), "--no-server"]
        assert "\nsocket = /tmp/trial.sock\n" in machine.tried
        assert "socket-path" not in machine.tried
        assert f"set-placeholder = release={machine.home.releases}/1.0." in machine.tried
        assert "\nmodule = guestbook\n" in machine.tried
        assert not trial.exists()

    def test_code_that_cannot_be_loaded_is_never_started(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.answers["--no-server"] = (22, "ImportError: no module")
        assert not machine.install("1.1", migrate="flask db upgrade")
        assert machine.emperor.done == ["turn 1.0 service", "kill trial"]
        assert not [argv for argv in machine.ran if "flask db upgrade" in argv]
        assert (machine.serving, machine.kept) == ("1.0", {"1.0"})
        assert machine.messages == [
            "guestbook: 1.1 was refused; 1.0 keeps serving.",
            "guestbook: the app cannot be loaded",
            "  | ImportError: no module",
            "guestbook: to retry: sudo guestbook rollback --undo",
        ]
        refused = machine.home.note()["refused"]
        assert (refused["version"], refused["why"]) == ("1.1", "the app cannot be loaded")
        assert refused["log"] == "ImportError: no module"

    def test_a_first_release_may_need_its_tables_to_be_loaded(self, machine: Pi) -> None:
        real = machine.answer

        def answer(argv: list[str]) -> tuple[int, str]:
            migrated = any("flask up" in each for each in machine.ran)
            real(argv)
            return (22, "no such table: user") if "--ini" in argv and not migrated else (0, "")

        machine.answer = answer  # type: ignore[method-assign]
        assert machine.install("1.0", migrate="flask up")
        assert machine.serving == "1.0"
        assert [argv[-1] for argv in machine.ran if "--ini" in argv or "/bin/sh" in argv] == [
            "--no-server",
            "flask up",
            "--no-server",
        ]

    def test_a_first_release_that_cannot_be_loaded(self, machine: Pi) -> None:
        machine.answers["--no-server"] = (22, "ImportError: no module")
        assert not machine.install("1.0", migrate="flask up")
        assert "guestbook: the app cannot be loaded" in machine.messages
        assert machine.serving == ""

    def test_what_its_data_lacks_is_created_by_the_app_before_its_code_is_loaded(self, machine: Pi) -> None:
        assert machine.install("1.0", data={"app/instance": "", "app/logs": "logs/"}, migrate="flask up")
        release = machine.home.serving()
        assert release
        seed, load, copy, migrate, *_ = machine.ran
        assert seed[1:] == [
            "-IB",
            f"{machine.home.lib}/libexec/seed.py",
            str(release.folder),
            str(machine.home.data),
        ]
        assert [load[1], copy[2][-9:], migrate[0]] == ["--ini", "backup.py", "/bin/sh"]
        machine.install("1.1", data={"app/instance": ""})
        machine.ran.clear()
        assert machine.switch().rollback("")
        assert [argv for argv in machine.ran if "seed.py" in " ".join(argv)] == [seed]

    def test_data_that_cannot_be_created_keeps_no_release_out(self, machine: Pi) -> None:
        """The app owns its data. A broken-into one could put a file in the place of a folder."""
        machine.serves("1.0")
        machine.answers["seed.py"] = (1, "/var/lib/guestbook/logs cannot be created: Not a directory.")
        assert machine.install("1.1", data={"app/logs": "logs/"})
        assert machine.serving == "1.1"
        assert machine.messages[:2] == [
            "guestbook: its data is incomplete",
            "guestbook:   | /var/lib/guestbook/logs cannot be created: Not a directory.",
        ]

    def test_data_that_takes_too_long_is_named_with_what_to_type(self, machine: Pi) -> None:
        machine.answers["seed.py"] = (call.TIMED_OUT, "")
        files = {"seed/up/a": "", "seed/up/b/c": ""}
        assert machine.install("1.0", files, data={"app/up": "up/"})
        release = machine.home.serving()
        assert release
        assert machine.messages[0] == (
            f"guestbook: its data is incomplete: copying 2 files to {machine.home.data} takes longer than "
            f"300 s. Copy what is missing from {release.folder}/seed, then: "
            f"sudo chown -R guestbook:guestbook {machine.home.data}/"
        )

    def test_a_person_is_told_of_a_long_copy(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        timers: list[Any] = []

        class Timer(SimpleNamespace):
            def __init__(self, seconds: float, function: Callable[[], None]) -> None:
                super().__init__(seconds=seconds, done=False)
                timers.append(self)
                self.start = function  # the time has passed already

            def cancel(self) -> None:
                self.done = True

        monkeypatch.setattr("threading.Timer", Timer)
        assert machine.install("1.0", {"seed/up/a": ""}, data={"app/up": "up/"})
        assert capsys.readouterr().out == (
            f"guestbook: copying 1 file to {machine.home.data}, for 300 s at most\n"
        )
        assert [(timer.seconds, timer.done) for timer in timers] == [(2.0, True)]
        assert machine.install("1.1", data={"app/up": "up/"})
        assert capsys.readouterr().out == ""  # nothing to copy

    @pytest.mark.parametrize("status", [0, 1])
    def test_where_systemd_does_not_run_the_first_start_may_create_the_data(
        self, status: int, machine: Pi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(call, "systemd_runs", lambda: False)
        machine.answers["seed.py"] = (status, "")
        assert machine.install("1.0", data={"app/logs": "logs/"})
        assert [argv[2].rpartition("/")[2] for argv in machine.ran] == ["seed.py"]

    def test_the_databases_are_copied_before_they_are_changed(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.answers["backup.py"] = (0, "x.db begins like a SQLite database")
        machine.install("1.1", migrate="flask db upgrade && true")
        backup = str(machine.home.lib / "libexec/backup.py")
        copies = str(machine.home.root / "var/backups/guestbook")
        copy = ["/usr/bin/python3", "-IB", backup, str(machine.home.data), copies, "480.0"]
        assert machine.ran[1:3] == [
            [*copy, f"ReadWritePaths={copies}"],
            ["/bin/sh", "-c", "flask db upgrade && true"],
        ]
        assert machine.messages == ["guestbook: x.db begins like a SQLite database"]

    @pytest.mark.parametrize(
        ("word", "why"),
        [("backup.py", "its databases could not be copied"), ("flask db", "'flask db upgrade' failed")],
    )
    def test_a_migration_that_fails(self, machine: Pi, word: str, why: str) -> None:
        machine.serves("1.0")
        machine.answers[word] = (1, "no such table")
        assert not machine.install("1.1", migrate="flask db upgrade")
        assert machine.home.note()["refused"]["why"] == why
        assert "  | no such table" in machine.messages
        assert machine.serving == "1.0"
        assert "try 1.1" not in machine.emperor.done
        assert [argv[0] for argv in machine.ran].count("/bin/sh") == (word != "backup.py")

    def test_a_site_that_nginx_refuses_refuses_the_release(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.nginx = "a duplicate default server"
        assert not machine.install("1.1")
        assert machine.home.note()["refused"]["why"] == "nginx refuses its site"
        assert "  | a duplicate default server" in machine.messages
        assert machine.sites == []
        assert "try 1.1" not in machine.emperor.done


class TestServedByTheTrial:
    """The service of an earlier trial serves, because the app's own failed when it was to take over."""

    @pytest.fixture
    def trial(self, machine: Pi) -> Pi:
        release = machine.serves("1.0")
        machine.emperor.turn(machine.emperor.instance(release, trial=True))
        machine.emperor.__dict__["on_trial"] = True
        machine.emperor.done.clear()
        return machine

    def test_an_upgrade_first_moves_it_to_its_own_service(self, trial: Pi) -> None:
        assert trial.install("1.1")
        assert trial.serving == "1.1"
        assert trial.emperor.done[:4] == [
            "restart 1.0",
            "wait 1.0 service settled",
            "turn 1.0 service",
            "try 1.1",
        ]

    def test_a_release_that_is_refused_leaves_it_serving(self, trial: Pi) -> None:
        trial.answers["--no-server"] = (22, "ImportError: no module")
        assert not trial.install("1.1")
        assert trial.emperor.done == ["turn 1.0 trial"]
        assert "guestbook: 1.1 was refused; 1.0 keeps serving." in trial.messages

    def test_a_release_that_fails_in_its_own_service_does_not_keep_the_next_one_out(
        self, trial: Pi
    ) -> None:
        """Its app may have been broken into, and it must not decide about its successor."""
        trial.emperor.problems["1.0 service"] = "/ does not answer"
        assert trial.install("1.1")
        assert trial.serving == "1.1"
        assert "turn 1.0 service" not in trial.emperor.done
        assert trial.emperor.done[2] == "try 1.1"

    def test_a_trial_that_fails_then_ends(self, trial: Pi) -> None:
        trial.emperor.problems["1.1 trial"] = "/ answers 500"
        assert not trial.install("1.1")
        assert trial.emperor.done[-2:] == ["turn 1.0 service", "kill trial"]


class TestRefused:
    def test_an_upgrade_that_is_not_healthy_is_taken_down(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.1"] = "/healthz answers 500"
        assert not machine.install("1.1")
        assert machine.emperor.done == ["try 1.1", "wait 1.1 trial", "turn 1.0 service", "kill trial"]
        assert (machine.serving, machine.kept) == ("1.0", {"1.0"})
        assert machine.messages[1:3] == [
            "guestbook: /healthz answers 500",
            "  | what guestbook.next.service wrote",
        ]

    def test_one_whose_own_unit_does_not_start(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.1 start"] = "Failed to set up mount namespacing"
        assert not machine.install("1.1")
        assert machine.home.note()["refused"]["why"] == "its service does not start"
        assert machine.home.note()["refused"]["log"] == "Failed to set up mount namespacing"

    @pytest.mark.parametrize("how", ["restart", "health"])
    def test_one_that_is_healthy_on_trial_alone_gives_the_service_back(self, machine: Pi, how: str) -> None:
        machine.serves("1.0")
        if how == "health":
            machine.emperor.problems["1.1 service"] = "/healthz answers 500"
        else:
            machine.emperor.__dict__["can_restart"] = False
        assert not machine.install("1.1")
        assert machine.serving == "1.0"
        restarted = machine.emperor.done.index("restart 1.0")
        assert machine.emperor.done[restarted - 2 : restarted] == ["units", "kill beside 1.1 for 1.0"]
        assert "wait 1.0 service settled" in machine.emperor.done
        assert machine.emperor.done[-1] == "kill trial"
        assert machine.sites == ["1.1 1.0", "1.0 1.1"]

    def test_where_neither_is_healthy_in_the_service_the_trial_keeps_serving(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems |= {"1.1 service": "no", "1.0 service": "neither"}
        assert machine.install("1.1")
        assert machine.serving == "1.1"
        assert (
            "guestbook.next.service serves it because guestbook.service failed: no" in machine.messages[0]
        )
        assert machine.emperor.on_trial

    @pytest.mark.parametrize("wrong", [OSError(28, "No space left"), RecursionError(), KeyError("x")])
    def test_whatever_goes_wrong_is_a_refusal(
        self, machine: Pi, wrong: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.serves("1.0")

        def fail(*_: object) -> str:
            raise wrong

        monkeypatch.setattr(Noting, "start_trial", fail)
        assert not machine.install("1.1")
        why = machine.home.note()["refused"]["why"]
        assert why.startswith(f"the switch was interrupted: {type(wrong).__name__}")
        assert (machine.serving, machine.kept) == ("1.0", {"1.0"})

    def test_what_goes_wrong_after_the_release_is_served_goes_back(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.serves("1.0")

        def fail(*_: object) -> None:
            raise IndexError

        monkeypatch.setattr(Noting, "drain", fail)
        assert not machine.install("1.1")
        assert machine.home.note()["refused"]["version"] == "1.1"
        assert machine.serving == "1.0"
        assert machine.emperor.done[-1] == "kill trial"
        assert machine.sites[-1] == "1.0 1.1"

    def test_ctrl_c_takes_it_down_and_goes_on_up(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.serves("1.0")

        def interrupted(*_: object) -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr(Noting, "start_trial", interrupted)
        with pytest.raises(KeyboardInterrupt):
            machine.install("1.1")
        assert machine.emperor.done[-1] == "kill trial"
        assert machine.serving == "1.0"

    def test_nothing_that_an_app_wrote_controls_a_terminal(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.1"] = "\x1b]0;owned\x07\u202e"
        assert not machine.install("1.1")
        assert machine.messages[1] == "guestbook: \\x1b]0;owned\\x07\\u202e"

    def test_what_was_known_of_the_one_that_keeps_serving_stays_known(self, machine: Pi) -> None:
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
        assert machine.emperor.done == ["start 1.0", "wait 1.0 service", "stop", "kill beside 1.0 for 1.0"]
        assert (machine.serving, machine.kept) == ("", set())
        assert machine.messages[0] == "guestbook: 1.0 was refused; the service stays stopped."
        assert machine.home.note()["refused"]["version"] == "1.0"

    def test_the_one_that_serves_is_never_taken_down(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.problems["1.0"] = "/ answers 500"
        assert not machine.install("1.0")
        assert machine.emperor.done == ["wait 1.0 service settled"]
        assert (machine.serving, machine.kept) == ("1.0", {"1.0"})
        assert machine.messages[0] == "guestbook: 1.0 was refused; it keeps serving."

    def test_one_that_does_not_run_is_not_said_to_serve(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.emperor.__dict__.update(active=False, can_start=False)
        assert not machine.switch().undo()
        assert machine.messages[0] == (
            "guestbook: 1.0 was refused; nothing is served: the service of 1.0 does not run."
        )

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
            *("try 1.0", "wait 1.0 trial settled", "turn 1.0 trial", "units", "end beside 1.1 for 1.0"),
            *("drain 1.1 service", "restart 1.0", "wait 1.0 service settled", "turn 1.0 service"),
            *("drain 1.0 trial", "end trial"),
        ]
        assert machine.ran == [["dpkg", "--compare-versions", "1.0", "lt", "1.1"]]
        note = machine.home.note()
        assert (note["serving"], note["from"], note["why"]) == ("1.0", "1.1", "rollback")

    def test_to_one_by_its_version(self, machine: Pi) -> None:
        machine.serves("1:1.0")
        machine.install("1:1.1", keep_releases=3)
        machine.install("1:1.2", keep_releases=3)
        assert machine.switch().rollback("1:1.0")
        assert machine.serving == "1:1.0"

    def test_it_removes_nothing_whatever_the_older_release_wanted_to_keep(self, machine: Pi) -> None:
        machine.serves("1.0", keep_releases=1)
        machine.install("1.1", keep_releases=2)
        machine.install("1.2", keep_releases=3)
        for expected in ("1.1", "1.0"):
            assert machine.switch().rollback(expected)
            assert (machine.serving, machine.kept) == (expected, {"1.0", "1.1", "1.2"})
        assert machine.switch().rollback("1.2")
        assert machine.serving == "1.2"

    @pytest.mark.parametrize("name", ["1.1", "1.1-1", "1.1-1+deb13"])
    def test_to_the_installed_one_that_was_refused_by_its_name(self, machine: Pi, name: str) -> None:
        machine.serves("1.0-1+deb13")
        machine.emperor.problems["1.1-1+deb13"] = "a setting is missing"
        assert not machine.install("1.1-1+deb13")
        del machine.emperor.problems["1.1-1+deb13"]
        assert machine.switch().rollback(name)
        assert machine.serving == "1.1-1+deb13"

    @pytest.mark.parametrize("installed", ["1.1", "1.2"])
    def test_it_starts_a_service_that_was_stopped(self, machine: Pi, installed: str) -> None:
        machine.serves("1.0")
        machine.install(installed)
        machine.emperor.stop()
        machine.emperor.__dict__["halted"] = True
        assert machine.switch().rollback("")
        assert "restart 1.0" in machine.emperor.done

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

    @pytest.mark.parametrize("state", ["half-installed ok", "unpacked reinstreq", "not-installed ok"])
    def test_what_dpkg_has_not_unpacked_in_full_is_not_undone_to(self, machine: Pi, state: str) -> None:
        machine.serves("1.0")
        machine.answers["dpkg-query"] = (0, state)
        with pytest.raises(LookupError, match=r"apt install \./DEB"):
            machine.switch().undo()

    def test_there_is_none_before_the_first(self, machine: Pi) -> None:
        machine.serves("1.0")
        with pytest.raises(LookupError) as unknown:
            machine.switch().rollback("")
        message = "nothing older than 1.0 is kept on this machine (the package keeps 2 releases)"
        assert unknown.value.args == (message,)

    def test_one_that_is_not_here(self, machine: Pi) -> None:
        machine.serves("1.0")
        machine.install("1.1")
        machine.emperor.done.clear()
        with pytest.raises(LookupError, match=r"there is no .*0\.9 on this machine; there are: 1\.0$"):
            machine.switch().rollback("0.9")
        assert machine.emperor.done == []


def test_what_nginx_has_against_others_is_told(machine: Pi) -> None:
    machine.others = "no certificate\nin sites-enabled/other:3"
    assert machine.install("1.0")
    assert machine.messages == [
        "guestbook: nginx keeps its old configuration because the new one is broken:",
        "guestbook: no certificate",
        "guestbook: in sites-enabled/other:3",
        "guestbook: correct that file, then: sudo nginx -t && sudo systemctl reload nginx",
    ]


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

    def test_it_prints_the_addresses_of_what_it_serves(
        self, machine: Pi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        published: list[Home] = []
        pi.unpack(machine.home, "1.0")
        monkeypatch.setattr(Switch, "configure", lambda _: True)
        monkeypatch.setattr(address, "publish", published.append)
        monkeypatch.setattr(address, "printed", lambda _: "its address: http://pi.local/")
        assert switch.main(machine.home) == 0
        assert published == [machine.home]
        assert capsys.readouterr().out == "guestbook: its address: http://pi.local/\n"

    def test_it_ends_well_at_ctrl_c(self, machine: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(_: Switch) -> bool:
            raise KeyboardInterrupt

        pi.unpack(machine.home, "1.0")
        monkeypatch.setattr(Switch, "configure", interrupted)
        assert switch.main(machine.home) == 0

    @pytest.mark.parametrize("damage", ["", "not json", json.dumps({"package": "guestbook"})])
    def test_it_ends_well_where_nothing_can_be_done(
        self, machine: Pi, damage: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if damage:
            (machine.home.lib / "dist").mkdir()
            (machine.home.lib / "dist/release.json").write_text(damage)
        assert switch.main(machine.home) == 0
        stderr = capsys.readouterr().err
        assert re.search(r"^guestbook: cannot serve the installed version: ", stderr)
        assert "sudo guestbook rollback --undo" in stderr
