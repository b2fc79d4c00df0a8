"""Commands of the app beside its service: in its sandbox, as its user, in its environment."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import call
import environment
import sandbox
import terminal as terminals
from release import Home, Release
from text import printable, tail

_KILLED = 3.0  # seconds after which systemd has ended a unit whose time is over


def copies(home: Home, release: Release) -> Path:
    """Return the folder for copies of the app's databases, and create it if necessary.

    It belongs to the app. In the sandbox, only the program that makes the copies can write to it.
    """
    folder = home.root / "var/backups" / home.package
    folder.parent.mkdir(exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        user = pwd.getpwnam(release.user)
        os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return folder


def as_app(
    home: Home, release: Release, argv: list[str], *, seconds: float, more: str = ""
) -> tuple[int, str]:
    """Run ``argv`` in the sandbox of ``release``; return its status and its last lines.

    ``more`` is a further setting of its unit. It cannot signal the processes of the release that is served.
    The status is 124, as of timeout(1), if it did not finish within ``seconds``. Everything that it started
    ends with it, even in another session, because it has its own control group.
    """
    variables = environment.variables(release, {})
    program = shutil.which(argv[0], path=variables["PATH"])
    if program is None:
        return call.MISSING, f"there is no command '{printable(argv[0])}'"
    argv = [program, *argv[1:]]
    if call.systemd_runs():
        status, output = _in_unit(home, release, argv, seconds, more)
    else:
        status, output = call.call(*_plain(release, argv), seconds=seconds, errors=True)
    lines = tail(output)
    if status == call.TIMED_OUT:
        lines = f"{lines}\nit did not finish within {seconds:.0f} seconds".lstrip()
    return status, lines


def for_person(home: Home, release: Release, argv: list[str], *, terminal: bool) -> int:
    """Run ``argv`` as ``as_app`` does, for as long as it takes, and return its status.

    If all of the caller's standard files are a ``terminal``, it gets one of its own. Else it has the
    caller's files, with a pipe in place of a terminal.
    """
    run = subprocess.call if terminal else terminals.run
    if not call.systemd_runs():
        return run(_plain(release, argv))
    name, mode = _name(home), "--pty" if terminal else "--pipe"
    words = [*_run(home, release, name, mode), "--wait", "--collect", "--", *call.words_of(argv)]
    with sandbox.of(home, release, name):
        try:
            # systemd-run would write the command into the title of the terminal, and color its background.
            env = {**os.environ, "SYSTEMD_ADJUST_TERMINAL_TITLE": "0", "SYSTEMD_TINT_BACKGROUND": "0"}
            return run(words, env=env)
        finally:
            call.systemctl("stop", name)  # the command may still run if the terminal was closed


def _in_unit(home: Home, release: Release, argv: list[str], seconds: float, more: str) -> tuple[int, str]:
    # The name is fixed, because the command of an interrupted switch may still run. Two migrations at the
    # same time would damage the data.
    name = f"{home.package}.run-switch.service"
    words = [*_run(home, release, name, "--pipe"), "--wait"]
    words += [f"--property=RuntimeMaxSec={max(seconds, 1):.0f}", "--property=KillSignal=SIGKILL", "--"]
    _end(name)
    with sandbox.of(home, release, name, more=f"{sandbox.apart()}\n{more}"):
        try:
            status, output = call.call(*words, *call.words_of(argv), seconds=seconds + _KILLED, errors=True)
            result = call.shown(name, "Result") if status else ""
        finally:
            _end(name)
    if result == "timeout":
        status = call.TIMED_OUT
    elif result in {"oom-kill", "signal"}:
        output = f"{output.rstrip()}\nit was killed; a program that needs more memory than there is ends so"
    return status, output


def _end(name: str) -> None:
    """End everything in the unit ``name``, and forget its result."""
    if call.state(name) not in {"", "inactive"}:
        call.systemctl("kill", "--signal=SIGKILL", name)
        call.systemctl("stop", name)
        call.systemctl("reset-failed", name)


def _name(home: Home) -> str:
    return f"{home.package}.run-{os.getpid()}.service"


def _run(home: Home, release: Release, name: str, mode: str) -> list[str]:
    """Return the start of a command line of systemd-run(1)."""
    return [
        "systemd-run",
        "--quiet",
        f"--unit={name}",
        f"--description=A command of {home.package}",
        mode,
        f"--working-directory={environment.place(release)}",
        *_variables(release),
    ]


def _variables(release: Release) -> Iterator[str]:
    """Yield options for the variables that uWSGI sets for the app itself; the unit sets the rest."""
    file = environment.settings_file(release)
    if release.emperor == "system":
        yield f"--property=EnvironmentFile=-{file}"
    for name, value in environment.given(release, os.environ).items():
        yield f"--setenv={name}={value}"


def _plain(release: Release, argv: Sequence[str]) -> list[str]:
    """Return the words that become the app's user where systemd does not run (chroot): no sandbox."""
    variables = environment.variables(release, os.environ)
    user = pwd.getpwnam(release.user)
    as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    return [
        *(as_user if os.geteuid() == 0 else []),
        *("env", "-i", "-C", str(environment.place(release))),
        *(f"{name}={value}" for name, value in variables.items()),
        *argv,
    ]
