"""A command whose output is at a terminal does not get that terminal, and works as if it had."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import terminal

DEVICE = str(Path(terminal.__file__).parent)
COMMAND = """
import json, os, sys
with open("found", "w") as file:
    json.dump([os.isatty(number) for number in (0, 1, 2)], file)
print("out", sys.stdin.readline().strip(), flush=True)
print("err", file=sys.stderr, flush=True)
sys.exit(7)
"""
STAYS = """
import os, subprocess, time
subprocess.Popen(["sleep", "30"])
print("x" * 100_000 + "end", flush=True)
"""

Run = Callable[..., "tuple[int, bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run Python code through ``terminal.run``, with a terminal except where a file is given."""
    started = []

    def it(code: str, typed: bytes = b"", *, keys: str = "", **files: int) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        begin = "import signal, terminal; signal.signal(2, signal.default_int_handler)"  # may be ignored
        words = f"{begin}; sys.exit(terminal.run([sys.executable, '-c', {code!r}]))"
        process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {DEVICE!r}); {words}"],
            cwd=tmp_path,
            start_new_session=True,
            stdin=files.get("stdin", theirs),
            stdout=files.get("stdout", theirs),
            stderr=files.get("stderr", theirs),
        )
        started.append(process)
        os.close(theirs)
        os.write(ours, typed)
        if keys:
            time.sleep(1)
            os.killpg(process.pid, signal.SIGINT)
        output = b""
        with suppress(OSError):  # that is how a terminal ends
            while part := os.read(ours, 65536):
                output += part
        os.close(ours)
        return process.wait(30), output.replace(b"\r\n", b"\n")

    yield it
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("names", ["stdout", "stderr", "stdin", "stdin stdout", "stdout stderr", ""])
def test_it_gets_no_terminal(run: Run, tmp_path: Path, names: str) -> None:
    (tmp_path / "stdin").write_text("typed\n")
    files = {name: os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in names.split()}
    status, output = run(COMMAND, b"" if "stdin" in names else b"typed\n", **files)
    output += b"".join((tmp_path / name).read_bytes() for name in files)
    assert status == 7
    assert json.loads((tmp_path / "found").read_text()) == [False, False, False]
    assert b"out typed\n" in output
    assert b"err\n" in output


def test_what_it_writes_stays_in_order(run: Run) -> None:
    code = "import os\nfor n in range(2000): os.write(1 + n % 2, b'%d\\n' % n)"
    _, output = run(code, stdin=os.open("/dev/null", os.O_RDONLY))
    assert output.split() == [b"%d" % number for number in range(2000)]


def test_one_that_stays_with_its_output_keeps_nobody_waiting(run: Run) -> None:
    began = time.monotonic()
    status, output = run(STAYS, stdin=os.open("/dev/null", os.O_RDONLY))
    assert status == 0
    assert output.endswith(b"end\n")
    assert time.monotonic() - began < 20


def test_it_ends_by_the_keyboard(run: Run, tmp_path: Path) -> None:
    out = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    began = time.monotonic()
    status, _ = run("import time; time.sleep(30)", keys="^C", stdout=out)
    assert status != 0
    assert time.monotonic() - began < 20


def test_the_end_of_what_is_typed_reaches_it(run: Run) -> None:
    status, output = run("import sys; print(sys.stdin.read())", b"typed\n\x04")
    assert status == 0
    assert output.count(b"typed") == 2  # the terminal shows it too
