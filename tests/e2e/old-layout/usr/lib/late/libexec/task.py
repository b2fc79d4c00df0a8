"""Commands of the app that are run beside its service, as its user and in its environment."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import environment
from release import Home, Release

_LINES = 20
_AFTER = 5  # of these, what may follow the last line of a traceback
_REQUEST = re.compile(r"\[pid: \d+\|app: ")


def as_app(home: Home, release: Release, argv: list[str], *, seconds: float) -> tuple[int, str]:
    """Run ``argv`` as the app's user for ``release``; return its status and its last lines.

    The status is 124 if it did not end within ``seconds``, as timeout(1) has it.
    """
    user = pwd.getpwnam(release.user)
    variables = environment.variables(release, {})
    program = shutil.which(argv[0], path=variables["PATH"])
    if program is None:
        return 127, f"there is no command '{argv[0]}'"
    with subprocess.Popen(
        [program, *argv[1:]],
        env=variables,
        cwd=home.data if home.data.is_dir() else Path("/"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=user.pw_uid if os.geteuid() == 0 else None,
        group=user.pw_gid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        umask=0o077,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            output, _ = process.communicate()
            return 124, f"{tail(_text(output))}\nit did not end within {seconds:.0f} seconds".lstrip()
        except BaseException:  # such as Ctrl-C
            _end(process)
            raise
    return process.returncode, tail(_text(output))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started: nothing goes on writing to the data unseen."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def tail(text: str) -> str:
    """Return the lines of what a program wrote that tell why it failed.

    These are its last ones; or, if it shows tracebacks, those of the last one, and little of what follows:
    who starts a program again and again has the reason above what it wrote since. uWSGI's lines of requests
    tell nothing, unless there are no others.
    """
    lines = text.strip().splitlines()
    lines = [line for line in lines if not _REQUEST.match(line)] or lines
    begins = [number for number, line in enumerate(lines) if "Traceback (most recent" in line]
    if begins:
        lines = lines[begins[-1] :]
        ends = (number for number, line in enumerate(lines) if number and line[:1].strip())
        error = next(ends, len(lines))
        lines = lines[: max(error + _AFTER, _LINES)]
    return "\n".join(lines[-_LINES:])


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
