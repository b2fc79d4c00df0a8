"""The one door to other programs.

Arguments are lists, never shell text. Standard input is closed unless the caller provides bytes. If a
program is missing, the error names the Debian package that contains it. A failure shows the command in a
form that can be pasted, and the end of its output.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec

from debonair.errors import Error, MachineError
from debonair.host import interruption, launch, modes, supervisor
from debonair.host.output import Deadline, Flood, listen
from debonair.host.progress import warn
from debonair.host.terminal import plain

verbose = False
"""If true, each command is shown before it runs, in a form that can be pasted."""

PACKAGES: Mapping[str, str] = {
    "apt-cache": "apt",
    "apt-config": "apt",
    "apt-get": "apt",
    "base64": "coreutils",
    "bwrap": "bubblewrap",
    "cat": "coreutils",
    "chroot": "coreutils",
    "dpkg": "dpkg",
    "dpkg-architecture": "dpkg-dev",
    "dpkg-deb": "dpkg",
    "dpkg-parsechangelog": "dpkg-dev",
    "dpkg-query": "dpkg",
    "env": "coreutils",
    "git": "git",
    "gpg": "gnupg",
    "gpgconf": "gnupg",
    "gpgv": "gpgv",
    "id": "coreutils",
    "install": "coreutils",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "newuidmap": "uidmap",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
    "prlimit": "util-linux",
    "rm": "coreutils",
    "setpriv": "util-linux",
    "sh": "dash",
    "ssh": "openssh-client",
    "systemctl": "systemd",
    "systemd-nspawn": "systemd-container",
    "tail": "coreutils",
    "tar": "tar",
    "test": "coreutils",
    "true": "coreutils",
    "umount": "mount",
    "unshare": "util-linux",
}
"""The Debian package of each program that Debonair may call."""


_GRACE = 1.0


class CommandError(Error):
    """A program exited with a status that is not zero."""

    def __init__(self, argv: Sequence[str], status: int, output: str) -> None:
        tail = plain("\n".join(output.strip().splitlines()[-20:]))
        super().__init__(
            f"'{shlex.join(argv)}' exited with status {status}" + (f":\n{tail}" if tail else ""),
        )
        self.status = status
        self.output = output


class Completed(msgspec.Struct, frozen=True):
    """The result of a program: its exit status and its output, as text."""

    status: int
    stdout: str
    stderr: str


def find(program: str) -> str:
    """Return the absolute path of ``program``.

    It also searches /usr/sbin and /sbin, because a user's PATH on Debian leaves them out. Raises
    ``MachineError``, which names the Debian package of the program.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    if found := shutil.which(program, path=path):
        return found
    package = PACKAGES.get(program)
    raise MachineError(
        f"The program '{program}' is not on this machine.",
        hint=f"Install the Debian package '{package}': sudo apt install {package}"
        if package
        else "Install it in a folder of PATH.",
    )


def program(file: str) -> tuple[str, ...]:
    """Return the words that run ``file``, a program of Debonair's own; its arguments follow them.

    It uses only the standard library, because its Python imports nothing else. It reads the bytecode that
    was cached when this process imported the file, and writes none.
    """
    return (sys.executable, "-I", "-S", "-B", launch.__file__, file)


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | Path | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> Completed:
    """Run ``argv`` to its end and return its result.

    ``env`` is added to this process's environment. ``stdin``, bytes or the path of a file, is the input of
    the program, which is otherwise empty. The run is over when the program ends, even if another process
    still holds its output open. After ``timeout`` seconds the program is ended. With a ``timeout``,
    everything that it started ends with it. Raises ``MachineError`` if the program is missing, does not end
    in time or writes without end, and ``CommandError`` if it fails and ``check`` is set.
    """
    words = [find(str(argv[0])), *(str(word) for word in argv[1:])]
    _show(words)
    watched = () if timeout is None else program(supervisor.__file__)
    with _opened(stdin) as source:
        process = _popen(
            [*watched, *words],
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=timeout is not None,
        )
    try:
        out, err = listen(process, stdin if isinstance(stdin, bytes) else b"", timeout=timeout)
    except Deadline as late:
        raise MachineError(f"'{shlex.join(words)}' did not finish within {timeout:.0f} seconds.") from late
    except Flood as much:
        raise MachineError(
            f"'{shlex.join(words)}' was stopped: it wrote more than {much.limit >> 20} MB."
        ) from much
    stdout = out.decode(errors="replace")
    stderr = err.decode(errors="replace")
    if check and process.returncode:
        raise CommandError(words, process.returncode, stdout + stderr)
    return Completed(process.returncode, stdout, stderr)


