from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path

import pi
import probe
import pytest
from probe import Instance

WORKERS = [
    {"id": 1, "pid": 5, "status": "idle", "requests": 3},
    {"id": 2, "pid": 6, "status": "busy", "requests": 4},
    {"id": 3, "pid": 0, "status": "cheap", "requests": 0},
]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Release 1:1.0, to the sockets of which nginx may connect."""
    monkeypatch.setattr("socket_access.open_to_nginx", lambda _: True)
    monkeypatch.setattr(probe, "processes", lambda unit: [4, 5, 6] if unit == "guestbook.service" else [])
    folder = Path("/run/guestbook/sockets/web")
    release = pi.serve(pi.home(tmp_path), "1:1.0")
    return Instance(release, "guestbook.service", folder / "app.sock", folder / "app.stats")


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
        (b"", False, "does not answer: the worker died or did not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", False, "does not answer: the headers of its answer are endless"),
        (TimeoutError(), False, "does not answer: no answer within 10 seconds"),
        (FileNotFoundError(2, "No such file"), False, "does not answer: it does not run (No such file)"),
        (ConnectionRefusedError(111, "refused"), False, "does not answer: it does not run (refused)"),
        (OSError(36, "File name too long"), False, "does not answer: File name too long"),
        (PermissionError(), None, "was not asked"),
    ],
)
def test_a_page(
    instance: Instance,
    given: bytes | OSError,
    healthy: bool | None,  # noqa: FBT001 - one of the cases
    described: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = pi.answer(monkeypatch, given)
    found = probe.page(instance)
    assert found.healthy is healthy
    assert found.describe() == described
    assert asked == ["/run/guestbook/sockets/web/app.sock"]


def test_a_page_that_sleeps_is_well() -> None:
    page = probe.Page(asleep=True)
    assert page.healthy is True
    assert page.describe() == "was not asked; the next request wakes it"


def test_a_page_may_be_given_less_time(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    pi.answer(monkeypatch, TimeoutError())
    assert probe.page(instance, timeout=3).problem == "no answer within 3 seconds"


def inside_the_service(monkeypatch: pytest.MonkeyPatch, ids: dict[int, int]) -> None:
    """Let the kernel say which id each process has in the PID namespace of its service."""

    def status(path: Path) -> bytes:
        pid = int(path.parts[2])
        if path.name != "status" or pid not in ids:
            raise FileNotFoundError
        return b"Name:\tNSpid:\\t\xff\nNSpid:\t%d\t%d\nNSpgid:\t%d\t1\n" % (pid, ids[pid], pid)

    monkeypatch.setattr(Path, "read_bytes", status)


def test_the_workers(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def statm(path: Path, **_: object) -> str:
        read.append(str(path))
        return "9999 1000 800 0 0 0 0"

    asked = pi.answer(monkeypatch, stats(*WORKERS))
    monkeypatch.setattr(Path, "read_text", statm)
    inside_the_service(monkeypatch, {4: 1, 5: 5, 6: 6})
    monkeypatch.setattr(os, "sysconf", lambda _: 4096)
    first, second = probe.workers(instance)
    assert first == {"id": 1, "pid": 5, "status": "idle", "requests": 3, "rss": 4_096_000}
    assert second["id"] == 2
    assert read == ["/proc/5/statm", "/proc/6/statm"]
    assert asked == ["/run/guestbook/sockets/web/app.stats"]


@pytest.mark.parametrize(
    ("counts", "restarted"),
    [((1, 1), False), ((1, 3), True), ((), False), (("9", None), False), ((True, 2.5), False)],
)
def test_workers_that_were_started_again(
    counts: tuple[object, ...], *, restarted: bool, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.answer(monkeypatch, stats(*({"respawn_count": count} for count in counts)))
    assert probe.restarted(instance) is restarted


def test_workers_of_a_service_with_processes_of_its_own(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.answer(monkeypatch, stats({**WORKERS[0], "pid": 2}, {**WORKERS[1], "pid": 3}))
    monkeypatch.setattr(probe, "processes", lambda _: [801, 802, 803, 804])
    inside_the_service(monkeypatch, {801: 1, 802: 2, 803: 3})  # the fourth has just ended
    monkeypatch.setattr(probe, "_resident", {802: 10, 803: 20}.get)
    assert [(found["pid"], found["rss"]) for found in probe.workers(instance)] == [(802, 10), (803, 20)]


def test_a_worker_that_has_just_ended_uses_nothing(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> str:
        raise FileNotFoundError

    pi.answer(monkeypatch, stats(*WORKERS))
    monkeypatch.setattr(Path, "read_text", gone)
    inside_the_service(monkeypatch, {5: 5, 6: 6})
    assert [worker["rss"] for worker in probe.workers(instance)] == [0, 0]


@pytest.mark.parametrize("given", [b"", b"not json", b"[]", b"{}", PermissionError(), FileNotFoundError()])
def test_workers_that_do_not_tell(
    instance: Instance, given: bytes | OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.answer(monkeypatch, given)
    assert probe.workers(instance) == []
    pi.answer(monkeypatch, given)
    assert probe.starts(instance) == ()
    pi.answer(monkeypatch, given)
    assert not probe.busy(instance)


class Dripping(pi.Answering):
    """A socket that gives a byte now and then, for ever, or all that is asked of it."""

    def __init__(self, clock: pi.Clock, size: int) -> None:
        super().__init__(b"")
        self.clock, self.size, self.given = clock, size, 0

    def recv(self, _: int) -> bytes:
        self.clock.sleep(0.5)
        self.given += self.size
        return b"x" * self.size


def test_an_answer_that_never_ends_has_a_deadline(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = pi.Clock(monkeypatch)
    monkeypatch.setattr(socket, "socket", Dripping(clock, 1))
    assert probe.page(instance, timeout=5).problem == "only 10 bytes of an answer within 5 seconds"
    assert clock.now - 1000 < 6
    assert probe.workers(instance) == []
    assert clock.now - 1000 < 9


def test_an_answer_of_any_size_is_read_to_a_bound(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = pi.Clock(monkeypatch)
    pouring = Dripping(clock, 300_000)
    monkeypatch.setattr(socket, "socket", pouring)
    assert probe.page(instance, timeout=60).problem == "the worker died or did not speak HTTP"
    assert pouring.given == 16_200_000
    assert probe.workers(instance) == []
    assert probe._read(b"HTTP/1.1 200 OK\r\n\r\n".ljust(16_000_000)).problem.endswith("than 16 MB")


@pytest.mark.parametrize(
    "given",
    [
        b'{"workers": 3}',
        b'{"workers": [[]]}',
        b'{"workers": [{"id": 1, "pid": "../1", "status": "idle", "requests": 1}]}',
        b'{"workers": [{"id": 1, "pid": true, "status": "idle", "requests": 1}]}',
        b'{"workers": [{"id": 1, "pid": -1, "status": "idle", "requests": 1}]}',
        b'{"workers": [{"id": 1, "pid": 5.0, "status": "idle", "requests": 1}]}',
        b'{"workers": [{"id": 1, "pid": 99999999999, "status": "idle", "requests": 1}]}',
        b'{"workers": [{"id": 1, "pid": 5, "status": 1, "requests": 1}]}',
        b'{"workers": [{"id": 1, "pid": 5, "status": "idle", "requests": 1e400}]}',
        b'{"workers": [{"id": 1, "status": "idle", "requests": 1}]}',
        b"[" * 200_000,
        b'{"workers":' * 50_000,
        b"\xff\xfe{",
        b"NaN",
    ],
)
def test_statistics_of_wrong_types_are_none(
    instance: Instance, given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ask in (probe.workers, probe.starts):
        pi.answer(monkeypatch, given, size=65536)
        assert not ask(instance)
    pi.answer(monkeypatch, given, size=65536)
    assert probe.busy(instance) is False


def test_a_status_is_fit_for_a_terminal_and_many_workers_are_not_believed(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.answer(monkeypatch, stats(*[{**WORKERS[0], "status": "\x1b[31m"}] * 300), size=65536)
    found = probe.workers(instance)
    assert len(found) == 256
    assert found[0]["status"] == "\\x1b[31m"


def test_a_process_that_the_kernel_does_not_know_as_the_apps_is_not_looked_up(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.answer(monkeypatch, stats({**WORKERS[0], "pid": 1}))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("it was looked up"))
    inside_the_service(monkeypatch, {4: 4, 5: 5, 6: 6})
    assert [worker["rss"] for worker in probe.workers(instance)] == [0]


def test_a_worker_that_died_is_another_process(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    pi.answer(monkeypatch, stats(*WORKERS))
    before = probe.starts(instance)
    pi.answer(monkeypatch, stats(*WORKERS))
    assert probe.starts(instance) == before
    pi.answer(monkeypatch, stats({**WORKERS[0], "pid": 9}, *WORKERS[1:]))
    assert probe.starts(instance) != before


@pytest.mark.parametrize(
    ("states", "busy"),
    [(["idle", "cheap"], False), (["idle", "busy"], True), (["sig9"], True), ([], False)],
)
def test_a_release_is_busy_while_a_worker_is(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, states: list[str], *, busy: bool
) -> None:
    pi.answer(monkeypatch, stats(*({**WORKERS[0], "status": state} for state in states)))
    assert probe.busy(instance) is busy
