from __future__ import annotations

import base64
import io
import os
import weakref
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import pytest

from debonair.errors import MachineError, RepositoryError
from debonair.repository import connections, http_server

WHEN = 1_700_000_000
STAMP = "Tue, 14 Nov 2023 22:13:20 GMT"


class Connection:
    """What a client sends, and what it gets."""

    def __init__(self, sent: bytes) -> None:
        self.sent = io.BytesIO(sent)
        self.got = b""

    def recv_into(self, buffer: memoryview) -> int:
        return self.sent.readinto(buffer)

    def sendall(self, data: bytes) -> None:
        self.got += data

    def settimeout(self, seconds: float) -> None:
        pass


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "apt"
    for path in ("index.html", "pool/h/x.deb", "dists/trixie/InRelease", "state/head.json", ".lock"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"0123456789")
        os.utime(root / path, (WHEN, WHEN))
    (root / "out").symlink_to("/etc/passwd")
    (root / "link").symlink_to("pool/h")
    (root / "inside").symlink_to("index.html")
    (root / "hidden").symlink_to("state/head.json")
    os.mkfifo(root / "fifo")
    return root


def ask(
    root: Path, path: str, *headers: str, method: str = "GET", accounts: frozenset[str] = frozenset()
) -> tuple[int, dict[str, str], bytes]:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    connection = Connection("\r\n".join(lines).encode())
    log: list[str] = []
    http_server.bound(root, accounts, log.append)(connection, ("127.0.0.1", 1), None)  # type: ignore[arg-type]
    head, _, body = connection.got.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    status = int(first.split()[1])
    assert log == [f'127.0.0.1 "{lines[0]}" {status} -']
    return status, dict(line.split(": ", 1) for line in rest), body


def test_a_file(root: Path) -> None:
    status, headers, body = ask(root, "/pool/h/x.deb")
    assert (status, body) == (200, b"0123456789")
    assert headers["Content-Length"] == "10"
    assert headers["Last-Modified"] == STAMP
    assert headers["Content-Type"] == "application/vnd.debian.binary-package"
    assert headers["Cache-Control"] == "max-age=31536000, immutable"
    assert headers["Server"] == "debonair"
    assert ask(root, "/dists/trixie/InRelease")[1]["Cache-Control"] == "no-cache"


def test_the_page(root: Path) -> None:
    assert ask(root, "/")[1]["Content-Type"] == "text/html; charset=utf-8"
    assert ask(root, "/?x=1#y")[0] == 200


def test_the_head_alone(root: Path) -> None:
    status, headers, body = ask(root, "/pool/h/x.deb", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")
    assert ask(root, "/x", method="HEAD")[2] == b""


@pytest.mark.parametrize(
    "path",
    [
        "/x",
        "/link",
        "/link/x.deb",
        "/inside",
        "/hidden",
        "/fifo",
        "/index.html/x",
        "/pool",
        "/state/head.json",
        "/.lock",
        "/../apt/index.html",
        "/%2e%2e/apt/index.html",
        "/out",
        "/a%00b",
        "/" + "x" * 300,
    ],
)
def test_what_is_not_served(root: Path, path: str) -> None:
    assert ask(root, path)[::2] == (404, b"404 Not Found\n")


def test_a_file_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(os, "open", refused)
    assert ask(root, "/index.html")[0] == 404


@pytest.mark.parametrize(
    ("asked", "status", "body", "part"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-20", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"416 Requested Range Not Satisfiable\n", "bytes */10"),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1", 200, b"0123456789", None),
    ],
)
def test_a_part(root: Path, asked: str, status: int, body: bytes, part: str | None) -> None:
    got = ask(root, "/pool/h/x.deb", f"Range: {asked}")
    assert (got[0], got[2], got[1].get("Content-Range")) == (status, body, part)


def test_a_part_of_what_has_changed(root: Path) -> None:
    assert ask(root, "/pool/h/x.deb", "Range: bytes=4-", f"If-Range: {STAMP}")[0] == 206
    assert (
        ask(root, "/pool/h/x.deb", "Range: bytes=4-", "If-Range: Tue, 14 Nov 2023 22:13:19 GMT")[0] == 200
    )


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (STAMP, 304),
        ("Tue, 14 Nov 2023 22:13:21 GMT", 304),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
        ("x", 200),
    ],
)
def test_what_has_not_changed(root: Path, since: str, status: int) -> None:
    got = ask(root, "/dists/trixie/InRelease", f"If-Modified-Since: {since}")
    assert got[0] == status
    assert bool(got[2]) == (status == 200)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Authorization: Basic " + base64.b64encode(b"pi:secret").decode(), 200),
        ("Authorization: basic " + base64.b64encode(b"pi:secret").decode(), 200),
        ("Authorization: Basic " + base64.b64encode(b"pi:other").decode(), 401),
        ("Authorization: Basic ###", 401),
        ("Authorization: Bearer x", 401),
        ("X: y", 401),
    ],
)
def test_a_private_one(root: Path, header: str, status: int) -> None:
    got = ask(root, "/index.html", header, accounts=frozenset({"pi:secret", "x:y"}))
    assert got[0] == status
    assert (got[1].get("WWW-Authenticate") == 'Basic realm="apt"') == (status == 401)


