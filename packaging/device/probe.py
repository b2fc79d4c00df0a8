"""Requests to the app on its own sockets, not through nginx (uwsgi-docs: uwsgi Protocol, Stats Server)."""

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

import connections
import socket_access
from call import Deadline, shown
from release import Release
from text import printable

_TIMEOUT = 10.0  # seconds
_SOON = 2.0  # seconds for the statistics, which uWSGI's master answers immediately
_MAX_ANSWER = 1_000_000  # bytes of the statistics
_MAX_PAGE = 16_000_000  # bytes of a page: a larger one may never end
_MAX_HEAD = 64_000  # bytes of its headers
_NUMBERS = {"id": 2**16, "pid": 2**22, "requests": 2**63}  # highest of a worker; a pid's is the kernel's
_MOST = 256  # most workers that are read


@dataclass(frozen=True)
class Instance:
    """A running release: where to send requests, and the unit of its processes."""

    release: Release
    unit: str
    sock: Path
    """The socket for requests."""
    stats: Path
    """The socket of uWSGI's statistics."""


@dataclass(frozen=True)
class Page:
    """The app's answer."""

    status: int = 0
    """The HTTP status; 0 without an answer."""
    problem: str = ""
    """Why there was no answer."""
    forbidden: bool = False
    """The socket exists, but we may not use it."""
    asleep: bool = False
    """The app sleeps and was not woken."""

    @property
    def healthy(self) -> bool | None:
        """Return whether the app is healthy; ``None`` if no request was possible."""
        return None if self.forbidden else self.asleep or 0 < self.status < 400

    def describe(self) -> str:
        """Return a few words for people."""
        if self.forbidden:
            return "was not asked"
        if self.asleep:
            return "was not asked; the next request wakes it"
        return f"answers {self.status}" if self.status else f"does not answer: {self.problem}"


class LateError(TimeoutError):
    """An answer did not end in time; ``size`` bytes of it arrived."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes arrived in time")
        self.size = size


def page(instance: Instance, *, timeout: float = _TIMEOUT) -> Page:
    """Request the health page from the app's own socket; it must arrive within ``timeout`` seconds."""
    release, path = instance.release, instance.sock
    form = http_request if release.server == "command" else request
    try:
        answer = _ask(path, form(release.health, release.host), timeout, most=_MAX_PAGE)
        if not socket_access.open_to_nginx(path):
            mode, folder = (stat.S_IMODE(each.lstat().st_mode) for each in (path, path.parent))
            return Page(
                problem=f"nginx has no permission to connect to {path}, which has mode {mode:o} "
                f"(and its folder {folder:o})"
            )
    except PermissionError:
        return Page(forbidden=True)
    except LateError as late:
        what = f"only {late.size} bytes of an answer" if late.size else "no answer"
        return Page(problem=f"{what} within {timeout:.0f} seconds")
    except (FileNotFoundError, ConnectionError) as wrong:
        what = f"nothing listens on {path}" if release.server == "command" else "it does not run"
        return Page(problem=f"{what} ({wrong.strerror})")
    except OSError as wrong:
        return Page(problem=str(wrong.strerror))
    return _read(answer)


def _read(answer: bytes) -> Page:
    """Return the relevant parts of an HTTP answer (RFC 9112)."""
    found = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)\b", answer)
    if not found:
        return Page(problem="the worker died or did not speak HTTP")
    if len(answer) >= _MAX_PAGE:
        return Page(problem=f"its answer is larger than {_MAX_PAGE // 1_000_000} MB")
    if b"\r\n\r\n" not in answer[:_MAX_HEAD]:
        return Page(problem="the headers of its answer are endless")
    return Page(int(found[1]))


def workers(instance: Instance) -> list[dict[str, Any]]:
    """Return id, pid, status, requests and memory (rss, bytes) of each worker; empty if unknown.

    A pid is the one outside of the service, 0 if the service has no such process.

    For a web server of the app's own, these are the processes of its unit, with pid and memory.
    """
    inside = processes(instance.unit)
    if instance.release.server == "command":
        above = _above(instance.unit)
        return [{"pid": pid, "rss": _resident(pid)} for pid in inside if pid not in above]
    # The app may report any process: look up only those that the kernel confirms.
    outside = {_within(pid): pid for pid in inside}
    found = []
    for worker in _workers(instance):
        if worker["pid"]:
            pid = outside.get(worker["pid"], 0)
            found.append({**worker, "pid": pid, "rss": _resident(pid) if pid else 0})
    return found


