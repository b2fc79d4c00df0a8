from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import emperor
import pi
import probe
import pytest
from emperor import Emperor
from probe import Page
from release import Home, Release

GOOD = Page(200)
DOWN = Page(problem="it does not run (Connection refused)")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    def socket(release: Release, kind: str) -> Path:
        return tmp_path / "run/guestbook" / f"web-{release.name}.{kind}"

    monkeypatch.setattr(Release, "socket", socket)
    return pi.home(tmp_path)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was run where systemd does; each of it says that something is active."""
    done: list[list[str]] = []

    def run(argv: tuple[str, ...], **_: object) -> SimpleNamespace:
        done.append(list(argv))
        return SimpleNamespace(stdout="active\n")

    monkeypatch.setattr(subprocess, "run", run)
    real = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) == "/run/systemd/system" or real(path))
    return done


@pytest.fixture
def without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) != "/run/systemd/system" and real(path))


class TestVassals:
    def test_one_that_is_summoned_is_a_link_and_the_emperor_is_told(
        self, home: Home, ran: list[list[str]]
    ) -> None:
        release = pi.serve(home, "1:1.0")
        Emperor(home).summon(release)
        link = home.run / "vassals/web-1_1.0.ini"
        assert link.readlink() == home.releases / "1_1.0/vassals/web.ini"
        assert [path.name for path in link.parent.iterdir()] == [link.name]
        assert ran == [["systemctl", "kill", "--signal=SIGURG", "--kill-whom=main", "guestbook.service"]]

    def test_the_socket_of_one_that_may_sleep_is_held(self, home: Home, ran: list[list[str]]) -> None:
        pi.unpack(home, "1.0", {"vassals/web.ini.socket": "/run/guestbook/web-1.0.sock\n"})
        release, _ = home.snapshot()
        home.point(release)
        Emperor(home).summon(release)
        assert (home.run / "vassals/web-1.0.ini.socket").readlink() == release.holder
        Emperor(home).dismiss(release)
        assert list((home.run / "vassals").iterdir()) == []

    def test_one_is_reloaded_by_the_time_of_its_link(self, home: Home, ran: list[list[str]]) -> None:
        release = pi.serve(home, "1.0")
        Emperor(home).summon(release)
        code = release.vassal.stat().st_mtime_ns
        before = Emperor(home).link(release).lstat().st_mtime_ns
        Emperor(home).reload(release)
        assert Emperor(home).link(release).lstat().st_mtime_ns > before
        assert release.vassal.stat().st_mtime_ns == code
        assert len(ran) == 2

    @pytest.mark.parametrize(("gone_at", "low", "high"), [(5, 5, 5.5), (1000, 30, 60)])
    def test_one_that_is_dismissed_is_waited_for_but_not_for_ever(
        self,
        home: Home,
        ran: list[list[str]],
        monkeypatch: pytest.MonkeyPatch,
        *,
        gone_at: float,
        low: float,
        high: float,
    ) -> None:
        clock = pi.Clock(monkeypatch)
        release = pi.serve(home, "1.0")
        Emperor(home).summon(release)
        release.socket("sock").touch()
        monkeypatch.setattr(Emperor, "listens", lambda *_: clock.now - 1000 < gone_at)
        Emperor(home).dismiss(release)
        assert low <= clock.now - 1000 <= high
        assert not Emperor(home).link(release).is_symlink()
        assert not release.socket("sock").exists()

    @pytest.mark.parametrize("served", [False, True])
    def test_only_one_that_never_served_is_killed(
        self, home: Home, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, *, served: bool
    ) -> None:
        clock = pi.Clock(monkeypatch)
        pi.unpack(home, "1.0")
        release, _ = home.snapshot()
        if served:
            home.point(release)
        killed: list[tuple[int, int]] = []
        own = os.getpid()
        account = SimpleNamespace(pw_uid=Path("/proc/self").stat().st_uid)
        monkeypatch.setattr(pwd, "getpwnam", {"guestbook": account}.__getitem__)
        monkeypatch.setattr(os, "kill", lambda *given: killed.append(given))
        monkeypatch.setattr(probe, "master", lambda _: own)
        monkeypatch.setattr(Emperor, "listens", lambda *_: clock.now < 1000.1)
        Emperor(home).dismiss(release)
        assert killed == ([] if served else [(own, signal.SIGKILL)])
        account.pw_uid += 1
        assert Emperor(home).processes(release) == []  # they are not the app's
        monkeypatch.setattr(probe, "master", lambda _: 0)
        assert Emperor(home).processes(release) == []

    def test_nginx_is_led_to_a_socket_by_its_name_alone(self, home: Home) -> None:
        Emperor(home).turn(pi.serve(home, "1.0"))
        Emperor(home).turn(pi.serve(home, "1.1"))
        assert (home.run / "web.sock").readlink() == Path("web-1.1.sock")


class TestService:
    def test_it_is_started_with_the_release_under_trial(
        self, home: Home, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = pi.serve(home, "1.0")
        trying: list[Path] = []

        def run(argv: tuple[str, ...], **_: object) -> SimpleNamespace:
            ran.append(list(argv))
            trying.append((home.run / "trying").readlink())
            return SimpleNamespace(stdout="active\n")

        monkeypatch.setattr(subprocess, "run", run)
        assert Emperor(home).start(release)
        assert ran[0] == ["deb-systemd-invoke", "restart", "guestbook.service"]
        assert trying[0] == release.folder
        assert not (home.run / "trying").is_symlink()

    @pytest.mark.parametrize(
        ("said", "runs"), [("active", True), ("reloading", True), ("failed", False), ("inactive", False)]
    )
    def test_it_runs_or_does_not(
        self, home: Home, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, said: str, *, runs: bool
    ) -> None:
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=f"{said}\n"))
        assert Emperor(home).runs() is runs
        assert Emperor(home).start(pi.serve(home, "1.0")) is runs
        assert emperor.state("guestbook.service") == said

    def test_it_is_stopped(self, home: Home, ran: list[list[str]]) -> None:
        Emperor(home).stop()
        assert ran == [["systemctl", "stop", "guestbook.service"]]

    @pytest.mark.usefixtures("without_systemd")
    def test_without_systemd_nothing_is_run(self, home: Home) -> None:
        release = pi.serve(home, "1.0")
        assert not Emperor(home).start(release)
        Emperor(home).summon(release)
        Emperor(home).stop()
        assert emperor.state("guestbook.service") == ""

    def test_what_it_wrote_is_asked_of_the_journal(
        self, home: Home, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert Emperor(home).log(1000.9) == "active\n"
        assert ran[0] == ["journalctl", "--sync"]
        assert ran[1][0] == "journalctl"
        assert {"--unit=guestbook.service", "--since=@1000"} <= set(ran[1])

    def test_without_a_journal_it_wrote_nothing(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        def absent(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr(subprocess, "run", absent)
        assert Emperor(home).log(0) == ""


class TestProcesses:
    """What /proc says of an emperor, the process 77."""

    @pytest.fixture
    def proc(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        files: dict[str, str] = {}

        def read(path: Path, **_: object) -> str:
            if str(path) not in files:
                raise FileNotFoundError(path)
            return files[str(path)]

        monkeypatch.setattr(Path, "read_text", read)
        monkeypatch.setattr(Emperor, "pid", lambda _: "77")
        return files

    def test_a_socket_that_is_held_is_in_the_table(self, home: Home, proc: dict[str, str]) -> None:
        release = Release(
            home.lib, "guestbook", "guestbook", "own", "1.0", "", "", "", 1, "", "", 1, 1, (), {}
        )
        head = "0000: 00000002 00000000 00010000 0001 01 7"
        assert not Emperor(home).listens(release)
        proc["/proc/77/net/unix"] = f"Num RefCount\n{head} {release.socket('sock')}2\n{head}\n"
        assert not Emperor(home).listens(release)
        proc["/proc/77/net/unix"] += f"{head} {release.socket('sock')}\n"
        assert Emperor(home).listens(release)

    def test_it_is_asleep_while_the_emperor_has_no_child(
        self, home: Home, proc: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = Release(
            home.lib, "guestbook", "guestbook", "own", "1.0", "", "", "", 1, "", "", 1, 1, (), {}
        )
        proc["/proc/77/task/77/children"] = ""
        assert not Emperor(home).asleep(release)  # it may not
        monkeypatch.setattr(Release, "sleeps", True)
        assert Emperor(home).asleep(release)
        proc["/proc/77/task/77/children"] = "78 "
        assert not Emperor(home).asleep(release)
        del proc["/proc/77/task/77/children"]
        assert not Emperor(home).asleep(release)

    @pytest.mark.parametrize(("said", "pid"), [("77\n", "77"), ("", "0"), ("0\n", "0")])
    def test_its_process(self, home: Home, monkeypatch: pytest.MonkeyPatch, said: str, pid: str) -> None:
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))
        assert Emperor(home).pid() == pid


class TestWaitWell:
    """A release that answers, or does not, by a clock."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> pi.Clock:
        return pi.Clock(monkeypatch)

    @pytest.fixture
    def wait(
        self, home: Home, clock: pi.Clock, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., tuple[str, float]]:
        release = pi.serve(home, "1.0")

        def wait(
            page: Callable[[float], Page],
            workers: Callable[[float], int] = lambda _: 7,
            *,
            seconds: float = 30,
            settled: bool = False,
        ) -> tuple[str, float]:
            def ask(asked: Release, *, timeout: float) -> Page:
                assert asked == release
                assert 0 < timeout <= max(seconds, 1)
                return page(clock.now - 1000)

            monkeypatch.setattr(probe, "page", ask)
            monkeypatch.setattr(probe, "starts", lambda _: (workers(clock.now - 1000),))
            found = Emperor(home).wait_well(release, seconds, settled=settled)
            return found, clock.now - 1000

        return wait

    def test_one_that_was_served_before_needs_to_answer_once(
        self, wait: Callable[..., tuple[str, float]]
    ) -> None:
        found, took = wait(lambda now: GOOD if now >= 2 else DOWN, settled=True)
        assert found == ""
        assert 2 <= took < 2.5

    def test_a_new_one_has_to_stay_well_for_a_while(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda now: GOOD if now >= 2 else DOWN)
        assert found == ""
        assert 5 <= took < 5.5

    def test_one_that_is_well_at_the_last_moment_may_settle(
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

    def test_one_that_is_well_for_a_second_only(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, _ = wait(lambda now: GOOD if 1 <= now < 2 else Page(500), seconds=10)
        assert found == "/healthz?full=1 answers 500"

    def test_one_that_is_well_now_and_then(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, _ = wait(lambda now: GOOD if now % 2 < 1 else DOWN, seconds=10)
        assert found.startswith("/healthz?full=1 does not answer")

    def test_one_whose_workers_die(self, wait: Callable[..., tuple[str, float]]) -> None:
        found, took = wait(lambda _: GOOD, int, seconds=10)  # another process each second
        assert found == "its workers die soon after their start"
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
        assert found == "its workers die soon after their start"
        assert took >= 10

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
        Emperor(home).drain(pi.serve(home, "1.0"), 30)
        assert low <= clock.now - 1000 <= high
