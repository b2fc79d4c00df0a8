"""A folder of another machine, by ssh: that machine needs a shell and Debian's essential programs.

``packaging/repo/storage.sh`` runs there and answers requests, over one connection. The order of writes and
the comparison of tags are those of any storage, so a folder there has the guarantees of a folder here. A
file appears under its name only when all its bytes have arrived.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, LifoQueue
from typing import IO, Protocol, cast
from urllib.parse import unquote, urlsplit

from debonair.errors import Error, MachineError, NetworkError, RepositoryError
from debonair.host import interruption, run
from debonair.repository.excerpt import shown
from debonair.repository.storage.protocol import (
    Conflict,
    Found,
    Stored,
    TooLarge,
    inside,
    is_inside,
    is_link,
)
from debonair.resources import resource

_ABSENT, _THERE, _OTHER, _CUT, _LINK = 44, 46, 47, 48, 49
_GREETING = b"debonair\n"
_SMALL = 1 << 16
"""Smaller files are sent without checking for them first: the check would take as long."""
_NONE = "-"
_ROOT = "."
"""The path of the whole repository, to list."""
_SIZE = "size:"
"""Begins the tag of a file that is too large for its reader, who knows only its size."""
_LONGEST = 256 << 20
"""Most bytes of an answer that is not a file, such as a list of files."""
_ANSWER = re.compile(rb"(\d{1,3}) (\d{1,15})\n")
_LISTED = re.compile(r"([^\t]+)\t(\d{1,15})\t(\d{1,12})(?:\.\d*)?")
_END = 10  # seconds
_DEADLINE = 3600
"""Seconds for one request with all its data; a longer one never ends."""
_LINE = 4096
"""Bytes of a line of an answer, or of the output of an account's startup files."""
_LINES = 1000
_PART = 1 << 20
"""Bytes to read in one step."""
_ALIVE = ("ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4")


class Session(Protocol):
    """A connection that answers one request after another."""

    def ask(self, request: str, data: bytes, limit: int) -> tuple[int, bytes]:
        """Return status and answer. Raises ``EOFError`` with the error output if the connection has ended.

        Raises ``ValueError`` with its size if the answer has more than ``limit`` bytes, which are then not
        read.
        """

    def end(self) -> None:
        """End the connection."""


class Ssh:
    """A session by ssh(1)."""

    def __init__(self, host: str, folder: str, port: int | None) -> None:
        script = resource("packaging/repo/storage.sh").read_text()
        options = [word for each in ("BatchMode=yes", *_ALIVE) for word in ("-o", each)]
        words = ["ssh", *options, *([] if port is None else ["-p", str(port)])]
        command = shlex.join(["sh", "-c", script, "sh", folder])
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end
        self._process = run.piped([*words, "--", host, command], errors=self._errors)
        self._in, self._out = (
            cast("IO[bytes]", self._process.stdin),
            cast("IO[bytes]", self._process.stdout),
        )
        self._greeted = False

    def ask(self, request: str, data: bytes, limit: int) -> tuple[int, bytes]:
        """Return status and answer; ``Session.ask``."""
        end = threading.Timer(_DEADLINE, self._process.kill)
        end.daemon = True
        end.start()
        try:
            with suppress(BrokenPipeError):  # its error output may name the reason
                self._in.write(request.encode() + data)
                self._in.flush()
            lines = 0
            while not self._greeted:  # the output of the account's own startup files comes first
                self._greeted = self._line() == _GREETING
                if (lines := lines + 1) > _LINES:
                    raise EOFError("its answer does not come from Debonair's script")
            status, size = _status(self._line())
            if size > limit:
                raise ValueError(size)
            return status, b"".join(self._parts(size))
        finally:
            end.cancel()

    def _parts(self, size: int) -> Iterator[bytes]:
        """Yield ``size`` bytes of an answer as they arrive; a mere claim reserves no memory."""
        while size:
            part = self._out.read(min(size, _PART))
            if not part:
                raise EOFError("the connection ended")
            size -= len(part)
            yield part

    def end(self) -> None:
        """End the connection; ``Session.end``."""
        for pipe in (self._in, self._out):
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(interruption.patience(_END))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _line(self) -> bytes:
        if line := self._out.readline(_LINE):
            return line
        self._process.wait()
        self._errors.seek(0)
        self._errors.seek(max(self._errors.seek(0, 2) - _LINE, 0))
        lines = self._errors.read(_LINE).decode(errors="replace").strip().splitlines()
        raise EOFError(lines[-1].strip().rstrip(".") if lines else "the connection ended")


Connect = Callable[[str, str, int | None], Session]
"""Opens a session with a host, in a folder, at a port: ``Ssh``, or its replacement in a test."""