def processes(unit: str) -> list[int]:
    """Return the ids of the processes in the control group of ``unit``, from the kernel."""
    group = shown(unit, "ControlGroup")
    found = []
    for top in (f"/sys/fs/cgroup{group}", f"/sys/fs/cgroup/systemd{group}"):
        if group:
            with suppress(OSError, ValueError):
                found += [int(line) for line in Path(top, "cgroup.procs").read_text("ascii").split()]
    return found


def _within(pid: int) -> int:
    """Return the id that the process ``pid`` has in its own PID namespace; 0 if it has ended (proc(5))."""
    try:
        found = re.search(rb"^NSpid:.*\t(\d+)$", Path(f"/proc/{pid}/status").read_bytes(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else pid


def _above(unit: str) -> list[int]:
    """Return the process ids of the emperor in ``unit`` and of the masters that it started."""
    emperor = shown(unit, "MainPID")
    if not emperor.isdecimal() or emperor == "0":
        return []
    return [int(emperor), *_children(int(emperor))]


def children(unit: str) -> list[int]:
    """Return the process ids of the children of the main process of ``unit``."""
    return _above(unit)[1:]


def _children(pid: int) -> list[int]:
    """Return the process ids of the children of ``pid``; empty if it does not exist (proc(5))."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return []


def starts(instance: Instance) -> tuple[int, ...]:
    """Return the process ids of the workers: if they change, a worker has died.

    For a web server of the app's own, it is the id of its first process.
    """
    if instance.release.server == "command":
        masters = _above(instance.unit)[1:]
        return tuple(pid for master in masters for pid in _children(master))
    return tuple(worker["pid"] for worker in _workers(instance))


def restarted(instance: Instance) -> bool:
    """Return whether uWSGI reports that it started a worker of the new ``instance`` more than once."""
    counts = (worker.get("respawn_count") for worker in _statistics(instance))
    return any(isinstance(count, int) and count > 1 for count in counts)


def busy(instance: Instance) -> bool:
    """Return whether there are requests that are not answered.

    While a connection waits on the socket, all workers of uWSGI that could accept it are busy. For a web
    server of the app's own, this is whether a connection waits; ``connected`` is whether one is open.
    """
    if instance.release.server == "command":
        return connections.WAITING in _connections(instance)
    return any(worker["status"] not in {"idle", "cheap"} for worker in _workers(instance))


def connected(instance: Instance) -> bool:
    """Return whether a web server of the app's own has open connections: requests, or websockets."""
    return instance.release.server == "command" and connections.ACCEPTED in _connections(instance)


def _connections(instance: Instance) -> list[bytes]:
    """Return the states of the connections to the app's socket."""
    return connections.states(instance.sock, processes(instance.unit))


def _workers(instance: Instance) -> list[dict[str, Any]]:
    """Return id, pid, status and requests of each worker, from the statistics, with checked types.

    None of it is trusted: the app itself may answer instead of uWSGI.
    """
    workers = []
    for worker in _statistics(instance):
        status = worker.get("status")
        numbers = {key: worker.get(key) for key, most in _NUMBERS.items() if _whole(worker.get(key), most)}
        if len(numbers) < len(_NUMBERS) or not isinstance(status, str):
            return []
        workers.append({**numbers, "status": printable(status[:20])})
    return workers


def _statistics(instance: Instance) -> list[dict[str, Any]]:
    """Return what the statistics have about each worker, unchecked; empty if one is not an object."""
    try:
        found = json.loads(_ask(instance.stats, b"", _SOON))
    except (OSError, ValueError, RecursionError):
        return []
    listed = found.get("workers") if isinstance(found, dict) else None
    workers = listed[:_MOST] if isinstance(listed, list) else []
    return workers if all(isinstance(worker, dict) for worker in workers) else []


def _whole(value: object, most: int) -> bool:
    """Return whether ``value`` is a number from 0 to ``most``, and not a bool."""
    return type(value) is int and 0 <= value <= most


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process uses, including shared ones (proc(5))."""
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
    """Return a GET of ``path`` in HTTP, as from nginx, after which the connection is closed."""
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


def _ask(path: Path, packet: bytes, timeout: float, *, most: int = _MAX_ANSWER) -> bytes:
    """Return the received bytes until the socket is closed, up to ``most``, within ``timeout`` seconds."""
    deadline, answer = Deadline(timeout), bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_left(deadline, timeout))
            connection.connect(str(path))
            if packet:  # the stats server needs no request, and may have closed the socket already
                connection.sendall(packet)
            while len(answer) < most:
                connection.settimeout(_left(deadline, timeout))
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
    except TimeoutError:
        raise LateError(len(answer)) from None
    return bytes(answer)


def _left(deadline: Deadline, most: float) -> float:
    """Return the seconds that are left. Raises ``TimeoutError`` if there are none."""
    left = deadline.left(most)
    if not left:
        raise TimeoutError
    return left
