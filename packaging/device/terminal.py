"""Run a command with pipes to and from the user's terminal, and never with the terminal itself.

A command could pass the open terminal to another process (unix(7), SCM_RIGHTS) that runs on after the
command. That process could read what the user types later, and ask for a password in the name of the shell.
"""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

_PART = 65536  # bytes
_REST = 2**20  # bytes in a pipe at the end: a pipe of an unprivileged process holds no more (pipe(7))
_POLL = 0.1  # seconds


def run(argv: list[str], env: Mapping[str, str] | None = None) -> int:
    """Run ``argv`` with a pipe in place of each terminal among the standard files; return its status.

    Files and pipes are handed over as they are.
    """
    typed, shown, errors = (os.isatty(number) for number in (0, 1, 2))
    process = subprocess.Popen(
        argv,
        env=None if env is None else dict(env),
        stdin=subprocess.PIPE if typed else None,
        stdout=subprocess.PIPE if shown else None,
        # One pipe keeps the order of both.
        stderr=(subprocess.STDOUT if shown else subprocess.PIPE) if errors else None,
        bufsize=0,
    )
    ended, copies = threading.Event(), []
    if process.stdin:
        threading.Thread(target=_type, args=(process.stdin, ended), daemon=True).start()
    for pipe, number in ((process.stdout, 1), (process.stderr, 2)):
        if pipe:
            copies.append(threading.Thread(target=_show, args=(pipe, number, ended), daemon=True))
            copies[-1].start()
    try:
        status = process.wait()
        ended.set()
        for copy in copies:
            copy.join()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return status


def _type(pipe: IO[bytes], ended: threading.Event) -> None:
    """Copy what is typed to ``pipe``, and nothing more once the command has ended."""
    with suppress(OSError), pipe:  # the terminal or the command may be gone
        while not ended.is_set():
            if not _in_front():
                time.sleep(_POLL)
            elif select.select([0], [], [], _POLL)[0]:
                part = os.read(0, _PART)
                if not part:
                    return
                _write(pipe.fileno(), part)


def _in_front() -> bool:
    """Return whether the terminal is ours to read: it stops a job in the background that reads."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # not our controlling terminal, which has no jobs
        return True


def _show(pipe: IO[bytes], terminal: int, ended: threading.Event) -> None:
    """Copy ``pipe`` to the ``terminal``; once the command has ended, copy only the rest in the pipe.

    The pipe may never close, because another process may keep its other end open.
    """
    rest = _REST
    with suppress(OSError), pipe:
        while rest > 0:
            over = ended.is_set()
            if select.select([pipe], [], [], 0 if over else _POLL)[0]:
                part = os.read(pipe.fileno(), _PART)
                if not part:
                    return
                _write(terminal, part)
                rest -= len(part) if over else 0
            elif over:
                return


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]