def open_(where: str, connect: Connect = Ssh) -> Remote:
    """Return the folder at ``ssh://user@host:port/path`` or ``user@host:path``; it does not connect yet.

    A path without a slash before it, or after ``~/``, is below the user's home there. Raises
    ``RepositoryError`` for any other form.
    """
    port = None
    try:
        if where.lower().startswith("ssh://"):
            parts = urlsplit(where)
            path, port = unquote(parts.path).removeprefix("/~/"), parts.port
            host = (f"{parts.username}@" if parts.username else "") + (parts.hostname or "")
        else:
            host, _, path = where.partition(":")
            path = path.removeprefix("~/")
    except ValueError:
        host = path = ""
    if not re.fullmatch(r"[^-\s@][^\s@]*(@[^-\s@][^\s@]*)?", host) or not path or "\n" in path:
        raise RepositoryError(
            f"{where} is not a folder of another machine.", hint="Write it as host:path or ssh://host/path."
        )
    folder = path if path.startswith("/") else f"./{path}"
    return Remote(where, host, lambda: connect(host, folder, port))


class Remote:
    """A repository in a folder of another machine."""

    at_once = 4  # each has a connection of its own

    def __init__(self, where: str, host: str, connect: Callable[[], Session]) -> None:
        """``host`` is for messages."""
        self.where, self.host = where, host
        self._connect = connect
        self._idle: LifoQueue[Session] = LifoQueue()
        weakref.finalize(self, _end, self._idle)

    def __str__(self) -> str:
        return self.where

    def read(self, path: str, limit: int) -> Stored | None:
        """Return the file at ``path``; ``Storage.read``. Its tag is its hash."""
        status, data = self._ask("read", path, limit=limit)
        return None if status else Stored(data, hashlib.sha256(data).hexdigest())

    def size(self, path: str) -> int | None:
        """Return how many bytes the file at ``path`` has; ``Storage.size``."""
        status, data = self._ask("size", path)
        return None if status or not data.isdigit() else int(data)

    def add(self, path: str, data: bytes) -> bool:
        """Write a file that never changes; ``Storage.add``."""
        if len(data) >= _SMALL and not self._ask("touch", path)[0]:
            return False
        return not self._ask("add", path, data)[0]

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the file that has ``tag``; ``Storage.replace``."""
        if self._ask("replace", path, data, tag or _NONE)[0]:
            raise Conflict(path)

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``; ``Storage.list``."""
        _, answer = self._ask("list", folder.rstrip("/") or _ROOT)
        for line in sorted(answer.decode(errors="surrogateescape").split("\n")):
            found = _LISTED.fullmatch(line)
            if found and is_inside(path := folder + found[1]):
                yield Found(path, int(found[2]), int(found[3]))

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, and the folders that are empty then; ``Storage.remove``."""
        self._ask("remove", path)

    def _ask(
        self, verb: str, path: str, data: bytes = b"", tag: str = _NONE, limit: int = _LONGEST
    ) -> tuple[int, bytes]:
        """Return status and answer to a request: 0, or that a file is absent, exists, or differs."""
        if (verb, path) != ("list", _ROOT):
            inside(path)
        digest = hashlib.sha256(data).hexdigest()
        try:
            session = self._idle.get_nowait()
        except Empty:
            session = self._connect()
        try:
            status, answer = session.ask(f"{verb} {len(data)} {digest} {tag} {path}\n", data, limit)
        except ValueError as large:
            session.end()
            raise TooLarge(path, limit, f"{_SIZE}{large}") from None
        except EOFError as ended:
            session.end()
            raise self._unreached(str(ended)) from ended
        except BaseException:  # such as Ctrl-C: the bytes that follow would not answer the next request
            session.end()
            raise
        if status in (0, _ABSENT, _THERE, _OTHER):
            self._idle.put(session)
            return status, answer
        session.end()
        if status == _CUT:
            raise self._unreached("a file was truncated during the transfer")
        if status == _LINK:
            raise is_link(f"{self.where}/{path}")
        raise self._refused(answer.decode(errors="replace").strip())

    def _unreached(self, message: str) -> Error:
        message = shown(message)
        if "not found" in message:
            return self._refused(message)
        return NetworkError(
            f"{self.host} cannot be reached by ssh: {message}.",
            hint=f"Check that 'ssh {self.host} true' works without a question, then run the command again. "
            "Clients always see a complete repository.",
        )

    def _refused(self, message: str) -> Error:
        """Return the error to show when the other machine refuses."""
        message = shown(message.splitlines()[-1].rstrip(".")) if message else "it gives no reason"
        again = "Then run the command again. Clients always see a complete repository."
        if "not found" in message:
            return MachineError(
                f"{self.host} lacks a program: {message}.",
                hint="It needs sh, coreutils, findutils and util-linux, which every Debian has.",
            )
        if "No space left" in message or "quota" in message:
            return MachineError(
                f"There is no space left on {self.host}: {message}.", hint=f"Free some space. {again}"
            )
        return MachineError(
            f"{self.where} cannot be read or written: {message}.",
            hint=f"Give that account write access to the folder of the repository. {again}",
        )


def _status(line: bytes) -> tuple[int, int]:
    """Return status and size of an answer. Raises ``EOFError`` if it is invalid, as the rest then is."""
    if (found := _ANSWER.fullmatch(line)) is None:
        raise EOFError("its answer does not come from Debonair's script")
    return int(found[1]), int(found[2])


def _end(idle: LifoQueue[Session]) -> None:
    """End the open connections."""
    while not idle.empty():
        idle.get_nowait().end()
