"""The state of each repository that this machine has seen, in the publisher's own configuration.

A pin decides the key and the name. The storage itself cannot change them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from debonair.errors import MachineError
from debonair.repository import state
from debonair.repository.fields import Digest, Name
from debonair.repository.state import Key

_MOST = 1 << 20


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest state that this machine has seen in one place."""

    place: str
    name: Name
    keys: tuple[Key, ...]
    """The keys that may sign the next state."""
    generation: int
    history: str
    """Name of the newest entry of the history; all later states must lead back to it."""
    head: Digest
    """SHA256 of the text that was signed."""


class Pins:
    """The pins of one account: a file for each place, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, place: str) -> Path:
        """Return the path of the pin of ``place``."""
        readable = re.sub(r"[^A-Za-z0-9.-]+", "_", place).strip("_")[-60:]
        return self.folder / f"{readable}-{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"

    def load(self, place: str) -> Pin | None:
        """Return the pin of ``place``, or None if this machine has never seen a repository there.

        Raises ``RepositoryError`` if the file is damaged.
        """
        path = self.path(place)
        try:
            with path.open("rb") as file:
                data = file.read(_MOST)
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise _refused(path, refused) from refused
        return state.decode(data, Pin, str(path))

    def save(self, pin: Pin, *, lower: bool = False) -> Pin:
        """Save ``pin``, unless the saved one has a higher generation; return the pin that is then saved.

        With ``lower``, it is always ``pin``.
        """
        path = self.path(pin.place)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._alone():
                known = None if lower else self.load(pin.place)
                if known is not None and known.generation > pin.generation:
                    return known
                temporary = path.with_suffix(".new")
                with temporary.open("wb") as file:
                    file.write(state.encode(pin))
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
        except OSError as refused:
            raise _refused(path, refused) from refused
        return pin

    def forget(self, place: str) -> bool:
        """Remove the pin of ``place``; return whether there was one."""
        path = self.path(place)
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _refused(path: Path, refused: OSError) -> MachineError:
    return MachineError(
        f"{path} cannot be read or written: {os.strerror(refused.errno or 0)}.",
        hint="This file records what this machine has seen of the repository. Give this account write "
        "access to it.",
    )
