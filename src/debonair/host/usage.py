"""When something in the cache was last used, to free its space when nobody uses it any more.

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


def used(path: Path, cache: Cache) -> bool:
    """Return whether ``path``, which is in ``cache``, exists; note that its item is used now.

    From then on nobody removes the item before this command ends (``running``).
    """
    item = cache.root.joinpath(*path.relative_to(cache.root).parts[:2])
    with suppress(OSError), _unchanged(cache, fcntl.LOCK_SH):  # a foreign cache may not be writable
        os.utime(item)
    return path.exists()


@contextmanager
def running(cache: Cache) -> Iterator[None]:
    """Tell whoever frees space that a command uses ``cache`` while the body runs."""
    with ExitStack() as stack:
        with suppress(MachineError):  # who cannot write to the cache cannot hold anything in it
            stack.enter_context(exclusive(cache.root / ".running" / secrets.token_hex(8)))
        yield


@contextmanager
def _unchanged(cache: Cache, how: int) -> Iterator[None]:
    """Keep others from removing items (``LOCK_SH``) or from using them (``LOCK_EX``) in the body."""
    with (cache.root / ".removing.lock").open("ab") as lock:
        fcntl.flock(lock, how)
        yield
