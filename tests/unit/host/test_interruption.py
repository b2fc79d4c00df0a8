from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from debonair.host import interruption
from debonair.host.interruption import begun, check, guarded, leave, started, threads, unfinished


@pytest.fixture(autouse=True)
def _afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Handlers are as before, and no other test sees an interruption."""
    before = [signal.getsignal(each) for each in interruption._SIGNALS]
    for each in interruption._SIGNALS:  # a shell may run the tests with some ignored
        signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
    monkeypatch.setattr(interruption, "_programs", [])
    monkeypatch.setattr(interruption, "_unfinished", set())
    yield
    for each, how in zip(interruption._SIGNALS, before, strict=True):
        signal.signal(each, how)
    begun.clear()
    interruption._unwinding.clear()
    interruption._numbers.clear()


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses with which this process would have ended."""
    found: list[int] = []
    monkeypatch.setattr(os, "_exit", found.append)
    monkeypatch.setattr("atexit._run_exitfuncs", lambda: None)
    return found


@pytest.mark.parametrize("number", interruption._SIGNALS)
def test_a_signal_unwinds_once(number: signal.Signals) -> None:
    cleaned = []

    def work() -> None:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGINT)  # a second Ctrl-C
            cleaned.append(number)

    with pytest.raises(KeyboardInterrupt), guarded():
        work()
    assert cleaned == [number]
    assert begun.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "nothing disturbs the end"


def test_the_handlers_are_restored() -> None:
    before = [signal.getsignal(each) for each in interruption._SIGNALS]
    with guarded():
        assert signal.getsignal(signal.SIGTERM) is interruption._interrupt
    assert [signal.getsignal(each) for each in interruption._SIGNALS] == before
    assert not begun.is_set()


def test_what_was_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    with guarded():
        signal.raise_signal(signal.SIGHUP)
        assert not begun.is_set()


def test_a_thread_beside_the_main_one_handles_no_signals() -> None:
    seen: list[object] = []

    def work() -> None:
        with guarded():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert seen == [before]


def test_other_threads_ask_for_themselves() -> None:
    ended: list[str] = []

    def work() -> None:
        try:
            check()
        except KeyboardInterrupt:
            ended.append("worker")

    check()
    for expected in ([], ["worker"]):
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        assert ended == expected
        begun.set()
    check()  # the main thread gets the exception by itself


def test_a_stuck_main_thread_does_not_keep_the_process(
    left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's signal is there, and Python's handler does not run, as within a call of a library."""
    monkeypatch.setattr(interruption, "_STUCK", 0.001)
    over = threading.Event()

    def leaves(status: int) -> None:
        left.append(status)
        over.set()

    monkeypatch.setattr(os, "_exit", leaves)
    said: list[tuple[int, bytes]] = []
    real = os.write
    with guarded():
        writer = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        monkeypatch.setattr(os, "write", lambda number, data: said.append((number, data)))
        real(writer, bytes([signal.SIGTERM]))
        assert over.wait(10)
        monkeypatch.setattr(os, "write", real)
    assert said == [(2, b"Interrupted.\n")]
    assert left == [143]


def test_the_end_removes_what_is_not_finished(left: list[int], tmp_path: Path) -> None:
    folder, file, done = (tmp_path / name for name in ("folder", "file", "done"))
    (folder / "below").mkdir(parents=True)
    for each in (file, done):
        each.write_text("x")
    with unfinished(done):
        pass
    with unfinished(folder), unfinished(file), unfinished(tmp_path / "gone"):
        leave(7)
    assert left == [7]
    assert list(tmp_path.iterdir()) == [done]


class Program(SimpleNamespace):
    def poll(self) -> int | None:
        self.told.append("poll")
        found: int | None = self.returncode
        return found

    def itself(self) -> Any:
        return self

    def terminate(self) -> None:
        self.told.append("terminate")
        if not self.stubborn:
            self.returncode = -15

    def kill(self) -> None:
        self.told.append("kill")


def program(*, stubborn: bool, returncode: int | None = None) -> Any:
    return Program(told=[], stubborn=stubborn, returncode=returncode)


def test_the_end_ends_programs(left: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_PATIENCE", 0.001)
    running, stubborn, over = program(stubborn=False), program(stubborn=True), program(stubborn=False)
    for each in (over, running, stubborn):
        assert started(partial(Program.itself, each)) is each
    over.returncode = 0
    leave(130)
    assert left == [130]
    assert "terminate" in running.told
    assert stubborn.told[-1] == "kill"
    assert set(over.told) == {"poll"}


def test_ended_programs_are_forgotten() -> None:
    for _ in range(3):
        started(lambda: program(stubborn=False, returncode=0))
    assert len(interruption._programs) == 1


def test_an_interruption_waits_until_a_program_is_known() -> None:
    running = program(stubborn=False)

    def start() -> Any:
        signal.raise_signal(signal.SIGINT)
        return running

    with pytest.raises(KeyboardInterrupt), guarded():
        started(start)
    assert interruption._programs == [running]


class TestThreads:
    def test_all_jobs_are_waited_for(self) -> None:
        with threads(2) as pool:
            jobs = [pool.submit(time.sleep, 0.01) for _ in range(4)]
        assert all(job.done() for job in jobs)

    def test_but_not_after_an_interruption(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(interruption, "_PATIENCE", 0.001)
        over = threading.Event()
        with threads(1) as pool:
            stuck, later = pool.submit(over.wait, 60), pool.submit(over.wait, 60)
            begun.set()
        assert not stuck.done()
        assert later.cancelled()
        over.set()
        assert stuck.result(60)


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_status_names_the_first_signal(number: signal.Signals, expected: int) -> None:
    with pytest.raises(KeyboardInterrupt), guarded():
        signal.raise_signal(number)
    assert interruption.status() == expected


def test_a_wait_is_short_only_at_the_end() -> None:
    assert interruption.patience(90) == 90
    begun.set()
    assert interruption.patience(90) < 1
    assert interruption.patience(0.1) == 0.1


class TestCtrlCOfAProgram:
    """A program has the terminal, and gets Ctrl-C itself."""

    @pytest.fixture(autouse=True)
    def _terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "isatty", lambda number: number == 0)

    def attend(self, number: signal.Signals, status: int) -> None:
        """Attend to a program that ends with ``status`` some time after a signal."""
        with guarded(), interruption.left_to_program() as ended:
            signal.raise_signal(number)
            ended(status)

    def test_a_program_goes_on_after_it(self) -> None:
        self.attend(signal.SIGINT, 0)
        assert not begun.is_set()

    @pytest.mark.parametrize("status", [130, -2])
    def test_a_program_that_it_ends_ends_this_one(self, status: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.attend(signal.SIGINT, status)
        assert interruption.status() == 130

    def test_a_status_alone_does_not(self) -> None:
        with guarded(), interruption.left_to_program() as ended:
            ended(130)
        assert not begun.is_set()

    def test_other_signals_end_this_one_immediately(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.attend(signal.SIGTERM, 0)

    def test_without_a_terminal_it_ends_this_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "isatty", lambda _: False)
        with pytest.raises(KeyboardInterrupt):
            self.attend(signal.SIGINT, 0)
