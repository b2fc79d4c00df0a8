"""Record when each item of the cache was last used, so that ``cache prune`` can remove unused ones.

An item is a file or a folder directly in a folder of the cache, such as ``wheels/HASH``. Its modification
time is the time of its last use.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from debonair.errors import MachineError
from debonair.host.cache import Cache
from debonair.host.file_lock import exclusive

_RUNNING = ".running"


def used(path: Path, cache: Cache) -> bool:
    """Return whether ``path``, which is in ``cache``, exists; note that its item is used now.

    From then on nobody removes the item before this command ends (``running``).
    """
    item = cache.root.joinpath(*path.relative_to(cache.root).parts[:2])
    with suppress(OSError), _locked(cache, fcntl.LOCK_SH):  # a foreign cache may not be writable
        os.utime(item)
    return path.exists()


@contextmanager
def running(cache: Cache) -> Iterator[None]:
    """Keep ``cache prune`` from removing what a command uses while the body runs."""
    with ExitStack() as stack:
        with suppress(MachineError):  # a cache that is not writable cannot record this run
            stack.enter_context(exclusive(cache.root / _RUNNING / secrets.token_hex(8)))
        yield


def oldest_run(cache: Cache) -> float | None:
    """Return when the oldest command began that uses ``cache`` now, in seconds; None without a command."""
    starts = list[float]()
    for path in (cache.root / _RUNNING).glob("*"):
        with suppress(FileNotFoundError), path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                starts.append(path.stat().st_mtime)
            else:
                path.unlink()  # its command was killed
    return min(starts, default=None)


@contextmanager
def alone(cache: Cache) -> Iterator[None]:
    """Keep others from using anything else of ``cache`` while the body runs."""
    with _locked(cache, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(cache: Cache, how: int) -> Iterator[None]:
    """Hold the lock that uses of items share, and that the removal of items excludes."""
    with (cache.root / ".removing.lock").open("ab") as lock:
        fcntl.flock(lock, how)
        yield
