"""Programs that are really run: what they leave, hold, write and ignore."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from debonair.errors import MachineError
from debonair.host import output, run
from debonair.host.run import CommandError, Completed

# Another session, whose parent has ended: neither a process group nor a parent leads there.
ESCAPED = "setsid sh -c 'sh -c \"echo \\$\\$ >pid; exec sleep 300\" & sleep 0.1' & "


def runs(pid: int) -> bool:
    with suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def left(folder: Path) -> int:
    """The pid that the escaped process wrote."""
    deadline = time.monotonic() + 10
    while not (folder / "pid").exists() or not (text := (folder / "pid").read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(text)


def test_words_input_output_and_place(tmp_path: Path) -> None:
    given = b"x" * 300_000
    script = "wc -c; pwd; echo $A; echo err >&2"
    done = run.run(["sh", "-c", script], stdin=given, cwd=tmp_path, env={"A": "1"})
    assert done == Completed(0, f"300000\n{tmp_path}\n1\n", "err\n")
    assert run.run(["cat"]).stdout == ""
    assert run.run(["head", "-c1"], stdin=given).stdout == "x", "what is not read is no error"


def test_a_file_is_its_input(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("words")
    assert run.run(["cat"], stdin=tmp_path / "given").stdout == "words"


def test_what_is_left_ends_at_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"did not finish within 1 seconds\."):
        run.run(["sh", "-c", f"{ESCAPED} sleep 300"], cwd=tmp_path, timeout=1)
    assert not runs(left(tmp_path))


def test_what_is_left_ends_with_the_program(tmp_path: Path) -> None:
    assert (
        run.run(["sh", "-c", f"{ESCAPED} sleep 1; exit 3"], cwd=tmp_path, timeout=60, check=False).status
        == 3
    )
    assert not runs(left(tmp_path))


def test_the_deadline_counts_for_what_closed_its_output() -> None:
    with pytest.raises(MachineError, match="did not finish within"):
        run.run(["sh", "-c", "exec sleep 300 >&- 2>&-"], timeout=0.5)


def test_a_program_that_ended_is_not_waited_for(tmp_path: Path) -> None:
    """As a daemon that a package starts and that keeps the output open."""
    done = run.run(["sh", "-c", "echo said; sleep 300 & echo $! >pid"], cwd=tmp_path)
    pid = left(tmp_path)
    assert runs(pid), "nobody told it to end"
    os.kill(pid, 9)
    assert done.stdout == "said\n"


def test_a_program_that_writes_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.listen, "__kwdefaults__", {"limit": 4 << 20})
    with pytest.raises(MachineError, match="was stopped: it wrote more than 4 MB"):
        run.run(["yes"])


def test_what_a_program_says_does_not_command_the_terminal() -> None:
    with pytest.raises(CommandError) as failed:
        run.run(["sh", "-c", r"printf '\033]0;owned\007\n'; exit 3"])
    assert "\\x1b]0;owned\\x07" in failed.value.message
    assert "\x1b" not in failed.value.message
    assert "\x1b" in failed.value.output
