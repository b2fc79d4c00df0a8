"""Run code of strangers on this machine: without its network, files, variables and processes.

The kernel's namespaces isolate it, and a filter of system calls. unshare(1), which every Debian has,
creates the namespaces, or bubblewrap where only bubblewrap may (as on Ubuntu). Inside, /usr is readable,
and one folder in memory is writable. That folder is gone when the last process ends. The result is written
to one descriptor.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from debonair.errors import LockError, MachineError
from debonair.host import interruption, run
from debonair.resources import resource

VARIABLE = "DEBONAIR_ALLOW_UNSANDBOXED_SDISTS"
"""If set, code of sdists may run without a sandbox where none is possible, as with the option."""
FOLDER = "/build"
"""The folder with the command's input, which it may write to."""
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY = 65534
_FIRST_TO_END = (
    "sh",
    "-c",
    '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null || :; exec "$@"',
    "sh",
)
"""If memory runs out, the kernel ends the build before other programs (proc(5), oom_score_adj).

In the Debian that builds a package, /proc is not writable.
"""
_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child")
_SECONDS = 1800
_ROUND = 0.1
_MOST = 1 << 30  # most bytes of a result
_LOG = 1 << 16  # bytes that are read from the end of a command's output
_REFUSED = "echo refused by the kernel"

Kind = Literal["unshare", "bwrap", ""]


class FailedError(LockError):
    """A command in a sandbox failed; ``output`` is the end of its output."""

    def __init__(self, output: str, status: int) -> None:
        super().__init__(output.rpartition("\n")[2] or f"it exited with status {status}")
        self.output = output


