"""One process at a time: a lock on a file, which the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debonair.host.cache import disk


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` while the body runs; wait while another process holds it.

    The file is created if necessary, and stays. Raises ``MachineError`` if it is not writable.
    """
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("ab")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
