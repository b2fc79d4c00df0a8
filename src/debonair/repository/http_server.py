"""A small web server for a repository's folder: for a first try, at home, and for tests.

It answers GET and HEAD with byte ranges and If-Modified-Since, and can require basic authentication (RFC
9110, 7617). It does not serve the publisher's own files, and follows no link. Each client has a limited
share of connections, of bytes for a request, and of time for the request and its answer (``connections``).
Debian's nginx does all this faster and for any number of clients, and so does a bucket.
"""

from __future__ import annotations

import base64
import hmac
import io
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from debonair.errors import MachineError, RepositoryError
from debonair.repository.connections import MOST_EACH, MOST_TOGETHER, Patient
from debonair.repository.storage import headers as headers_of

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_LOGIN = re.compile(r"[^:\s]+:\S.*")


def logins(path: Path) -> frozenset[str]:
    """Return the ``name:password`` lines of the file at ``path``, without empty lines and comments.

    Raises ``RepositoryError`` if it cannot be read, or has a line of another form.
    """
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as refused:
        raise RepositoryError(f"{path} is not readable: {refused}.") from refused
    found = frozenset(line for line in lines if line and not line.startswith("#"))
    if not found or any(not _LOGIN.fullmatch(line) for line in found):
        raise RepositoryError(f"{path} must contain lines of the form name:password, and nothing else.")
    return found


def server(
    root: Path, host: str, port: int, *, accounts: frozenset[str], log: Callable[[str], None]
) -> Server:
    """Return a server of the folder ``root`` that is bound and not started yet; port 0 takes a free one.

    ``accounts`` are ``name:password``; without accounts, anybody may read. ``log`` gets a line for each
    request. Raises ``MachineError`` if the address is not available.
    """
    try:
        return Server((host, port), bound(root, accounts, log))
    except OSError as refused:
        raise MachineError(
            f"Port {port} of {host} is not available: {refused.strerror or refused}.",
            hint="Choose another port: --port 8081",
        ) from refused


