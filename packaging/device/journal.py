"""The verb ``logs``: the app's messages from the journal, safe for a terminal."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import call
from person import RequestError, sudo
from release import Home, Release
from system_emperor import SystemEmperor, emperor_of
from text import escaped, tail

_LINES = 200  # of the messages in which the reason is looked for
_PAGER = ("less", "-FSXMK")  # as journalctl starts it, but without colors from the text
_LONGEST = 65536  # bytes of a part of a line


def logs(home: Home, options: argparse.Namespace) -> int:
    """Print the messages; with ``--follow`` also new ones, until Ctrl-C."""
    journals = [
        path
        for folder in ("run", "var")
        for path in Path(f"/{folder}/log/journal").glob("*/system.journal")
    ]
    if journals and not any(os.access(path, os.R_OK) for path in journals):
        raise RequestError(f"you may not read the journal; run: {sudo()}{home.package} logs")
    follow = ["--follow"] if options.follow else []
    words = ["journalctl", *emperor_of(home).journal(home.serving()), *follow]
    if os.isatty(1):
        return shown(words, paged=not options.follow)
    become(words)
    return 0


def latest(home: Home, release: Release) -> str:
    """Return the end of what the app printed since its service started; empty if none may be read.

    Messages of earlier starts would explain another trouble.
    """
    if os.geteuid() != 0:
        return ""
    emperor = emperor_of(home)
    run = call.shown(emperor.serving(release).unit, "InvocationID")
    if run and not isinstance(emperor, SystemEmperor):
        words = [f"_SYSTEMD_INVOCATION_ID={run}", "+", "_PID=1", f"INVOCATION_ID={run}"]
    else:
        words = [*emperor.journal(release), "--since=-10min"]
    call.call("journalctl", "--sync", seconds=5.0)
    words += ["--output=cat", f"--lines={_LINES}", "--no-pager", "--quiet"]
    return tail(call.call("journalctl", *words, seconds=10.0)[1])


def become(words: list[str]) -> None:
    """Replace this process by ``words``: a file or a pipe gets the output as it is."""
    try:
        os.execvp(words[0], words)  # noqa: S606 - the requested program
    except FileNotFoundError:
        raise RequestError(f"there is no command '{words[0]}'.") from None


def shown(words: list[str], *, paged: bool) -> int:
    """Run ``words`` and show each line with escapes, in a pager if there is one; return its status.

    journalctl itself only escapes control characters, and not those that hide text or turn its direction.
    """
    try:
        source = subprocess.Popen([*words, "--no-pager"], stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise RequestError(f"there is no command '{words[0]}'.") from None
    pager = None
    if paged and shutil.which(_PAGER[0]):
        variables = {**os.environ, "LESSSECURE": "1"}
        pager = subprocess.Popen(_PAGER, stdin=subprocess.PIPE, env=variables)
    assert source.stdout  # noqa: S101 - Popen was called with a pipe
    try:
        with source.stdout as output, suppress(BrokenPipeError):  # the pager was quit
            copy(output, pager.stdin.fileno() if pager and pager.stdin else 1)
    finally:
        if pager and pager.stdin:
            with suppress(BrokenPipeError):
                pager.stdin.close()
            pager.wait()
        source.terminate()
        source.wait()
    return max(source.returncode, 0)


def copy(output: IO[bytes], number: int) -> None:
    """Copy the lines of ``output``, with escapes, to the file descriptor ``number``."""
    for line in _lines(output):
        data = f"{escaped(line)}\n".encode()
        while data:
            data = data[os.write(number, data) :]


def _lines(output: IO[bytes]) -> Iterator[str]:
    while line := output.readline(_LONGEST):
        yield line.decode(errors="surrogateescape").rstrip("\n")
