"""Programs that do not run: this records their calls, and the test sets their answers."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from debonair.host import run
from debonair.host.run import CommandError, Completed


@dataclass
class Process:
    """A process that was started: it runs until it is terminated, or for ``polls`` polls."""

    pid: int = 4000
    status: int = 0
    polls: int = 1_000_000
    stubborn: bool = False
    stdin: None = None
    returncode: int | None = None
    told: list[str] = field(default_factory=list)

    def poll(self) -> int | None:
        self.polls -= 1
        if self.polls < 0 and self.returncode is None:
            self.returncode = self.status
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.stubborn and timeout is not None and self.returncode is None:
            raise subprocess.TimeoutExpired("it", timeout)
        if self.returncode is None:
            self.returncode = self.status
        return self.returncode

    def kill(self) -> None:
        self.told.append("kill")
        self.returncode = -9

    def terminate(self) -> None:
        self.told.append("terminate")


@dataclass
class Programs:
    """Replaces ``debonair.host.run``."""

    asked: list[str] = field(default_factory=list)
    given: list[bytes | Path | None] = field(default_factory=list)
    started: list[tuple[str, Process]] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    output: str = ""
    """The output that each started program writes immediately."""
    answers: list[tuple[str, list[Completed], Callable[[list[str]], None] | None]] = field(
        default_factory=list
    )

    def answer(
        self,
        pattern: str,
        *outputs: str,
        status: int = 0,
        stderr: str = "",
        do: Callable[[list[str]], None] | None = None,
    ) -> None:
        """Answer commands that match ``pattern`` with each of ``outputs`` in turn, then always with the
        last.

        If several patterns match, the one that was set last counts.
        """
        told = [Completed(status, output, stderr) for output in outputs or ("",)]
        self.answers.insert(0, (pattern, told, do))

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | Path | None = None,
        check: bool = True,
        timeout: float | None = None,
    ) -> Completed:
        del cwd, env, timeout
        words = [str(word) for word in argv]
        line = shlex.join(words)
        self.asked.append(line)
        self.given.append(stdin)
        for pattern, told, do in self.answers:
            if re.search(pattern, line):
                if do:
                    do(words)
                answer = told.pop(0) if len(told) > 1 else told[0]
                if check and answer.status:
                    raise CommandError(words, answer.status, answer.stdout + answer.stderr)
                return answer
        return Completed(0, "", "")

    def start(self, argv: Sequence[str | Path], *, output: Path, **more: object) -> Process:
        del more
        process = self.processes.pop(0) if self.processes else Process()
        self.started.append((shlex.join(str(word) for word in argv), process))
        with output.open("a") as sink:
            sink.write(self.output)
        return process

    def attend(self, argv: Sequence[str | Path]) -> int:
        self.asked.append(shlex.join(str(word) for word in argv))
        return 7

    def find(self, program: str) -> str:
        return f"/bin/{program}"

    def was_asked(self, pattern: str) -> bool:
        return any(re.search(pattern, line) for line in self.asked)


def stand_in(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Replace ``debonair.host.run`` by a ``Programs`` for one test."""
    programs = Programs()
    for name in ("run", "start", "attend", "find"):
        monkeypatch.setattr(run, name, getattr(programs, name))
    return programs
