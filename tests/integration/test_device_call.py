"""What the programs on the Pi run: real processes, ended in time whatever they leave behind."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import call
import pytest
from call import Deadline


def test_its_status_and_its_output() -> None:
    assert call.call("sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\n")
    assert call.call("sh", "-c", "echo err >&2", errors=True) == (0, "err\n")
    assert call.call("env", env={"A": "1"}) == (0, "A=1\n")


def test_a_program_that_is_not_there() -> None:
    assert call.call("/nowhere/at/all") == (call.MISSING, "")


def test_one_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 1000 & echo $! >{mark}; echo so far; wait"
    assert call.call("sh", "-c", script, seconds=0.5) == (call.TIMED_OUT, "so far\n")
    child = Path(f"/proc/{mark.read_text().strip()}/stat")
    deadline = Deadline(60)
    while _lives(child):  # it was killed; the kernel ends it when it runs the next time
        assert deadline.left(1)
        time.sleep(0.05)


def _lives(stat: Path) -> bool:
    try:
        return stat.read_text().split()[2] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_that_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"setsid sleep 1000 & echo $! >{mark}; echo done"
    try:
        deadline = Deadline(60)
        assert call.call("sh", "-c", script, seconds=120) == (0, "done\n")
        assert deadline.left(1)
    finally:
        os.kill(int(mark.read_text()), 9)


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    assert call.call("sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 5", errors=True) == (5, "")


def test_of_any_amount_of_output_the_end_is_kept() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status, output = call.call("sh", "-c", "head -c 300000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert status == 0
    assert output.endswith("x\nend\n")
    assert len(output) <= 64_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_output_without_end_does_not_outlast_the_deadline() -> None:
    status, output = call.call("sh", "-c", "while :; do echo x; done", seconds=0.5)
    assert status == call.TIMED_OUT
    assert len(output) == 64_000


def test_a_deadline_gives_no_step_more_than_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    deadline = Deadline(10)
    assert (deadline.left(4), deadline.left(40)) == (4, 10)
    now[0] = 111
    assert deadline.left(4) == 0


def test_without_systemd_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "systemd_runs", lambda: False)
    assert call.systemctl("stop", "x") == (call.MISSING, "")
    assert (call.state("x"), call.shown("x", "MainPID")) == ("", "")


def test_no_word_is_a_variable_for_systemd_run() -> None:
    assert call.words_of(["sh", "-c", "echo $HOME $$"]) == ["sh", "-c", "echo $$HOME $$$$"]
