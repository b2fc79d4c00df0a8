"""A command on a terminal of its own, as the foreground job of that terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class Terminal:
    """A terminal, and the command in its foreground; ``run`` creates one."""

    def __init__(self, pid: int, number: int) -> None:
        self.pid = pid
        self.text = ""
        self.status: int | None = None
        self._number = number
        self.modes = termios.tcgetattr(number)

    def type(self, text: str) -> None:
        os.write(self._number, text.encode())

    def read(self) -> None:
        """Take what was printed."""
        with suppress(OSError):  # nobody has it open any longer
            while self._number >= 0 and select.select([self._number], [], [], 0.02)[0]:
                if not (data := os.read(self._number, 65536)):
                    break
                self.text += data.decode(errors="replace")

    @property
    def over(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait_for(self, seen: str | Callable[[], bool], patience: float = 120) -> None:
        """Wait until the text ``seen`` is printed, from what was asked for the last time, or is true."""
        until = time.monotonic() + patience
        while not (seen() if callable(seen) else seen in self.text):
            assert not self.over, (self.status, self.text)
            assert time.monotonic() < until, self.text
            self.read()
        if isinstance(seen, str):
            self.text = self.text.partition(seen)[2]

    def wait(self, patience: float) -> float:
        """Wait for the end of the command; return how many seconds that took."""
        began = time.monotonic()
        while not self.over:
            assert time.monotonic() < began + patience, self.text
            self.read()
        self.read()
        return time.monotonic() - began

    @property
    def restored(self) -> bool:
        """True if its modes, such as the echo, are as before."""
        return termios.tcgetattr(self._number) == self.modes

    def close(self) -> None:
        """Close the window."""
        if self._number >= 0:
            os.close(self._number)
        self._number = -1


@contextmanager
def run(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None) -> Iterator[Terminal]:
    """Run ``argv`` on a new terminal; what it has started is killed after the body."""
    pid, number = pty.fork()
    if not pid:
        try:
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
                signal.signal(each, signal.SIG_DFL)
            if cwd:
                os.chdir(cwd)
            os.execvpe(argv[0], list(argv), {"TERM": "xterm", **env})
        finally:
            os._exit(127)
    terminal = Terminal(pid, number)
    try:
        yield terminal
    finally:
        for left in [] if terminal.over else [*below(pid), pid]:
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        if terminal.status is None:
            os.waitpid(pid, 0)
        terminal.close()


def below(pid: int) -> dict[int, str]:
    """The command lines of a process and of everything that it started, by process id."""
    found: dict[int, str] = {}
    with suppress(OSError):
        found[pid] = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= below(int(child))
    return found


def alive(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
        )
    except OSError:
        return False


def assert_gone(pids: Sequence[int], patience: float) -> None:
    """The kernel takes a moment to end a namespace."""
    until = time.monotonic() + patience
    while left := {pid: below(pid) for pid in pids if alive(pid)}:
        assert time.monotonic() < until, left
        time.sleep(0.02)
