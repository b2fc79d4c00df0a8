"""A storage for a rehearsal: everything can be read, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

from debonair.repository.storage.protocol import Found, Storage, Stored


class Unchanged:
    """The files of ``storage``, which stay as they are."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.at_once = storage.at_once

    def __str__(self) -> str:
        return str(self._storage)

    def read(self, path: str, limit: int) -> Stored | None:
        """Return the file at ``path``; ``Storage.read``."""
        return self._storage.read(path, limit)

    def size(self, path: str) -> int | None:
        """Return how many bytes the file at ``path`` has; ``Storage.size``."""
        return self._storage.size(path)

    def add(self, path: str, data: bytes) -> bool:
        """Return whether a file at ``path`` would be new; ``Storage.add``."""
        del data
        return self._storage.size(path) is None

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write nothing; ``Storage.replace``."""

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``; ``Storage.list``."""
        return self._storage.list(folder)

    def remove(self, path: str) -> None:
        """Remove nothing; ``Storage.remove``."""