def bound(root: Path, accounts: frozenset[str], log: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests for the folder ``root``; arguments are those of ``server``."""

    class Bound(_Request):
        pass

    Bound.root, Bound.accounts, Bound.log_line = root.resolve(), accounts, staticmethod(log)
    return Bound


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread, up to a number of connections."""

    daemon_threads = True
    request_queue_size = 64
    ended = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._now: dict[str, int] = {}
        self._lock = Lock()
        super().__init__(address, handler)

    def verify_request(self, request: object, client_address: Any) -> bool:
        """Return whether there is room for one more connection, and for one more from that address."""
        client = str(client_address[0])
        with self._lock:
            if sum(self._now.values()) >= MOST_TOGETHER or self._now.get(client, 0) >= MOST_EACH:
                return False
            self._now[client] = self._now.get(client, 0) + 1
        return True

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; if no thread can start, close the connection."""
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._left(client_address)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and then release the room for another client."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._left(client_address)

    def _left(self, client_address: Any) -> None:
        with self._lock:
            client = str(client_address[0])
            self._now[client] -= 1
            if not self._now[client]:
                del self._now[client]

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing when a client goes away."""

    def end(self, *_signal: object) -> None:
        """End ``serve_forever``; a handler for ``signal.signal``.

        It raises nothing itself: Python ignores an exception that comes while it deletes an object, such as
        the thread of a request.
        """
        self.ended = True

    def service_actions(self) -> None:
        """Raise ``KeyboardInterrupt`` after ``end``; the library calls this after each request or wait."""
        if self.ended:
            raise KeyboardInterrupt


class _Request(BaseHTTPRequestHandler):
    """The requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    root: Path
    accounts: frozenset[str]
    log_line: Callable[[str], None]

    def setup(self) -> None:
        """Set up reading and writing with limits of time."""
        self.connection = self.request
        self._patient = Patient(self.connection)
        self.rfile = io.BufferedReader(self._patient)
        self.wfile = self._patient.sink

    def handle_one_request(self) -> None:
        """Answer one request, if it comes in time and is not too long."""
        self._patient.begin()
        try:
            super().handle_one_request()
        except LineTooLong:
            self.close_connection = True

    def parse_request(self) -> bool:
        """Read the head of a request; one with a body is answered, and the connection closed behind it."""
        good = super().parse_request()
        if good and ("Transfer-Encoding" in self.headers or {"0", *self._lengths()} != {"0"}):
            self.close_connection = True
        return good

    def _lengths(self) -> list[str]:
        return self.headers.get_all("Content-Length", [])

    def send_response(self, code: int, message: str | None = None) -> None:
        """Start an answer, and its time."""
        self._patient.answer(0)
        super().send_response(code, message)

    def handle_expect_100(self) -> bool:
        """Refuse to read a body."""
        return True

    def do_GET(self) -> None:
        """Answer with a file, a part of it, or an error."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer as GET, without the body."""
        self._answer()

    def version_string(self) -> str:
        """Return the header Server: without a version, which would only help attackers."""
        return "debonair"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Pass a line to the log of the server."""
        self.log_line(f"{self.address_string()} {format % args}")

    def _answer(self) -> None:
        if not self._known():
            self._refuse(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="apt"'})
            return
        try:
            words = self._words()
        except ValueError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        file = _opened(self.root, words) if words else None
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send("/".join(words), file)

    def _send(self, name: str, file: BinaryIO) -> None:
        found = os.fstat(file.fileno())
        headers = {
            "Content-Type": headers_of.content_type(name),
            "Last-Modified": formatdate(int(found.st_mtime), usegmt=True),
            "Accept-Ranges": "bytes",
            "Cache-Control": headers_of.cache_control(name),
        }
        if self._unchanged(int(found.st_mtime)):
            self._head(HTTPStatus.NOT_MODIFIED, headers)
            return
        start, end = 0, found.st_size
        status = HTTPStatus.OK
        if (asked := self._range(found.st_size, headers["Last-Modified"])) is not None:
            start, end = asked
            if start >= end:
                whole = {"Content-Range": f"bytes */{found.st_size}"}
                self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, whole)
                return
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.st_size}"
        self._head(status, {**headers, "Content-Length": str(end - start)})
        if self.command == "GET":
            file.seek(start)
            with suppress(OSError):
                self._copy(file, end - start)

    def _copy(self, file: BinaryIO, count: int) -> None:
        self._patient.answer(count)
        self.close_connection, after = True, self.close_connection  # unless all of it was sent
        while count > 0 and (block := file.read(min(count, 1 << 16))):
            self.wfile.write(block)
            count -= len(block)
        self.close_connection = after or count > 0

    def _known(self) -> bool:
        """Return whether the client may read."""
        if not self.accounts:
            return True
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(value, validate=True)
        except ValueError:
            return False
        return any(hmac.compare_digest(given, each.encode()) for each in self.accounts)

    def _words(self) -> list[str]:
        """Return the path of the requested file, name by name; empty if it is not served.

        Raises ``ValueError`` if it is not a valid address.
        """
        words = [word for word in unquote(urlsplit(self.path).path).split("/") if word] or ["index.html"]
        if words[0] == "state" or any(word.startswith(".") or "\0" in word for word in words):
            return []
        return words

    def _unchanged(self, modified: int) -> bool:
        if not (since := self.headers.get("If-Modified-Since")):
            return False
        try:
            return modified <= parsedate_to_datetime(since).timestamp()
        except (ValueError, TypeError, OverflowError, OSError):
            return False

    def _range(self, size: int, modified: str) -> tuple[int, int] | None:
        """Return start and end of the one requested range, or None to send the whole file."""
        found = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        if not found or not (found[1] or found[2]):
            return None
        if (condition := self.headers.get("If-Range")) and condition != modified:
            return None
        if not found[1]:
            return max(size - int(found[2]), 0), size
        return int(found[1]), min(int(found[2]) + 1, size) if found[2] else size

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        if self.close_connection:
            headers = {**headers, "Connection": "close"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _refuse(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        body = f"{status.value} {status.phrase}\n".encode()
        length = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        self._head(status, {**length, **(headers or {})})
        if self.command == "GET":
            self.wfile.write(body)


def _opened(root: Path, words: list[str]) -> BinaryIO | None:
    """Open the file below ``root`` whose path is ``words``, or return None if there is none.

    Each name is looked up in the folder before it, and none of them may be a link. So nobody who moves
    files at the same time can make it open a file outside ``root``, or one of another name.
    """
    here = -1
    try:
        here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for word in words[:-1]:
            there = os.open(word, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = there
        # without O_NONBLOCK, a fifo would block
        file = os.fdopen(os.open(words[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here), "rb")
    except (OSError, ValueError):  # it is missing or a link, or its name is too long or not text
        return None
    finally:
        if here >= 0:
            os.close(here)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None