@contextmanager
def _opened(stdin: bytes | Path | None) -> Iterator[IO[bytes] | int]:
    """Provide the standard input of a program."""
    if isinstance(stdin, Path):
        with stdin.open("rb") as file:
            yield file
    else:
        yield subprocess.DEVNULL if stdin is None else subprocess.PIPE


def start(
    argv: Sequence[str | Path],
    *,
    output: Path,
    env: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``argv`` beside this process and return it while it runs.

    Its output is appended to the file ``output``. It runs in a session of its own, so that Ctrl-C reaches
    only this process, which then ends the program in good order. ``stdin`` may be ``subprocess.PIPE``;
    ``pass_fds`` are descriptors that it inherits. Raises ``MachineError`` if the program is missing.
    """
    words = [find(str(argv[0])), *(str(word) for word in argv[1:])]
    _show(words, " &")
    with output.open("ab") as sink:
        return _popen(
            words,
            env={**os.environ, **env} if env else None,
            stdin=stdin,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
        )


def piped(
    argv: Sequence[str | Path], *, errors: IO[bytes], env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``argv`` with a pipe to its standard input and one from its output, and return it.

    Its standard error is written to ``errors``; ``env``, if given, is its whole environment. It runs in a
    session of its own, as with ``start``. Raises ``MachineError`` if the program is missing.
    """
    words = [find(str(argv[0])), *(str(word) for word in argv[1:])]
    _show(words, " |")
    return _popen(
        words,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )


def _popen(words: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
    """Start a program, which an interruption of this process ends."""
    return interruption.started(lambda: subprocess.Popen(words, **more))  # noqa: S603 - never a shell


def attend(argv: Sequence[str | Path]) -> int:
    """Run ``argv`` on this process's own terminal or pipes, to its end; return its exit status.

    On a terminal, Ctrl-C belongs to the program: a shell or an interpreter continues. If it ends the
    program, it ends this process, too. Raises ``MachineError`` if the program is missing.
    """
    words = [find(str(argv[0])), *(str(word) for word in argv[1:])]
    _show(words)
    with modes.kept(), interruption.left_to_program() as ended:
        process = _popen(words)
        try:
            _stop_together(process.pid)
            status = process.wait()
        except BaseException:
            end(process)
            raise
        ended(status)
    return status


def end(process: subprocess.Popen[bytes]) -> None:
    """End ``process``, which has little time to end what it has started; its output is of no use."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    process.kill()
    process.wait()


def _stop_together(pid: int) -> None:
    """Wait for the end of the child ``pid``, and stop whenever it stops, as job control expects."""
    while _is_stopped(pid):
        # Ctrl-Z has stopped both, and perhaps the shell has continued both since.
        if _is_stopped(pid, os.WNOHANG):
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(pid, signal.SIGCONT)


def _is_stopped(pid: int, options: int = 0) -> bool:
    """Wait until the child ``pid`` stops or ends, and return whether it is stopped."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT | options)
    return found is not None and found.si_code == os.CLD_STOPPED


def _show(words: Sequence[str], more: str = "") -> None:
    if verbose:
        warn(f"+ {shlex.join(words)}{more}")
