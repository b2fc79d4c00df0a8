from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pi
import probe
import pytest
from release import Release

WORKERS = [
    {"id": 1, "pid": 5, "status": "idle", "requests": 3},
    {"id": 2, "pid": 6, "status": "busy", "requests": 4},
    {"id": 3, "pid": 0, "status": "cheap", "requests": 0},
]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return pi.serve(pi.home(tmp_path), "1:1.0")


def stats(*workers: dict[str, object]) -> bytes:
    return json.dumps({"version": "2.0.28", "workers": workers}).encode()


def test_a_packet_of_the_uwsgi_protocol() -> None:
    packet = probe.request("/healthz?full=1", "localhost")
    modifier, size, other = struct.unpack("<BHB", packet[:4])
    assert (modifier, size, other) == (0, len(packet) - 4, 0)
    words, rest = [], packet[4:]
    while rest:
        length = struct.unpack("<H", rest[:2])[0]
        words.append(rest[2 : 2 + length].decode())
        rest = rest[2 + length :]
    variables = dict(zip(words[::2], words[1::2], strict=True))
    assert variables["PATH_INFO"] == "/healthz"
    assert variables["QUERY_STRING"] == "full=1"
    assert variables["HTTP_HOST"] == "localhost"


@pytest.mark.parametrize(
    ("given", "healthy", "described"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nhello", True, "answers 200"),
        (b"HTTP/1.1 302 Found\r\n\r\n", True, "answers 302"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "answers 400"),
        (b"HTTP/1.0 500 Internal Server Error\r\n\r\n", False, "answers 500"),
        (b"", False, "does not answer: the worker died, or wrote no HTTP"),
        (TimeoutError(), False, "does not answer: nothing within 10 seconds"),
        (FileNotFoundError(2, "No such file"), False, "does not answer: it does not run (No such file)"),
        (ConnectionRefusedError(111, "refused"), False, "does not answer: it does not run (refused)"),
        (OSError(36, "File name too long"), False, "does not answer: File name too long"),
        (PermissionError(), None, "was not asked"),
    ],
)
def test_a_page(
    release: Release,
    given: bytes | OSError,
    healthy: bool | None,  # noqa: FBT001 - one of the cases
    described: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = pi.answer(monkeypatch, given)
    found = probe.page(release)
    assert found.healthy is healthy
    assert found.describe() == described
    assert asked == ["/run/guestbook/web-1_1.0.sock"]


def test_a_page_that_sleeps_is_well() -> None:
    page = probe.Page(asleep=True)
    assert page.healthy is True
    assert page.describe() == "was not asked; the next request wakes it"


def test_a_page_may_be_given_less_time(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    pi.answer(monkeypatch, TimeoutError())
    assert probe.page(release, timeout=3).problem == "nothing within 3 seconds"


def test_the_workers(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def statm(path: Path, **_: object) -> str:
        read.append(str(path))
        return "9999 1000 800 0 0 0 0"

    asked = pi.answer(monkeypatch, stats(*WORKERS))
    monkeypatch.setattr(Path, "read_text", statm)
    monkeypatch.setattr(os, "sysconf", lambda _: 4096)
    first, second = probe.workers(release)
    assert first == {"id": 1, "pid": 5, "status": "idle", "requests": 3, "rss": 4_096_000}
    assert second["id"] == 2
    assert read == ["/proc/5/statm", "/proc/6/statm"]
    assert asked == ["/run/guestbook/web-1_1.0.stats"]


def test_a_worker_that_has_just_ended_uses_nothing(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> str:
        raise FileNotFoundError

    pi.answer(monkeypatch, stats(*WORKERS))
    monkeypatch.setattr(Path, "read_text", gone)
    assert [worker["rss"] for worker in probe.workers(release)] == [0, 0]


@pytest.mark.parametrize("given", [b"", b"not json", b"[]", b"{}", PermissionError(), FileNotFoundError()])
def test_workers_that_do_not_tell(
    release: Release, given: bytes | OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.answer(monkeypatch, given)
    assert probe.workers(release) == []
    pi.answer(monkeypatch, given)
    assert probe.starts(release) == ()
    pi.answer(monkeypatch, given)
    assert not probe.busy(release)


def test_the_master(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    pi.answer(monkeypatch, b'{"pid": 4, "workers": []}')
    assert probe.master(release) == 4
    pi.answer(monkeypatch, FileNotFoundError())
    assert probe.master(release) == 0


def test_a_worker_that_died_is_another_process(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    pi.answer(monkeypatch, stats(*WORKERS))
    before = probe.starts(release)
    pi.answer(monkeypatch, stats(*WORKERS))
    assert probe.starts(release) == before
    pi.answer(monkeypatch, stats({**WORKERS[0], "pid": 9}, *WORKERS[1:]))
    assert probe.starts(release) != before


@pytest.mark.parametrize(
    ("states", "busy"),
    [(["idle", "cheap"], False), (["idle", "busy"], True), (["sig9"], True), ([], False)],
)
def test_a_release_is_busy_while_a_worker_is(
    release: Release, monkeypatch: pytest.MonkeyPatch, states: list[str], *, busy: bool
) -> None:
    pi.answer(monkeypatch, stats(*({**WORKERS[0], "status": state} for state in states)))
    assert probe.busy(release) is busy
