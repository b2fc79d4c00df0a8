"""Namespaces that a process holds open; it ends whenever this process ends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from debonair.errors import MachineError
from debonair.host import run

COUNT = 65536
"""Number of user ids of a Debian, and of group ids: its highest is 65534, of the user ``nobody``."""
RANGE = 0x6DEB0000
"""The first of them on this machine, in systemd's range for containers; UIDS-GIDS of systemd."""


class Refused(MachineError):  # noqa: N818 - an event in the kernel
    """The kernel refuses namespaces to this process."""


_READY = "namespaces are made"
_PATIENCE = 10.0


def first(proc: Path = Path("/proc")) -> int:
    """Return the first of the users of this machine that a Debian may use as its own.

    It is 0 if this process is in a container's user namespace without spare users: the Debian then has the
    users of that container.
    """
    try:
        lines = (proc / "self/uid_map").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    spans = [(int(inside), int(count)) for inside, _, count in map(str.split, lines)]
    return RANGE if any(low <= RANGE <= low + count - COUNT for low, count in spans) else 0


@contextmanager
def users(*, log: Path, proc: Path = Path("/proc")) -> Iterator[tuple[str, ...]]:
    """Hold a user namespace with users of its own, for root; yield the words that enter it as its root.

    Raises ``Refused`` if the kernel refuses it.
    """
    with hold(["--user"], log=log, proc=proc) as pid:
        try:
            for kind in ("uid", "gid"):
                (proc / str(pid) / f"{kind}_map").write_text(f"0 {first(proc)} {COUNT}\n", encoding="utf-8")
        except OSError as refused:
            raise Refused(
                f"The kernel does not allow a user namespace with its own users: {refused.strerror}."
            ) from refused
        yield ("nsenter", "-t", str(pid), "-U", "--")


@contextmanager
def hold(
    options: Sequence[str], *, log: Path, within: Sequence[str] = (), proc: Path = Path("/proc")
) -> Iterator[int]:
    """Hold the namespaces that unshare(1) creates with ``options``, and yield the pid to enter them by.

    All mounts and processes inside end with them. ``log`` is a file for unshare's output; ``within`` are
    words that enter other namespaces first. Raises ``Refused`` if the kernel refuses them.
    """
    # The holder reads a pipe, whose only other end this process has. It shares nothing else.
    holder = run.start(
        [*within, "unshare", *options, "--", "sh", "-c", f"echo {_READY} && exec cat >/dev/null 2>&1"],
        output=log,
        stdin=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while _READY not in (output := log.read_text(errors="replace")):
            if holder.poll() is not None or time.monotonic() > deadline:
                raise Refused(
                    f"The kernel does not allow the namespaces that a trial needs: {output.strip()}"
                )
            time.sleep(0.005)
        forked = children(holder.pid, proc=proc) if "--fork" in options else []
        yield forked[0] if forked else holder.pid
    finally:
        if holder.stdin:
            holder.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            holder.wait(timeout=_PATIENCE)
        if holder.poll() is None:
            holder.kill()
            holder.wait()


def children(pid: int, *, proc: Path = Path("/proc")) -> list[int]:
    """Return the children of the process ``pid``, none if it is gone; proc_pid_task(5)."""
    try:
        return [
            int(word) for word in (proc / str(pid) / "task" / str(pid) / "children").read_text().split()
        ]
    except OSError:
        return []
