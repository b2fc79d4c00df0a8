"""Read packages of strangers in separate processes, without our key and our environment.

A process reads one package after another (``deb.reader_process``). It receives a package's bytes, within a
limit of time and memory, and answers with plain data. This module checks the answer, because a stranger may
control it. A process that is late, ends, or answers too much is killed, and the package is refused.
"""

from __future__ import annotations

import json
import os
import selectors
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from debonair import errors
from debonair.errors import Error, PackageError
from debonair.host import decoder, interruption, run

CONTENTS = "debonair.deb.reader_process:contents"
_MEMORY = 1 << 30
_SECONDS = 60
_ROUND = 0.1
"""Seconds between two checks whether this process is to end."""
_BYTES_A_SECOND = 1 << 20
"""Bytes a second that a reader must reach; a Raspberry Pi unpacks several times as many."""
_MOST = 1 << 28
"""Most bytes of an answer."""
_CHUNK = 1 << 18
_UNKNOWN = (-1, -1)
_ROOT = Path(__file__).parents[2]
_BEGIN = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from debonair.deb import reader_process; reader_process.main({job!r}, {memory})"
)


class Contents(msgspec.Struct, frozen=True):
    """The content of a package."""

    fields: dict[str, str]
    members: list[tuple[str, str, int, int, int, str]]
    """Path, kind, mode, time, size and target of each, as ``deb.tar.Member``."""
    kept: list[tuple[str, int]]
    """Path and size of each file whose bytes the caller asked for."""


class Pool:
    """Processes that do one job, one for each calling thread; they start when they are needed."""

    def __init__(self, job: str = CONTENTS, *, bare: bool = True, memory: int = _MEMORY) -> None:
        """Prepare a pool for ``job``: ``module:function``, a ``deb.reader_process.Job``.

        A ``bare`` process has only Python's own library, and starts faster; ``memory`` is in bytes.
        """
        self.job = job
        self._words = [sys.executable, "-I", *(["-S"] if bare else []), "-c"]
        self._words.append(_BEGIN.format(root=str(_ROOT), job=job, memory=memory))
        self._idle: list[_Process] = []

    def __enter__(self) -> Pool:
        """Start the first process early, so that it is ready for the first package."""
        self._idle.append(_Process(self._words))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._idle:
            process.kill()  # an idle process has no work to finish, and would take longer to exit by itself
        self._idle.clear()

    def contents(
        self, path: Path, data: bytes, patterns: Sequence[str]
    ) -> tuple[Contents, dict[str, bytes]]:
        """Return the content of a package, and those of its files whose path matches one of ``patterns``.

        ``data`` are its bytes; errors name ``path``. Raises ``PackageError`` if dpkg does not accept the
        package, or if it takes more time or memory than it may.
        """
        answer, blob = self.ask(path, data, patterns)
        try:
            read = decoder.converted(answer, Contents, strict=True)
        except msgspec.ValidationError as wrong:
            raise _broken(path, str(wrong)) from wrong
        kept, at = {}, 0
        for name, size in read.kept:
            kept[name] = blob[at : at + size]
            at += size
        return read, kept

    def ask(self, path: Path, data: bytes, words: Sequence[str]) -> tuple[Any, bytes]:
        """Return the job's result for the package ``data``. Raises ``Error`` if the job refuses it."""
        try:
            process = self._idle.pop()
        except IndexError:
            process = _Process(self._words)
        try:
            answer, blob = process.ask(path, data, words)
        except BaseException:
            process.kill()
            raise
        self._idle.append(process)
        return found(path, answer), blob


