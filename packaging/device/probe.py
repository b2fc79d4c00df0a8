"""Questions to the app on its own sockets, past nginx (uwsgi-docs: uwsgi Protocol, Stats Server)."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release import Release

_TIMEOUT = 10.0  # seconds
_MAX_ANSWER = 1_000_000  # bytes


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
    try:
        answer = _ask(release.socket("sock"), request(release.health, release.host), timeout)
    except PermissionError:
        return Page(forbidden=True)
    except TimeoutError:
        return Page(problem=f"nothing within {timeout:.0f} seconds")
    except (FileNotFoundError, ConnectionError) as wrong:
        return Page(problem=f"it does not run ({wrong.strerror})")
    except OSError as wrong:
        return Page(problem=str(wrong.strerror))
    found = re.match(rb"HTTP/1\.[01] (\d{3})\b", answer)
    return Page(int(found[1])) if found else Page(problem="the worker died, or wrote no HTTP")


def workers(release: Release) -> list[dict[str, Any]]:
    """Return id, pid, status, requests and memory (rss, bytes) of each worker; none if not to be had."""
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
    """Return the process ids of the workers: others than before mean that one has died."""
    return tuple(worker["pid"] for worker in _stats(release).get("workers", []))


def busy(release: Release) -> bool:
    """Return whether ``release`` has requests that are not answered.

    Linux does not tell how many connections wait on a unix socket. But while any does, the workers that
    could take it are busy.
    """
    return any(worker["status"] not in {"idle", "cheap"} for worker in _stats(release).get("workers", []))


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