@dataclass(frozen=True)
class Sandbox:
    """A way to run a command isolated from this machine; with an empty ``kind`` it is not isolated."""

    kind: Kind
    python: Path
    """This Python's program, not that of a venv; it also exists inside."""
    prefix: Path
    """The folder of its standard library."""

    def run(self, command: Sequence[str], given: bytes, variables: Mapping[str, str]) -> tuple[bytes, str]:
        """Run ``command`` in a folder with the files of the tar archive ``given``.

        ``variables`` are its whole environment. In the words of the command and in ``variables``,
        ``{folder}`` is replaced by that folder, and ``{out}`` by a descriptor. Returns the bytes written to
        the descriptor, and the end of the command's output; trust neither. Raises ``FailedError`` if the
        command fails, and ``LockError`` if it does not end in half an hour.
        """
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            base = Path(folder)
            log, inside = base / "log", Path(FOLDER) if self.kind else base / "build"
            (base / "given").write_bytes(given + bytes(1024))  # tar(5): two empty blocks mark the end
            with (base / "given").open("rb") as source, (base / "out").open("wb") as out:
                words = [
                    *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
                    *command,
                ]
                words = [word.format(folder=inside, out=out.fileno()) for word in words]
                status = _attended(
                    ["env", "-i", f"PATH={_PATH}", *_FIRST_TO_END, *self._entered(base, words)],
                    log,
                    source.fileno(),
                    out.fileno(),
                )
            output = _end(log)
            if status:
                raise FailedError(output.strip(), status)
            if (base / "out").stat().st_size > _MOST:
                raise LockError(f"Its output exceeds {_MOST >> 20} MiB.")
            return (base / "out").read_bytes(), output

    def _entered(self, base: Path, command: Sequence[str]) -> list[str]:
        """Return the words that run ``command`` in this sandbox, which uses the folder ``base``."""
        if not self.kind:
            text = 'mkdir build && cd build && mkdir home && tar -x --no-same-owner && exec "$@" </dev/null'
            return [
                *("setpriv", "--pdeathsig", "KILL", "sh", "-ec", f'cd "$0" && {text}', str(base), *command)
            ]
        filtered = [str(self.python), "-I", "-S", "-c", _text("system_calls.py")]
        confined = ["sh", "-ec", _text("confined.sh"), "sh", *filtered, *command]
        if self.kind == "bwrap":
            return [*self._bubble(), *confined]
        (base / "room").mkdir()
        root = os.geteuid() == 0
        return [
            *("setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES),
            *(() if root else ("--user", "--map-root-user")),
            *("sh", "-ec", _text("sandbox.sh"), "sh", str(base / "room"), str(_NOBODY) if root else ""),
            *(str(path) for path in self._binds()),
            *("--", *confined),
        ]

    def _bubble(self) -> list[str]:
        """Return the words that create the same sandbox with bubblewrap."""
        words = ["bwrap", "--unshare-all", "--uid", "0", "--gid", "0", "--die-with-parent", "--new-session"]
        # The last step into the sandbox needs these two capabilities, and drops them.
        words += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_RESOURCE", "--cap-add", "CAP_SETPCAP"]
        words += ["--as-pid-1"]
        for path in ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"):
            if Path(path).is_symlink():
                words += ["--symlink", str(Path(path).readlink()), path]
            elif Path(path).is_dir():
                words += ["--ro-bind", path, path]
        for path in ("/usr", "/etc/alternatives", *map(str, self._binds())):
            words += ["--ro-bind-try", path, path]
        words += ["--dev", "/dev", "--proc", "/proc"]
        for path in ("/proc/keys", "/proc/key-users"):
            if Path(path).exists():
                words += ["--bind", "/dev/null", path]
        return [*words, "--tmpfs", "/tmp", "--dir", FOLDER]  # noqa: S108 - a /tmp of its own

    def _binds(self) -> list[Path]:
        return [] if self.prefix.is_relative_to("/usr") else [self.prefix]


@functools.cache
def find() -> tuple[Sandbox | None, str]:
    """Return the sandbox that this machine allows; or None, and why it allows none."""
    python, prefix = _python()
    home = Path("~").expanduser().resolve()
    if home.is_relative_to(prefix) and not prefix.is_relative_to("/usr"):
        return None, f"the Python that runs Debonair is in {prefix}, a folder that contains the home folder"
    why = []
    kinds: tuple[Kind, ...] = ("unshare",) if os.geteuid() == 0 else ("unshare", "bwrap")
    for kind in kinds:
        try:
            made = Sandbox(kind, python, prefix)
            # A trial run: Python must find its own library inside.
            made.run([str(python), "-I", "-c", "import os; os.write({out}, b'here')"], b"", {})
        except (MachineError, LockError) as refused:
            why.append(f"{kind}: {refused.message}")
        else:
            return made, ""
    return None, "; ".join(why)


def needed(environ: Mapping[str, str], what: str) -> Sandbox:
    """Return the sandbox in which to do ``what``: ``purely 1.0 is built``.

    Raises ``MachineError`` if this machine allows no sandbox and ``environ`` still requires one.
    """
    found, why = find()
    if found:
        return found
    if allowed(environ):
        return Sandbox("", *_python())
    raise MachineError(
        f"{what} by code of others, but this machine has no sandbox for it ({why}).",
        hint="Lock a version that has a wheel. If that code may read your files and use your network (as "
        "in a throwaway container), add: --allow-unsandboxed-sdists. Otherwise install bubblewrap: "
        "sudo apt install bubblewrap",
    )


def allowed(environ: Mapping[str, str]) -> bool:
    """Return whether code of sdists may run without a sandbox where none is possible."""
    return environ.get(VARIABLE, "").lower() in ("1", "true", "yes", "on")


def _python() -> tuple[Path, Path]:
    """Return the program of this Python, not that of its venv, and the folder of its library."""
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return program, Path(sys.base_prefix).resolve()


def _attended(words: Sequence[str], log: Path, stdin: int, out: int) -> int:
    """Run ``words``; return their exit status. Raises ``LockError`` if they take too long."""
    process = run.start(words, output=log, stdin=stdin, pass_fds=[out])
    until = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < until:
            interruption.check()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=_ROUND)
        raise LockError(f"It did not finish within {_SECONDS // 60} minutes.")
    finally:
        process.kill()  # and with it everything that it has started
        process.wait()


def _end(log: Path) -> str:
    """Return the end of a command's output, without characters that control a terminal."""
    with log.open("rb") as source:
        source.seek(max(0, log.stat().st_size - _LOG))
        text = source.read(_LOG).decode(errors="replace")
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)


def _text(name: str) -> str:
    return resource(f"packaging/sdist/{name}").read_text(encoding="utf-8")
