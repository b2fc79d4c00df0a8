"""One process at a time: a lock on a file, given back by the kernel whatever becomes of its holder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debonair.host.cache import disk


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` while the body runs; wait for another process that holds it.

    The file is made if need be and stays. Raises ``MachineError`` if it may not be written.
    """
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("ab")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
