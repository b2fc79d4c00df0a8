"""Namespaces held open by a process that ends when this one does, whatever ends it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from debonair import run
from debonair.errors import MachineError

_READY = "namespaces are made"
_PATIENCE = 10.0


@contextmanager
def hold(options: Sequence[str], *, log: Path, proc: Path = Path("/proc")) -> Iterator[int]:
    """Hold the namespaces that unshare(1) makes with ``options``, and give the pid to enter them by.

    What was mounted and started inside is gone with them. ``log`` is a file for what unshare says.
    Raises ``MachineError`` if the kernel refuses.
    """
    # The holder reads a pipe of which this process has the only other end.
    holder = run.start(
        ["unshare", *options, "--", "sh", "-c", f"echo {_READY} && exec cat"],
        output=log,
        stdin=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while _READY not in (said := log.read_text(errors="replace")):
            if holder.poll() is not None or time.monotonic() > deadline:
                raise MachineError(f"The kernel refuses the namespaces a trial needs: {said.strip()}")
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
