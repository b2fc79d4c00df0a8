"""A client of ``debonair repo serve`` that wants its threads, its memory, its files, or others' answers."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

LONG = 90
"""Seconds after which a slow client must be gone, on a slow machine."""


@dataclass(frozen=True)
class Served:
    """A repository that is served."""

    port: int
    pid: int
    root: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=LONG)

    def say(self, request: bytes) -> bytes:
        """Send ``request`` and return all that comes until the connection is closed."""
        with self.connect() as client:
            client.sendall(request)
            return _all(client)

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status

    def answers(self) -> bool:
        """Return whether there is room for this client."""
        try:
            return self.status("/index.html") == 200
        except (http.client.RemoteDisconnected, ConnectionError):
            return False

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))


def _all(client: socket.socket) -> bytes:
    found = b""
    try:
        while data := client.recv(1 << 16):
            found += data
    except ConnectionResetError:
        pass
    return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    words = [sys.executable, "-m", "debonair", "repo"]
    root = tmp_path / "apt"
    made = subprocess.run(
        [*words, "init", root, "--name", "acme"],
        env=env,
        capture_output=True,
        check=False,
        timeout=LONG * 2,
    )
    assert made.returncode == 0, made.stderr
    with subprocess.Popen(
        [*words, "serve", "--port", "0", "-r", root], env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        found = re.search(r"127\.0\.0\.1:(\d+)/", process.stderr.readline())
        assert found
        yield Served(int(found[1]), process.pid, root)
        process.terminate()
    subprocess.run(
        ["gpgconf", "--homedir", tmp_path / "c/debonair/repositories/acme/gnupg", "--kill", "gpg-agent"],
        check=False,
        capture_output=True,
        timeout=LONG,
    )


def test_takes_all_threads(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(served.connect())
            client.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\nX: ")
        time.sleep(1)
        assert served.threads() < 150
    until = time.monotonic() + LONG
    while not served.answers():  # until it saw that the others are gone
        assert time.monotonic() < until
        time.sleep(0.1)


def test_keeps_a_thread_by_a_request_that_never_ends(served: Served) -> None:
    with served.connect() as client:
        client.settimeout(0.2)
        client.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\n")
        for _ in range(LONG * 2):
            try:
                client.sendall(b"X-y: z\r\n")
                if client.recv(1 << 16) in {b""}:
                    break
            except TimeoutError:
                time.sleep(0.3)
            except OSError:
                break
        else:
            pytest.fail("the server still listens")
    assert served.status("/index.html") == 200


def test_takes_the_memory_by_a_long_head(served: Served) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 60_000) for number in range(90))
    with served.connect() as client:
        try:
            client.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
            answer = _all(client)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
    assert b" 200 " not in answer


@pytest.mark.parametrize("header", [b"Content-Length: %d", b"Transfer-Encoding: chunked"])
def test_is_answered_in_anothers_name_by_a_body(header: bytes, served: Served) -> None:
    """Through a proxy that shares one connection, a body would be the next one's request."""
    inner = b"GET /state/head.json HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"GET /index.html HTTP/1.1\r\nHost: x\r\n" + (header % len(inner) if b"%" in header else header)
    assert served.say(head + b"\r\n\r\n" + inner).count(b"HTTP/1.1 ") == 1
    posted = head.replace(b"GET", b"POST", 1)
    assert served.say(posted + b"\r\n\r\n" + inner).count(b"HTTP/1.1 ") == 1


def test_reads_what_is_outside_or_not_served(served: Served) -> None:
    for name, target in (
        ("out", "/etc/passwd"),
        ("inside", "state/head.json"),
        ("folder", "state"),
        ("pool/up", "../state"),
    ):
        path = served.root / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
    os.mkfifo(served.root / "fifo")
    for word in ("out", "inside", "folder/head.json", "pool/up/head.json", "state/head.json", "fifo"):
        assert served.status(f"/{word}") == 404, word
    assert served.status("/%73tate/head.json") == 404
    assert served.status("/pool/..%2fstate/head.json") == 404


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://[ HTTP/1.1",
        b"GET //[::x]/ HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /index.html HTTP/1.1\r\nRange: bytes=%s-" % (b"9" * 5000),
        b"GET /index.html HTTP/1.1\r\nIf-Modified-Since: Tue, 14 Nov 99999 22:13:20 GMT",
        b"GET /index.html HTTP/1.1\r\nAuthorization: Basic \xff",
    ],
)
def test_breaks_off_an_answer(request_line: bytes, served: Served) -> None:
    answer = served.say(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert re.match(rb"HTTP/1.1 [234]\d\d ", answer), answer[:100]
