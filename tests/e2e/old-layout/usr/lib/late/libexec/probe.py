"""Questions to the app on its own sockets, past nginx (uwsgi-docs: uwsgi Protocol, Stats Server)."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release import Release

_TIMEOUT = 10.0  # seconds
_MAX_ANSWER = 1_000_000  # bytes
_WAITING, _ACCEPTED = b"02", b"03"  # states of a connection in /proc/net/unix


@dataclass(frozen=True)
class Page:
    """What the app answered."""

    status: int = 0
    """The HTTP status; 0 without an answer."""
    problem: str = ""
    """Why there was no answer."""
    forbidden: bool = False
    """The socket is there, and is not for us."""
    asleep: bool = False
    """It was let sleep."""

    @property
    def healthy(self) -> bool | None:
        """Whether the app is well; ``None`` if it could not be asked."""
        return None if self.forbidden else self.asleep or 0 < self.status < 400

    def describe(self) -> str:
        """Return a few words for a person."""
        if self.forbidden:
            return "was not asked"
        if self.asleep:
            return "was not asked; the next request wakes it"
        return f"answers {self.status}" if self.status else f"does not answer: {self.problem}"


def page(release: Release, *, timeout: float = _TIMEOUT) -> Page:
    """Ask ``release`` for its health page, on its own socket; ``timeout`` is in seconds."""
    path, form = release.socket("sock"), http_request if release.server == "command" else request
    try:
        answer = _ask(path, form(release.health, release.host), timeout)
        if release.server == "command" and not _open_to_nginx(path):
            mode = f"{stat.S_IMODE(path.stat().st_mode):o}"
            return Page(problem=f"nginx may not connect to {path}, which its server made with mode {mode}")
    except PermissionError:
        return Page(forbidden=True)
    except TimeoutError:
        return Page(problem=f"nothing within {timeout:.0f} seconds")
    except (FileNotFoundError, ConnectionError) as wrong:
        what = f"nothing listens on {path}" if release.server == "command" else "it does not run"
        return Page(problem=f"{what} ({wrong.strerror})")
    except OSError as wrong:
        return Page(problem=str(wrong.strerror))
    found = re.match(rb"HTTP/1\.[01] (\d{3})\b", answer)
    return Page(int(found[1])) if found else Page(problem="the worker died, or wrote no HTTP")


def workers(release: Release) -> list[dict[str, Any]]:
    """Return id, pid, status, requests and memory (rss, bytes) of each worker; none if not to be had.

    Of a web server of the app's own these are its processes, with pid and memory.
    """
    if release.server == "command":
        return [{"pid": pid, "rss": _resident(pid)} for pid in below(master(release))]
    keys = ("id", "pid", "status", "requests")
    return [
        {**{key: worker[key] for key in keys}, "rss": _resident(worker["pid"])}
        for worker in _stats(release).get("workers", [])
        if worker["pid"]
    ]


def master(release: Release) -> int:
    """Return the process id of the vassal's master, 0 if it is not to be had."""
    return int(_stats(release).get("pid", 0))


def starts(release: Release) -> tuple[int, ...]:
    """Return the process ids of the workers: others than before mean that one has died.

    Of a web server of the app's own it is the process that was started as such.
    """
    if release.server == "command":
        return tuple(_children(master(release)))
    return tuple(worker["pid"] for worker in _stats(release).get("workers", []))


def busy(release: Release) -> bool:
    """Return whether ``release`` has requests that are not answered.

    While a connection waits on the socket, the workers of uWSGI that could take it are busy. Of a web
    server of the app's own it is known whether any waits, and by ``connected`` whether any is open.
    """
    if release.server == "command":
        return _WAITING in _connections(release)
    return any(worker["status"] not in {"idle", "cheap"} for worker in _stats(release).get("workers", []))


def connected(release: Release) -> bool:
    """Return whether connections are open to a web server of the app's own: requests, or websockets."""
    return release.server == "command" and _ACCEPTED in _connections(release)


def below(pid: int) -> list[int]:
    """Return the process ids of all that ``pid`` started, and that those did."""
    children = _children(pid)
    return [*children, *(other for child in children for other in below(child))]


def _children(pid: int) -> list[int]:
    """Return the process ids of what ``pid`` started; none if it is not there (proc(5))."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return []


def _connections(release: Release) -> list[bytes]:
    """Return the states of all sockets with the path of ``release``'s: each connection has one (proc(5)).

    The table is that of its own network.
    """
    path = os.fsencode(release.socket("sock"))
    with suppress(OSError):
        table = Path(f"/proc/{master(release)}/net/unix").read_bytes().splitlines()
        return [line.split()[5] for line in table if line.endswith(b" " + path)]
    return []


def _open_to_nginx(path: Path) -> bool:
    """Return whether nginx, which is in the group of the socket's folder, may connect to it."""
    found = path.stat()
    mine = found.st_gid == path.parent.stat().st_gid
    return bool(found.st_mode & (stat.S_IWGRP if mine else stat.S_IWOTH))


def _stats(release: Release) -> dict[str, Any]:
    """Return what the stats server of ``release`` says; nothing if it is not to be had."""
    try:
        found = json.loads(_ask(release.socket("stats"), b"", _TIMEOUT))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process uses, those shared with others included (proc(5))."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:  # it has just ended
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def request(path: str, host: str) -> bytes:
    """Return a GET of ``path`` as a packet of the uwsgi protocol."""
    target, _, query = path.partition("?")
    variables = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": path,
        "PATH_INFO": target,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host,
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "",
    }
    body = b"".join(_sized(name) + _sized(value) for name, value in variables.items())
    return struct.pack("<BHB", 0, len(body), 0) + body


def http_request(path: str, host: str) -> bytes:
    """Return a GET of ``path`` in HTTP, as nginx would pass it on, after which the connection is closed."""
    headers = {
        "Host": host,
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": host,
        "X-Forwarded-Proto": "http",
        "X-Real-IP": "127.0.0.1",
        "Connection": "close",
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _sized(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<H", len(data)) + data


def _ask(path: Path, packet: bytes, timeout: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        if packet:  # the stats server does not wait for any, and may have ended already
            connection.sendall(packet)
        answer = bytearray()
        while len(answer) < _MAX_ANSWER and (part := connection.recv(65536)):
            answer += part
    return bytes(answer)
