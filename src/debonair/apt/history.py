"""Who changed what, and when: one file for each change, which names the one before it by its hash.

An entry is written before the head that names it. One that no head came to name (its publisher lost to
another, or died) is in no chain, and is not part of the history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from debonair.apt import state
from debonair.apt.storage import Storage
from debonair.errors import RepositoryError

FOLDER = "state/history/"


class Change(msgspec.Struct, frozen=True):
    """One change of a repository."""

    generation: int
    """Its number: 1 is that which made the repository."""
    date: int
    """Seconds since the epoch."""
    who: str
    """Account and machine."""
    verb: str
    """``add``, ``promote`` ..."""
    what: tuple[str, ...]
    """A line for each thing that changed."""
    packages: tuple[str, ...]
    """The packages whose versions changed in any suite, sorted."""
    previous: str
    """Name of the entry before; empty for the first."""


def write(storage: Storage, change: Change) -> str:
    """Keep ``change`` and return its name."""
    data = state.encode(change)
    name = f"{change.generation:06}-{hashlib.sha256(data).hexdigest()}"
    storage.add(f"{FOLDER}{name}.json", data)
    return name


def read(storage: Storage, newest: str) -> Iterator[Change]:
    """Yield the changes up to the entry named ``newest``, that one first.

    Raises ``RepositoryError`` where an entry is missing, or is not what the one after it says it was.
    """
    name = newest
    while name:
        path = f"{FOLDER}{name}.json"
        found = storage.read(path)
        if found is None:
            raise RepositoryError(f"{path} is missing: the history is cut off there.")
        if hashlib.sha256(found.data).hexdigest() != name.partition("-")[2]:
            raise RepositoryError(f"{path} was altered: its bytes are not those that were written.")
        change = state.decode(found.data, Change, path)
        yield change
        name = change.previous
