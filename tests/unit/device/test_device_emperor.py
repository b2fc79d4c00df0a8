"""The app's service and that of a trial, without a systemd: what it is told is noted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import call
import pi
import probe
import pytest
import sandbox
from call import Deadline
from emperor import Emperor
from probe import Instance, Page
from release import Home

GOOD = Page(200)
DOWN = Page(problem="it does not run (Connection refused)")
UNIT = """\
[Unit]
Description=x
[Service]
Type=notify
ExecStart=/usr/bin/uwsgi-core
User=guestbook
# a comment
InaccessiblePaths=-{run}/sockets/next
ReadWritePaths=/var/lib/guestbook \\
 /srv
RestartSec=1s
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return pi.home(tmp_path)


class Told:
    """What was run, and what it answers: by a word of it, a status and an output."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.answers: dict[str, tuple[int, str]] = {}

    def __call__(self, *argv: str, **_: object) -> tuple[int, str]:
        self.ran.append(list(argv))
        return next((found for word, found in self.answers.items() if word in " ".join(argv)), (0, ""))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    found = Told()
    monkeypatch.setattr(call, "call", found)
    monkeypatch.setattr(call, "systemd_runs", lambda: True)
    return found


class TestInstances:
    def test_each_service_has_a_folder_of_sockets(self, home: Home) -> None:
        release = pi.serve(home, "1.0")
        mine, trial = Emperor(home).instance(release), Emperor(home).instance(release, trial=True)
        assert (mine.unit, mine.sock) == ("guestbook.service", home.run / "sockets/web/app.sock")
        assert (trial.unit, trial.stats) == ("guestbook.next.service", home.run / "sockets/next/app.stats")

    @pytest.mark.parametrize(
        ("target", "unit", "sock"),
        [
            ("", "guestbook.service", "sockets/web/app.sock"),
            ("sockets/web/app.sock", "guestbook.service", "sockets/web/app.sock"),
            ("sockets/next/app.sock", "guestbook.next.service", "sockets/next/app.sock"),
            ("web-1.0.sock", "guestbook.service", "web-1.0.sock"),
        ],
    )
    def test_the_one_that_serves_is_where_nginx_is_led(
        self, home: Home, target: str, unit: str, sock: str
    ) -> None:
        release = pi.serve(home, "1.0")
        if target:
            (home.run / "web.sock").symlink_to(target)
        found = Emperor(home).serving(release)
        assert (found.unit, found.sock) == (unit, home.run / sock)

    def test_nginx_is_led_to_a_socket_by_a_link_of_roots(self, home: Home) -> None:
        release = pi.serve(home, "1.0")
        Emperor(home).turn(Emperor(home).instance(release, trial=True))
        assert (home.run / "web.sock").readlink() == Path("sockets/next/app.sock")
        own = pi.serve(home, "1.1", server="command")
        Emperor(home).turn(Emperor(home).instance(own))
        assert (home.run / "http.sock").readlink() == Path("sockets/web/app.sock")


class TestTrial:
    def units(self, home: Home, folder: str = "guestbook.next.service.d") -> list[str]:
        found = sorted((home.root / "run/systemd/system" / folder).iterdir())
        return [path.read_text() for path in found]

    def test_it_has_the_settings_of_its_own_unit_and_the_admins(self, home: Home, told: Told) -> None:
        text = UNIT.format(run=home.run)
        drop_in = home.root / "etc/drop-in.conf"
        drop_in.write_text("[Service]\nDeviceAllow=/dev/fb0\nExecStartPre=/bin/false\n")
        told.answers["--version"] = (0, "systemd 257 (257.13-1~deb13u1)")
        told.answers["DropInPaths"] = (0, f"{drop_in} /nowhere.conf\n")
        pi.unpack(home, "1.0", {"systemd/guestbook.service": text})
        release, _ = home.snapshot()
        assert Emperor(home).start_trial(release, Deadline(60)) == ""
        assert self.units(home) == [
            (
                f"[Service]\nUser=guestbook\nInaccessiblePaths=-{home.run}/sockets/web\n"
                "ReadWritePaths=/var/lib/guestbook   /srv\n"
            ),
            "[Service]\nDeviceAllow=/dev/fb0\n",
            "[Service]\nPrivatePIDs=yes\n",
        ]
        boot, run = (argv for argv in told.ran if argv[0] != "systemctl")
        assert boot == [str(home.lib / "libexec/boot"), "guestbook", "next", str(release.folder)]
        assert {"--unit=guestbook.next.service", "--service-type=exec", "--collect"} <= set(run)
        assert "--property=ExecStop=+/usr/bin/sh -c 'kill $MAINPID; timeout " in " ".join(run)
        vassals = str(home.run / "vassals-next")
        uwsgi = ["/usr/bin/uwsgi-core", "--ini", f"{vassals}/emperor", "--emperor", vassals]
        assert run[-6:] == ["--", *uwsgi]

    @pytest.mark.parametrize(
        ("word", "output", "problem"),
        [
            ("boot", "mount: permission denied", "mount: permission denied"),
            ("boot", "", "its folders could not be made"),
            ("systemd-run", "Failed at step NAMESPACE", "Failed at step NAMESPACE"),
            ("systemd-run", "", "its service does not start"),
        ],
    )
    def test_one_that_does_not_start(
        self, home: Home, told: Told, *, word: str, output: str, problem: str
    ) -> None:
        told.answers[word] = (1, output)
        pi.unpack(home, "1.0", {"systemd/guestbook.service": UNIT.format(run=home.run)})
        release, _ = home.snapshot()
        assert Emperor(home).start_trial(release, Deadline(60)) == problem

    @pytest.mark.parametrize("drain", [0, 30])
    def test_its_end_takes_all_of_it_away(self, home: Home, told: Told, drain: float) -> None:
        told.answers["ActiveState"] = (0, "active")
        (home.root / "run/systemd/system/guestbook.next.service.d").mkdir(parents=True)
        (home.run / "vassals-next").mkdir()
        assert Emperor(home).trial_runs()
        Emperor(home).stop_trial(drain)
        ran = [" ".join(argv) for argv in told.ran]
        assert ("systemctl kill --signal=SIGKILL guestbook.next.service" in ran) is (drain == 0)
        assert "systemctl stop guestbook.next.service" in ran
        assert list((home.root / "run/systemd/system").iterdir()) == []
        assert not (home.run / "vassals-next").exists()

    def test_one_that_does_not_run_is_not_ended(self, home: Home, told: Told) -> None:
        told.answers["ActiveState"] = (0, "inactive")
        Emperor(home).stop_trial(0)
        assert [argv[1] for argv in told.ran] == ["show"]

    def test_a_release_of_the_time_before_has_the_unit_that_is_installed(
        self, home: Home, told: Told
    ) -> None:
        release = pi.serve(home, "1.0")
        pi.unpack(home, "1.1", {"systemd/guestbook.service": UNIT.format(run=home.run)})
        sandbox.put(home, release, "x.service")
        assert "User=guestbook" in self.units(home, "x.service.d")[0]

    def test_an_app_of_debians_emperor_has_its_user(self, home: Home, told: Told) -> None:
        release = pi.serve(home, "1.0", emperor="system", user="www-data")
        with sandbox.of(home, release, "x.service", more="ReadWritePaths=/x"):
            assert self.units(home, "x.service.d") == [
                "[Service]\nUser=www-data\nNoNewPrivileges=yes\n",
                f"[Service]\nInaccessiblePaths=-{home.run}/sockets\nReadWritePaths=/x\n",
            ]
        assert not (home.root / "run/systemd/system/x.service.d").exists()

    @pytest.mark.parametrize(
        ("version", "setting"),
        [
            ("systemd 257 (257.1)", "PrivatePIDs=yes"),
            ("systemd 252 (252.39)", "SystemCallFilter=~kill tkill tgkill pidfd_send_signal"),
            ("", "SystemCallFilter=~kill tkill tgkill pidfd_send_signal"),
        ],
    )
    def test_what_keeps_a_task_from_other_processes(self, told: Told, version: str, setting: str) -> None:
        told.answers["--version"] = (0, version)
        assert sandbox.apart() == setting


class TestService:
    def test_it_is_started_with_the_release_under_trial(
        self, home: Home, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = pi.serve(home, "1.0")
        trying: list[Path] = []

        def run(*argv: str, **given: object) -> tuple[int, str]:
            if argv[0] == "deb-systemd-invoke":
                trying.append((home.run / "trying").readlink())
            return told(*argv, **given)

        told.answers["ActiveState"] = (0, "active")
        monkeypatch.setattr(call, "call", run)
        assert Emperor(home).start(release)
        assert told.ran[0] == ["deb-systemd-invoke", "restart", "guestbook.service"]
        assert trying == [release.folder]
        assert not (home.run / "trying").is_symlink()

    @pytest.mark.parametrize(
        ("state", "runs"), [("active", True), ("reloading", True), ("failed", False), ("inactive", False)]
    )
    def test_it_runs_or_does_not(self, home: Home, told: Told, state: str, *, runs: bool) -> None:
        told.answers["ActiveState"] = (0, f"{state}\n")
        assert Emperor(home).runs() is runs
        assert Emperor(home).start(pi.serve(home, "1.0")) is runs
        assert Emperor(home).stopped() is (state == "inactive")
        assert call.state("guestbook.service") == state

    def test_it_is_stopped_restarted_and_told_of_other_units(self, home: Home, told: Told) -> None:
        Emperor(home).stop()
        assert Emperor(home).restart()
        told.answers["restart"] = (1, "")
        assert not Emperor(home).restart()
        Emperor(home).reload_units()
        assert [argv[1:] for argv in told.ran] == [
            ["stop", "guestbook.service"],
            ["restart", "guestbook.service"],
            ["restart", "guestbook.service"],
            ["daemon-reload"],
        ]

    @pytest.mark.parametrize("state", ["deactivating", "active"])
    def test_a_stop_that_a_restart_waits_for_in_vain_is_final(
        self, home: Home, told: Told, state: str
    ) -> None:
        told.answers |= {"restart": (call.TIMED_OUT, ""), "ActiveState": (0, state)}
        assert Emperor(home).restart()
        kill = ["kill", "--signal=SIGKILL", "guestbook.service"]
        done = [argv[1:] for argv in told.ran if argv[1] != "show"]
        started = ["start", "guestbook.service"]
        killed = [kill] if state == "deactivating" else []
        assert done == [["restart", "guestbook.service"], *killed, started]

    def test_without_systemd_nothing_is_run(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(call, "systemd_runs", lambda: False)
        monkeypatch.setattr(call, "call", lambda *_, **__: pytest.fail("it was run"))
        release = pi.serve(home, "1.0")
        assert not Emperor(home).start(release)
        Emperor(home).stop()
        assert call.state("guestbook.service") == ""

    def test_what_it_wrote_is_asked_of_the_journal(self, home: Home, told: Told) -> None:
        told.answers["--unit"] = (0, "said\n")
        assert Emperor(home).log("guestbook.next.service", 1000.9) == "said\n"
        assert told.ran[0] == ["journalctl", "--sync"]
        assert {"--unit=guestbook.next.service", "--since=@1000"} <= set(told.ran[1])

    def test_it_is_asleep_while_the_emperor_is_alone(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pids = [77]
        monkeypatch.setattr(probe, "processes", lambda unit: pids if unit == "guestbook.service" else [])
        assert not Emperor(home).asleep(pi.serve(home, "1.0"))  # it may not
        pi.unpack(home, "1.1", {"vassals/web.ini.socket": "/x\n"})
        release, _ = home.snapshot()
        assert Emperor(home).asleep(release)
        pids.append(78)
        assert not Emperor(home).asleep(release)
        pids.clear()
        assert not Emperor(home).asleep(release)


class TestWaitHealthy:
    """A release that answers, or does not, by a clock."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> pi.Clock:
        return pi.Clock(monkeypatch)

    @pytest.fixture
    def wait(
        self, home: Home, clock: pi.Clock, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., tuple[str, float]]:
        instance = Emperor(home).instance(pi.serve(home, "1.0"))

        def wait(
            page: Callable[[float], Page],
            workers: Callable[[float], int] = lambda _: 7,
            *,
            seconds: float = 30,
            settled: bool = False,
            restarted: bool = False,
        ) -> tuple[str, float]:
            def ask(asked: Instance, *, timeout: float) -> Page:
                assert asked == instance
                assert 0 < timeout <= max(seconds, 1)
                return page(clock.now - 1000)

            monkeypatch.setattr(probe, "page", ask)
            monkeypatch.setattr(probe, "starts", lambda _: (workers(clock.now - 1000),))
            monkeypatch.setattr(probe, "restarted", lambda _: restarted)
            found = Emperor(home).wait_healthy(instance, seconds, settled=settled)
            return found, clock.now - 1000

        return wait

    def test_one_that_was_served_before_needs_to_answer_once(
        self, wait: Callable[..., tuple[str, float]]
    ) -> None:
        found, took = wait(lambda now: GOOD if now >= 2 else DOWN, settled=True)
        assert found == ""
        assert 2 <= took < 2.5

    def test_a_new_one_stays_healthy_for_a_while(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda now: GOOD if now >= 2 else DOWN)
        assert found == ""
        assert 5 <= took < 5.5

    def test_one_that_is_healthy_at_the_last_moment_may_settle(
        self, wait: Callable[..., tuple[str, float]]
    ) -> None:
        found, took = wait(lambda now: GOOD if now >= 29.5 else DOWN)
        assert found == ""
        assert 32 < took < 33.5

    def test_one_that_never_answers(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda _: DOWN)
        assert found == "/healthz?full=1 does not answer: it does not run (Connection refused)"
        assert 30 <= took < 30.5

    def test_one_that_answers_an_error(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda _: Page(503), seconds=5)
        assert found == "/healthz?full=1 answers 503"
        assert 5 <= took < 5.5

    def test_one_that_is_healthy_for_a_second_only(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, _ = wait(lambda now: GOOD if 1 <= now < 2 else Page(500), seconds=10)
        assert found == "/healthz?full=1 answers 500"

    def test_one_that_is_healthy_now_and_then(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, _ = wait(lambda now: GOOD if now % 2 < 1 else DOWN, seconds=10)
        assert found.startswith("/healthz?full=1 does not answer")

    def test_one_whose_workers_die(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda _: GOOD, int, seconds=10)  # another process each second
        assert found == "its workers die soon after they start"
        assert 10 <= took < 13.5

    def test_one_whose_answers_wait_until_a_worker_is_started_again(
        self, wait: Callable[..., tuple[str, float]], clock: pi.Clock
    ) -> None:
        """It lives for 1.5 seconds, and is started again two seconds later, for which a request waits."""

        def page(now: float) -> Page:
            if now % 3.5 >= 1.5:
                clock.sleep(3.5 - now % 3.5)
            return GOOD

        found, took = wait(page, lambda now: 1 + int((now + 0.01) // 3.5), seconds=10)
        assert found == "its workers die soon after they start"
        assert took >= 10

    def test_one_whose_only_request_waits_for_worker_after_worker(
        self, wait: Callable[..., tuple[str, float]]
    ) -> None:
        found, _ = wait(lambda _: DOWN, seconds=5, restarted=True)
        assert found == "its workers die soon after they start"

    def test_one_whose_worker_died_once(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda _: GOOD, lambda now: 1 + int(now > 2))
        assert found == ""
        assert 5 <= took < 5.5


class TestDrain:
    @pytest.mark.parametrize(("busy_until", "low", "high"), [(0, 0.5, 0.8), (2, 2.3, 2.8), (100, 30, 30.5)])
    def test_it_ends_when_nothing_is_left_to_answer(
        self,
        home: Home,
        monkeypatch: pytest.MonkeyPatch,
        busy_until: float,
        low: float,
        high: float,
    ) -> None:
        clock = pi.Clock(monkeypatch)
        monkeypatch.setattr(probe, "busy", lambda _: clock.now - 1000 < busy_until)
        Emperor(home).drain(Emperor(home).instance(pi.serve(home, "1.0")), 30)
        assert low <= clock.now - 1000 <= high