def test_logins(tmp_path: Path) -> None:
    path = tmp_path / "logins"
    path.write_text("# machines\n\npi:secret word\nother:x:y\n")
    assert http_server.logins(path) == {"pi:secret word", "other:x:y"}
    for text in ("", "pi\n", "pi:\n", "p i:x\n"):
        path.write_text(text)
        with pytest.raises(
            RepositoryError, match=r"must contain lines of the form name:password, and nothing else\."
        ):
            http_server.logins(path)
    with pytest.raises(RepositoryError, match="is not readable"):
        http_server.logins(tmp_path / "none")


def test_a_port_that_is_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> NoReturn:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(http_server, "Server", taken)
    with pytest.raises(
        MachineError, match=r"Port 80 of 127\.0\.0\.1 is not available: Address already in use\."
    ):
        http_server.server(root, "127.0.0.1", 80, accounts=frozenset(), log=print)


def test_who_went_away_is_not_talked_about() -> None:
    http_server.Server.handle_error(None, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "header", ["Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: 0\r\nContent-Length: 5"]
)
def test_a_body_ends_the_connection(root: Path, header: str) -> None:
    lines = ["GET /index.html HTTP/1.1", "Host: x", header, "", "GET /pool/h/x.deb HTTP/1.1", "", ""]
    connection = Connection("\r\n".join(lines).encode())
    http_server.bound(root, frozenset(), lambda _: None)(connection, ("127.0.0.1", 1), None)  # type: ignore[arg-type]
    assert connection.got.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in connection.got


def test_no_address(root: Path) -> None:
    assert ask(root, "http://[")[0] == 400


@pytest.mark.parametrize("when", ["x", "Tue, 14 Nov 0000 22:13:20 GMT", "Tue, 14 Nov 99999 22:13:20 GMT"])
def test_a_date_that_is_none(root: Path, when: str) -> None:
    assert ask(root, "/index.html", f"If-Modified-Since: {when}")[0] == 200


def test_a_range_with_very_many_digits(root: Path) -> None:
    assert ask(root, "/index.html", f"Range: bytes=0-{'9' * 5000}")[0] == 200


def test_a_head_that_is_too_long(root: Path) -> None:
    lines = [b"GET /index.html HTTP/1.1", *(b"X-%d: %s" % (number, b"x" * 1000) for number in range(30))]
    connection = Connection(b"\r\n".join(lines) + b"\r\n\r\n")
    http_server.bound(root, frozenset(), lambda _: None)(connection, ("127.0.0.1", 1), None)  # type: ignore[arg-type]
    assert connection.got.startswith(b"HTTP/1.1 431 ")
    connection = Connection(b"GET /" + b"x" * 100_000)
    http_server.bound(root, frozenset(), lambda _: None)(connection, ("127.0.0.1", 1), None)  # type: ignore[arg-type]
    assert connection.got == b""


def test_a_file_that_shrinks_ends_the_connection(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstat

    def larger(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[6] += 10
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", larger)
    connection = Connection(b"GET /index.html HTTP/1.1\r\n\r\nGET /index.html HTTP/1.1\r\n\r\n")
    http_server.bound(root, frozenset(), lambda _: None)(connection, ("127.0.0.1", 1), None)  # type: ignore[arg-type]
    assert connection.got.count(b"HTTP/1.1 200") == 1


class TestRoom:
    def made(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr("http.server.ThreadingHTTPServer.__init__", lambda *_: None)
        return http_server.Server(("", 0), http_server._Request)

    def test_one_address_has_its_share(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = self.made(monkeypatch)
        let_in = [made.verify_request(None, ("10.0.0.1", number)) for number in range(100)]
        assert let_in.count(True) == connections.MOST_EACH
        assert made.verify_request(None, ("10.0.0.2", 1))
        made._left(("10.0.0.1", 1))
        assert made.verify_request(None, ("10.0.0.1", 1))

    def test_all_together_have_a_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = self.made(monkeypatch)
        let_in = [made.verify_request(None, (f"10.0.0.{number}", 1)) for number in range(200)]
        assert let_in.count(True) == connections.MOST_TOGETHER
        for number in range(connections.MOST_TOGETHER):
            made._left((f"10.0.0.{number}", 1))
        assert made._now == {}

    def test_an_end_is_not_lost_where_python_ignores_exceptions(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A handler that raises is ignored if the signal comes while an object is deleted."""
        made = self.made(monkeypatch)
        thread = Thread()
        reference = weakref.ref(thread, made.end)
        del thread  # calls end as a signal would
        assert reference() is None
        with pytest.raises(KeyboardInterrupt):
            made.service_actions()

    def test_who_finds_no_thread_leaves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none(*_: object) -> NoReturn:
            raise RuntimeError("can't start new thread")

        made = self.made(monkeypatch)
        monkeypatch.setattr("http.server.ThreadingHTTPServer.process_request", none)
        assert made.verify_request(None, ("10.0.0.1", 1))
        with pytest.raises(RuntimeError):
            made.process_request(None, ("10.0.0.1", 1))
        assert made._now == {}
