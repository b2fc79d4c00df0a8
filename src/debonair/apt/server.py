"""A small web server for a repository's folder: for a home network, and for tests.

GET and HEAD with byte ranges, If-Modified-Since and, if wanted, basic authentication (RFC 9110, 7617).
What only a publisher reads is not served. Debian's own nginx does all this faster; so does a bucket.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from debonair.apt import headers as headers_of
from debonair.errors import MachineError, RepositoryError

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_LOGIN = re.compile(r"[^:\s]+:\S.*")


def logins(path: Path) -> frozenset[str]:
    """Return the ``name:password`` lines of the file at ``path``; empty lines and comments are left out.

    Raises ``RepositoryError`` if it cannot be read, or has a line of another form.
    """
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as refused:
        raise RepositoryError(f"{path} cannot be read: {refused}.") from refused
    found = frozenset(line for line in lines if line and not line.startswith("#"))
    if not found or any(not _LOGIN.fullmatch(line) for line in found):
        raise RepositoryError(f"{path} must have lines of the form name:password, and has others or none.")
    return found


def server(
    root: Path, host: str, port: int, *, accounts: frozenset[str], log: Callable[[str], None]
) -> ThreadingHTTPServer:
    """Return a server of the folder ``root`` that is bound and not started yet; port 0 takes a free one.

    ``accounts`` are ``name:password``; if there are none, anybody may read. ``log`` gets a line for each
    request. Raises ``MachineError`` if the address cannot be taken.
    """
    try:
        return _Server((host, port), bound(root, accounts, log))
    except OSError as refused:
        raise MachineError(
            f"Port {port} of {host} cannot be listened at: {refused.strerror or refused}.",
            hint="Name another: --port 8081",
        ) from refused


def bound(root: Path, accounts: frozenset[str], log: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests for the folder ``root``; arguments are those of ``server``."""

    class Bound(_Request):
        pass

    Bound.root, Bound.accounts, Bound.log_line = root.resolve(), accounts, staticmethod(log)
    return Bound


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""


class _Request(BaseHTTPRequestHandler):
    """One request after another of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    root: Path
    accounts: frozenset[str]
    log_line: Callable[[str], None]

    def do_GET(self) -> None:
        """Answer with a file, a part of it, or why not."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer as GET, without the body."""
        self._answer()

    def version_string(self) -> str:
        """Return what the header Server says: no version, which is nobody's business."""
        return "debonair"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Give a line to whoever keeps them."""
        self.log_line(f"{self.address_string()} {format % args}")

    def _answer(self) -> None:
        if not self._known():
            self._refuse(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="apt"'})
            return
        path = self._path()
        try:
            file = path.open("rb") if path else None
        except OSError:
            file = None
        if path is None or file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send(path, file)

    def _send(self, path: Path, file: BinaryIO) -> None:
        found = os.fstat(file.fileno())
        name = str(path.relative_to(self.root))
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
            with suppress(BrokenPipeError, ConnectionResetError):
                self._copy(file, end - start)

    def _copy(self, file: BinaryIO, count: int) -> None:
        if count == os.fstat(file.fileno()).st_size:
            shutil.copyfileobj(file, self.wfile)
            return
        while count > 0 and (block := file.read(min(count, 1 << 16))):
            self.wfile.write(block)
            count -= len(block)

    def _known(self) -> bool:
        """Tell whether who asks may read."""
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

    def _path(self) -> Path | None:
        """Return the file that is asked for, or None if there is none that is served."""
        words = [word for word in unquote(urlsplit(self.path).path).split("/") if word] or ["index.html"]
        if words[0] == "state" or any(word.startswith(".") or "\0" in word for word in words):
            return None
        path = self.root.joinpath(*words)
        try:
            return path if path.resolve().is_relative_to(self.root) and path.is_file() else None
        except OSError:  # a name that is too long, a loop of links
            return None

    def _unchanged(self, modified: int) -> bool:
        if not (since := self.headers.get("If-Modified-Since")):
            return False
        try:
            return modified <= parsedate_to_datetime(since).timestamp()
        except ValueError:
            return False

    def _range(self, size: int, modified: str) -> tuple[int, int] | None:
        """Return start and end of the one range that is asked for, or None to send all."""
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
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _refuse(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        body = f"{status.value} {status.phrase}\n".encode()
        length = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        self._head(status, {**length, **(headers or {})})
        if self.command == "GET":
            self.wfile.write(body)
