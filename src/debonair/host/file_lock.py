"""One process at a time: a lock on a file, which the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from debonair.host.cache import disk
from debonair.host.interruption import unfinished


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` while the body runs; wait while another process or thread holds it.

    The file exists while it is held. Raises ``MachineError`` if it is not writable.
    """
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(path)
    with lock, unfinished(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def making(path: Path) -> Iterator[None]:
    """Hold the lock for making ``path``, a file beside it. Waits and raises as ``exclusive`` does."""
    with exclusive(lock_of(path)):
        yield


def lock_of(path: Path) -> Path:
    """Return the lock file with which makers of ``path`` wait for each other."""
    return path.with_name(f".{path.name}.lock")


def _locked(path: Path) -> BinaryIO:
    """Open and lock the file ``path``."""
    while True:
        lock = path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(lock, path):
                return lock
        except BaseException:
            lock.close()
            raise
        lock.close()  # The last holder removed this file, so this lock excludes nobody.


def _is_at(lock: BinaryIO, path: Path) -> bool:
    """Return whether the open file ``lock`` is still the one that ``path`` names."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(lock.fileno())
    return (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)