class _Process:
    """One process, which answers one request after another."""

    def __init__(self, words: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the process has ended
        try:
            self._process = run.piped(words, errors=self._errors, env={})
        except BaseException:
            self._errors.close()
            raise
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        os.set_blocking(self._stdin.fileno(), False)

    def ask(self, path: Path, data: bytes, words: Sequence[str]) -> tuple[Any, bytes]:
        """Return the answer to a request. Raises ``PackageError`` if none comes in time."""
        seconds = _SECONDS + len(data) // _BYTES_A_SECOND
        request = {"path": str(path), "size": len(data), "words": list(words), "seconds": seconds}
        given = [memoryview(json.dumps(request).encode() + b"\n"), memoryview(data)]
        got = _Answer()
        until = time.monotonic() + seconds
        with selectors.PollSelector() as ready:
            ready.register(self._stdout, selectors.EVENT_READ)
            ready.register(self._stdin, selectors.EVENT_WRITE)
            while not got.whole:
                events = ready.select(_ROUND)
                interruption.check()
                if time.monotonic() > until:
                    raise PackageError(f"{path} was refused: reading it took more than {seconds} seconds.")
                for key, _ in events:
                    if key.fileobj is self._stdin:
                        if not self._give(given):
                            ready.unregister(self._stdin)
                    elif not got.add(os.read(self._stdout.fileno(), _CHUNK)):
                        raise _broken(path, self._last_words())
        return got.parts()

    def _give(self, given: list[memoryview]) -> bool:
        """Write one piece of the request; return whether anything is left."""
        try:
            count = os.write(self._stdin.fileno(), given[0][:_CHUNK])
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        given[0] = given[0][count:]
        while given and not given[0]:
            del given[0]
        return bool(given)

    def kill(self) -> None:
        """End it immediately."""
        self._process.kill()
        self._process.wait()
        for file in (self._stdin, self._stdout, self._errors):
            with suppress(OSError):
                file.close()

    def _last_words(self) -> str:
        self._process.kill()
        status = self._process.wait()
        self._errors.seek(0)
        output = self._errors.read(1 << 16).decode(errors="replace").strip()
        return output.rpartition("\n")[2][:500] or f"it exited with status {status}"


class _Answer:
    """An answer, piece by piece: two sizes in a line, JSON, bytes."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._sizes: tuple[int, int] = _UNKNOWN

    @property
    def whole(self) -> bool:
        """Return whether the answer is complete."""
        return self._sizes is not _UNKNOWN and len(self._got) >= sum(self._sizes)

    def add(self, data: bytes) -> bool:
        """Take a piece; return whether the answer can still be valid."""
        self._got += data
        if self._sizes is _UNKNOWN and b"\n" in self._got[:64]:
            line, _, rest = self._got.partition(b"\n")
            text_size, _, blob_size = line.partition(b" ")
            if not (text_size.isdigit() and blob_size.isdigit()):
                return False
            self._sizes = int(text_size), int(blob_size)
            self._got = rest
        most = 64 if self._sizes is _UNKNOWN else sum(self._sizes)
        return bool(data) and len(self._got) <= most <= _MOST

    def parts(self) -> tuple[Any, bytes]:
        """Return the value of the JSON, and the bytes; None for JSON that is not valid."""
        size = self._sizes[0]
        try:
            return json.loads(self._got[:size]), bytes(self._got[size:])
        except (ValueError, RecursionError):
            return {}, b""


def found(path: Path, answer: Any) -> Any:
    """Return the content of the package at ``path`` from the answer to a request.

    Raises the ``Error`` that the answer describes, if the package was refused.
    """
    match answer:
        case {"found": found}:
            return found
        case {"unfit": [str(why), str(hint)]}:
            raise PackageError(f"{path} is not a usable Debian package: {why}.", hint=hint)
        case {"error": [str(kind), str(message), str(hint)]}:
            raise _kind(kind)(message, hint=hint)
        case {"broken": str(why)}:
            raise _broken(path, why)
        case _:
            raise _broken(path, "its answer is not valid")


def _kind(name: str) -> Callable[..., Error]:
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, Error) else PackageError


def _broken(path: Path, why: str) -> PackageError:
    return PackageError(
        f"{path} was refused: the process that read it failed: {why}",
        hint="If dpkg installs this package, Debonair has a bug: please report it.",
    )
