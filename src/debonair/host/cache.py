"""Where Debonair keeps files that it can make or fetch again.

The key of each file is the hash of everything that it was made from. Files appear whole or not at all, and
may be deleted at any time.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from debonair.errors import MachineError
from debonair.host.interruption import unfinished


class Cache(msgspec.Struct, frozen=True):
    """The folder of everything that is kept between runs."""

    root: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Cache:
        """Return the user's cache: DEBONAIR_CACHE, else ``debonair`` in the XDG cache folder."""
        if chosen := environ.get("DEBONAIR_CACHE"):
            return cls(Path(chosen).absolute())
        base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/")) / ".cache")
        return cls(Path(base) / "debonair")

    def folder(self, name: str) -> Path:
        """Return the folder ``name`` of the cache, and create it if necessary."""
        path = self.root / name
        with disk(path):
            path.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn errors of the disk, while ``path`` is written, into a ``MachineError``."""
    try:
        yield
    except OSError as refused:
        if refused.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise MachineError(
                f"There is no space left on the disk to write {path}.",
                hint="Free some space, or choose another folder (--out DIR, or DEBONAIR_CACHE=DIR).",
            ) from refused
        if refused.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise MachineError(
                f"{path} is not writable: {os.strerror(refused.errno)}.",
                hint="Choose a folder of your own (--out DIR, or DEBONAIR_CACHE=DIR).",
            ) from refused
        if refused.errno in (errno.ENOTDIR, errno.EEXIST):
            raise MachineError(
                f"{path} cannot be written: a part of its path is a file, not a folder.",
                hint="Choose another folder (--out DIR, or DEBONAIR_CACHE=DIR).",
            ) from refused
        if refused.errno in (errno.EISDIR, errno.ENOTEMPTY):
            raise MachineError(
                f"{path} cannot be written: there is a folder of that name.",
                hint="Rename or remove the folder.",
            ) from refused
        raise


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Provide a temporary path beside ``path``, and rename it to ``path`` when the body has written it.

    The file appears complete or not at all, even after an interruption. If another process writes the same
    path, one of the two files replaces the other completely. A file that already exists keeps its
    permissions. Raises ``MachineError`` if the disk is full or not writable.
    """
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mode & 0o777 if path.is_file() else None
        temporary = _new_file(path)
        with unfinished(temporary):
            try:
                yield temporary
                if before is not None:
                    temporary.chmod(before)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def _new_file(path: Path) -> Path:
    """Create an empty file of a new name beside ``path``, with the permissions that the umask leaves."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            # The kernel applies the umask. Reading the umask would change it, for all threads of this
            # process.
            temporary.open("xb").close()
        except FileExistsError:
            continue
        return temporary
