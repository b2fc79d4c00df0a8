"""Where the files of a repository are kept: what a folder, a bucket or another machine must be able to do.

A reader may come at any time, so that a file is there whole or not at all. Two writers are told apart by
tags, which change whenever a file does (an ETag of HTTP, RFC 9110 section 8.8.3).
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from debonair.errors import MachineError

_SEEN = "clients see what they saw before, or all of what is new"
_NOT_HERE = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.EXDEV)
"""What a file system, or one without /proc beside it, says that knows no files without a name."""
_MUCH = 64
"""More files than that are put on the disk together with everything else that waits for it (sync(2))."""


class Conflict(Exception):  # noqa: N818 - it is caught and tried again, never shown
    """A file is not what its writer took it for: somebody else has written it."""


class Stored(msgspec.Struct, frozen=True):
    """A file that was read, and the tag that it had."""

    data: bytes
    tag: str


UNFINISHED = ".new."
"""What the name of a file begins with that was not written to its end."""


class Found(msgspec.Struct, frozen=True):
    """A file that was listed."""

    path: str
    size: int
    """Bytes."""
    modified: int
    """Seconds since the epoch, UTC."""


class Storage(Protocol):
    """The files of one repository, by their path below its root, with ``/`` between folders."""

    at_once: int
    """How many of its methods may run at the same time, in threads: one where nothing is waited for."""

    def read(self, path: str) -> Stored | None:
        """Return the file at ``path``, or None if there is none."""

    def size(self, path: str) -> int | None:
        """Return how many bytes the file at ``path`` has, or None if there is none."""

    def add(self, path: str, data: bytes) -> bool:
        """Write a file that never changes; return whether it was not there yet."""

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the file that has ``tag``, or, if that is None, where there is no file.

        Raises ``Conflict`` if the file has another tag by now.
        """

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``, which ends with a slash; unfinished ones too."""

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, if it is there."""


class Folder:
    """A folder of this machine, as any web server can serve it.

    What never changes is on the disk, and not in a cache of it, before a file is replaced that may name it.
    """

    at_once = 1

    def __init__(self, root: Path) -> None:
        self.root = root
        self._written_since: set[Path] = set()
        self._nameless = True
        self._token = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def __str__(self) -> str:
        return str(self.root)

    def read(self, path: str) -> Stored | None:
        """Return the file at ``path``, or None if there is none; ``Storage.read``."""
        try:
            with (self.root / path).open("rb") as file:
                return Stored(file.read(), _tag(os.fstat(file.fileno())))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as refused:
            raise _refused(self.root / path, refused) from refused

    def size(self, path: str) -> int | None:
        """Return how many bytes the file at ``path`` has, or None; ``Storage.size``."""
        try:
            return (self.root / path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def add(self, path: str, data: bytes) -> bool:
        """Write a file that never changes; ``Storage.add``."""
        final = self.root / path
        try:
            os.utime(final)  # it is wanted again: who sweeps must not take it for an old one
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            if final.exists():
                return False
        else:
            return False
        try:
            if not self._linked(final, data):
                with self._written(final, data) as temporary:
                    os.link(temporary, final)  # unlike a rename, never over another writer's file
        except FileExistsError:
            return False
        self._written_since.add(final)
        return True

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the file that has ``tag``; ``Storage.replace``."""
        final = self.root / path
        self._synced()
        with self._written(final, data) as temporary, self._alone():
            _sync(temporary)
            before = final.stat() if final.exists() else None
            if (before and _tag(before)) != tag:
                raise Conflict(path)
            # HTTP's If-Modified-Since knows whole seconds: two changes in one must not look the same.
            if before and int(temporary.stat().st_mtime) <= int(before.st_mtime):
                later = int(before.st_mtime) + 1
                os.utime(temporary, (later, later))
            temporary.replace(final)
            _sync(final.parent)

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``; ``Storage.list``."""
        for path in sorted((self.root / folder).rglob("*")):
            if path.is_file():
                found = path.stat()
                yield Found(str(path.relative_to(self.root)), found.st_size, int(found.st_mtime))

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, and the folders that are empty then; ``Storage.remove``."""
        final = self.root / path
        try:
            final.unlink(missing_ok=True)
        except OSError as refused:
            raise _refused(final, refused) from refused
        with suppress(OSError):  # the first that is not empty ends it
            for folder in final.relative_to(self.root).parents[:-1]:
                (self.root / folder).rmdir()

    def _linked(self, final: Path, data: bytes) -> bool:
        """Write a file that has no name before it is whole; return whether this file system can do that.

        A killed writer leaves nothing of it, and it takes half as long as to give it another name first.
        Raises ``FileExistsError`` if there is a file of that name.
        """
        if not self._nameless:
            return False
        try:
            try:
                number = os.open(final.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
            except FileNotFoundError:
                final.parent.mkdir(parents=True, exist_ok=True)
                number = os.open(final.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
            try:
                _write(number, data)
                # open(2), O_TMPFILE; without a folder Python's link() does not follow the first name
                os.link(f"/proc/self/fd/{number}", final, src_dir_fd=number, follow_symlinks=True)
            finally:
                os.close(number)
        except FileExistsError:
            raise
        except OSError as refused:
            if refused.errno not in _NOT_HERE:
                raise _refused(final, refused) from refused
            self._nameless = False
        return self._nameless

    @contextmanager
    def _written(self, final: Path, data: bytes) -> Iterator[Path]:
        """Give a temporary file beside ``final`` that holds ``data``."""
        try:
            name = f"{final.parent}/{UNFINISHED}{self._token}.{next(self._numbers)}"
            try:
                file = open(name, "xb", buffering=0)  # noqa: PTH123, SIM115 - thousands of them are written
            except FileNotFoundError:
                final.parent.mkdir(parents=True, exist_ok=True)
                file = open(name, "xb", buffering=0)  # noqa: PTH123, SIM115 - as above
            try:
                with file:
                    _write(file.fileno(), data)
                yield Path(name)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(name)  # noqa: PTH108 - as above
        except FileExistsError:
            raise
        except OSError as refused:
            raise _refused(final, refused) from refused

    def _synced(self) -> None:
        """Put what was written since the last time on the disk: each, or all at once if it is much."""
        try:
            if len(self._written_since) > _MUCH:
                os.sync()
            else:
                for path in sorted(self._written_since):
                    _sync(path)
                    _sync(path.parent)
        except OSError as refused:
            raise _refused(self.root, refused) from refused
        self._written_since.clear()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.root / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(number: int, data: bytes) -> None:
    """Write ``data`` to a descriptor of a new file, which all may read."""
    os.fchmod(number, 0o644)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(number, rest) :]


def _tag(found: os.stat_result) -> str:
    """Return a tag: a file is written anew for each change, so that no two have all of these alike."""
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"


def _sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _refused(path: Path, refused: OSError) -> MachineError:
    """Return the error to show for what a disk refuses."""
    if refused.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MachineError(
            f"There is no space left on the disk to write {path}.",
            hint=f"Free some space and do the same again; {_SEEN}.",
        )
    if refused.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        hint = "Let this account write the folder of the repository, or use the account that does."
    else:
        hint = f"Look at the disk, then do the same again; {_SEEN}."
    said = os.strerror(refused.errno or 0)
    return MachineError(f"{path} cannot be read or written: {said}.", hint=hint)
