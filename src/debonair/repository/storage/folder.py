"""A repository in a folder of this machine, as any web server can serve it."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from debonair.errors import MachineError, RepositoryError
from debonair.repository.storage.protocol import (
    UNFINISHED,
    Conflict,
    Found,
    Stored,
    TooLarge,
    inside,
    is_inside,
    is_link,
)

_SEEN = "clients see either the old state or the complete new one"
_NOT_HERE = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.EXDEV)
"""Errors of a file system, or of a machine without /proc, that does not support files without a name."""
_MUCH = 64
"""If more files wait, one sync(2) writes them all, with everything else that waits for the disk."""


class Folder:
    """A folder of this machine, as any web server can serve it.

    Files that never change are on the disk, and not only in its cache, before a file that may name them is
    replaced. Each folder below the root is opened from the one above it, so that nobody can redirect the
    path in the meantime.
    """

    at_once = 1

    def __init__(self, root: Path) -> None:
        self.root = root
        self._written_since: set[str] = set()
        self._nameless = True
        self._token = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def __str__(self) -> str:
        return str(self.root)

    def read(self, path: str, limit: int) -> Stored | None:
        """Return the file at ``path``, or None if there is none; ``Storage.read``."""
        try:
            with self._parent(path) as (parent, name):
                # without blocking: somebody may have put a fifo there
                number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
            with open(number, "rb") as file:  # noqa: PTH123 - a descriptor has no path
                found = os.fstat(number)
                if not stat.S_ISREG(found.st_mode):
                    raise IsADirectoryError(errno.EISDIR, "")
                if found.st_size > limit:
                    raise TooLarge(path, limit, _tag(found))
                data = file.read(found.st_size + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as refused:
            raise self._refused(path, refused) from refused
        if len(data) > limit:
            raise TooLarge(path, limit, _tag(found))
        return Stored(data, _tag(found))

    def size(self, path: str) -> int | None:
        """Return how many bytes the file at ``path`` has, or None; ``Storage.size``."""
        try:
            with self._parent(path) as (parent, name):
                found = self._stat(path, parent, name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if found is None else found.st_size

    def add(self, path: str, data: bytes) -> bool:
        """Write a file that never changes; ``Storage.add``."""
        try:
            with self._parent(path, make=True) as (parent, name):
                if self._touched(path, parent, name):
                    return False
                if not self._linked(parent, name, data):
                    with self._written(parent, data) as temporary:
                        # unlike a rename, never over another writer's file
                        here = {"src_dir_fd": parent, "dst_dir_fd": parent}
                        os.link(temporary, name, follow_symlinks=False, **here)
        except FileExistsError:
            return False
        except OSError as refused:
            raise self._refused(path, refused) from refused
        self._written_since.add(path)
        return True

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the file that has ``tag``; ``Storage.replace``."""
        try:
            self._synced()
            with (
                self._parent(path, make=True) as (parent, name),
                self._written(parent, data) as temporary,
                self._alone(),
            ):
                _sync(temporary, parent)
                before = self._stat(path, parent, name)
                if (before and _tag(before)) != tag:
                    raise Conflict(path)
                # HTTP's If-Modified-Since has whole seconds: two changes in one second must not look the
                # same.
                now = os.stat(temporary, dir_fd=parent, follow_symlinks=False).st_mtime
                if before and int(now) <= int(before.st_mtime):
                    later = int(before.st_mtime) + 1
                    os.utime(temporary, (later, later), dir_fd=parent, follow_symlinks=False)
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
                os.fsync(parent)
        except OSError as refused:
            raise self._refused(path, refused) from refused

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``; ``Storage.list``."""
        found = []
        try:
            with self._parent(f"{folder}-") as (parent, _):
                for base, _, names, number in os.fwalk(".", dir_fd=parent, follow_symlinks=False):
                    for name in names:
                        status = os.stat(name, dir_fd=number, follow_symlinks=False)
                        path = folder + os.path.normpath(f"{base}/{name}")
                        if stat.S_ISREG(status.st_mode) and is_inside(path):
                            found.append(Found(path, status.st_size, int(status.st_mtime)))
        except (FileNotFoundError, NotADirectoryError):
            pass
        yield from sorted(found, key=lambda each: each.path)

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, and the folders that are empty then; ``Storage.remove``."""
        try:
            with self._parent(path) as (parent, name):
                os.unlink(name, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as refused:
            raise self._refused(path, refused) from refused
        with suppress(OSError):  # the first folder that is not empty ends it
            while path := path.rpartition("/")[0]:
                with self._parent(path) as (parent, name):
                    os.rmdir(name, dir_fd=parent)

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield a descriptor of the folder that ``path`` is in, and its name there.

        If ``make`` is set, missing folders are created; otherwise they raise ``FileNotFoundError``.
        """
        *folders, name = inside(path).split("/")
        flags = os.O_RDONLY | os.O_DIRECTORY
        try:
            number = os.open(self.root, flags)
        except FileNotFoundError:
            if not make:
                raise
            self.root.mkdir(parents=True, exist_ok=True)
            number = os.open(self.root, flags)
        try:
            for at, each in enumerate(folders):
                try:
                    below = os.open(each, flags | os.O_NOFOLLOW, dir_fd=number)
                except FileNotFoundError:
                    if not make:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(each, dir_fd=number)
                    below = os.open(each, flags | os.O_NOFOLLOW, dir_fd=number)
                except NotADirectoryError:
                    if stat.S_ISLNK(os.stat(each, dir_fd=number, follow_symlinks=False).st_mode):
                        raise is_link(str(self.root.joinpath(*folders[: at + 1]))) from None
                    raise
                os.close(number)
                number = below
            yield number, name
        finally:
            os.close(number)

    def _stat(self, path: str, parent: int, name: str) -> os.stat_result | None:
        """Return the status of a file, or None if there is none. Raises what ``is_link`` returns."""
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(found.st_mode):
            raise is_link(str(self.root / path))
        return found

    def _touched(self, path: str, parent: int, name: str) -> bool:
        """Return whether a file exists; renew its time, so that a sweep does not take it for an old one."""
        if self._stat(path, parent, name) is None:
            return False
        with suppress(OSError):
            os.utime(name, dir_fd=parent, follow_symlinks=False)
        return True

    def _linked(self, parent: int, name: str, data: bytes) -> bool:
        """Write a file that has no name until it is whole; return whether this file system can do that.

        A killed writer leaves no trace, and it takes half as long as using a temporary name first. Raises
        ``FileExistsError`` if there is a file of that name.
        """
        if not self._nameless:
            return False
        try:
            number = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o644, dir_fd=parent)
            try:
                _write(number, data)
                # open(2), O_TMPFILE; without a folder Python's link() does not follow the first name
                os.link(
                    f"/proc/self/fd/{number}",
                    name,
                    src_dir_fd=number,
                    dst_dir_fd=parent,
                    follow_symlinks=True,
                )
            finally:
                os.close(number)
        except FileExistsError:
            raise
        except OSError as refused:
            if refused.errno not in _NOT_HERE:
                raise
            self._nameless = False
        return self._nameless

    @contextmanager
    def _written(self, parent: int, data: bytes) -> Iterator[str]:
        """Yield the name of a temporary file in the folder ``parent`` that contains ``data``."""
        name = f"{UNFINISHED}{self._token}.{next(self._numbers)}"
        number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=parent)
        try:
            try:
                _write(number, data)
            finally:
                os.close(number)
            yield name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)

    def _synced(self) -> None:
        """Flush everything written since the last time to the disk: each file, or all if they are many."""
        if len(self._written_since) > _MUCH:
            os.sync()
        else:
            for path in sorted(self._written_since):
                with suppress(FileNotFoundError), self._parent(path) as (parent, name):
                    _sync(name, parent)
                    os.fsync(parent)
        self._written_since.clear()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._parent(".lock") as (parent, name):
            # without blocking: somebody may have put a fifo there
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            number = os.open(name, flags, 0o644, dir_fd=parent)
        with open(number, "ab") as lock:  # noqa: PTH123 - a descriptor has no path
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _refused(self, path: str, refused: OSError) -> MachineError | RepositoryError:
        """Return the error to show when a disk refuses."""
        where = self.root / path
        return is_link(str(where)) if refused.errno == errno.ELOOP else _refused(where, refused)


def _write(number: int, data: bytes) -> None:
    """Write ``data`` to a descriptor of a new file, which all may read."""
    os.fchmod(number, 0o644)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(number, rest) :]


def _tag(found: os.stat_result) -> str:
    """Return a tag: each change writes a new file, so that no two have all of these values in common."""
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"


def _sync(name: str, parent: int) -> None:
    """Flush a file of the folder ``parent`` to the disk."""
    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _refused(path: Path, refused: OSError) -> MachineError:
    """Return the error to show when a disk refuses."""
    if refused.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MachineError(
            f"There is no space left on the disk to write {path}.",
            hint=f"Free some space and run the command again; {_SEEN}.",
        )
    if refused.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        hint = (
            "Give this account write access to the folder of the repository, or use an account that has it."
        )
    else:
        hint = f"Check the disk, then run the command again; {_SEEN}."
    reason = os.strerror(refused.errno or 0)
    return MachineError(f"{path} cannot be read or written: {reason}.", hint=hint)
