"""The record of all changes: one file for each change, which names the one before it by its hash.

An entry is written before the head that names it. If its publisher loses to another, or dies, no head names
it. Such an entry is in no chain, and not part of the history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from debonair.errors import RepositoryError
from debonair.repository import state
from debonair.repository.excerpt import shown
from debonair.repository.fields import Text, Time
from debonair.repository.storage.protocol import Storage

FOLDER = "state/history/"
_LONGEST = 1000


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change of a repository."""

    generation: int
    """Its number; change 1 created the repository."""
    date: Time
    """Seconds since the epoch."""
    who: Text
    """Account and machine."""
    verb: Text
    """``add``, ``promote`` ..."""
    what: tuple[Text, ...]
    """A line for each thing that changed."""
    packages: tuple[Text, ...]
    """The packages whose versions changed in any suite, sorted."""
    previous: state.HistoryName
    """Name of the entry before; empty for the first."""


def write(storage: Storage, change: Change) -> str:
    """Write ``change`` and return its name."""
    lines = tuple(shown(line, _LONGEST) for line in change.what)
    change = msgspec.structs.replace(change, who=shown(change.who, _LONGEST), what=lines)
    data = state.encode(change)
    name = f"{change.generation:06}-{hashlib.sha256(data).hexdigest()}"
    storage.add(f"{FOLDER}{name}.json", data)
    return name


def read(storage: Storage, newest: str) -> Iterator[Change]:
    """Yield the changes up to the entry named ``newest``, that one first; errors are those of ``named``."""
    for _, change in named(storage, newest):
        yield change


def is_whole(storage: Storage, newest: str, generation: int) -> bool:
    """Return whether the entry named ``newest`` leads through exactly the changes ``generation`` to 1."""
    number = generation
    try:
        for change in read(storage, newest):
            if change.generation != number:
                return False
            number -= 1
    except RepositoryError:
        return False
    return number == 0


def named(storage: Storage, newest: str) -> Iterator[tuple[str, Change]]:
    """Yield the changes up to the entry named ``newest``, that one first, each with its name.

    Raises ``RepositoryError`` where an entry is missing, or does not have the hash that the next one names.
    """
    name = newest
    while name:
        path = f"{FOLDER}{name}.json"
        found = storage.read(path, state.MOST)
        if found is None:
            raise RepositoryError(f"{path} is missing: the history ends there.")
        if hashlib.sha256(found.data).hexdigest() != name.partition("-")[2]:
            raise RepositoryError(f"{path} was changed: its bytes are not those that were written.")
        change = state.decode(found.data, Change, path)
        yield name, change
        name = change.previous
