"""What an app answers while apt waits for it."""

from __future__ import annotations

import io
import select
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from programs import Process, Programs
from told import Told

from debonair.trial import first_answer, watch

ANSWER = b"HTTP/1.1 404 NOT FOUND\r\nContent-Type: text/plain\r\n\r\nNope \x1b[2J\n"


def test_it_is_shown_before_the_installation_ends(
    programs: Programs, machine: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.output = f"{ANSWER.hex()}\n"
    programs.processes = [watcher := Process(stubborn=True)]
    with first_answer.shown(machine, "app"):
        pass
    assert capsys.readouterr().err.splitlines() == [
        "The health page answers 404 NOT FOUND; apt waits for it to become healthy.",
        "  Nope \\x1b[2J",
    ]
    assert programs.started[0][0].endswith("python3 -IB /srv/watch.py app")
    assert watcher.told == ["terminate", "kill"]


@pytest.mark.parametrize("output", ["", "abc", "48", "no python3\n", "00\n", f"{b'HTTP/1.1 xyz'.hex()}\n"])
def test_an_output_that_is_no_answer(output: str) -> None:
    assert first_answer.answer(output) == ""


class TestTheProgram:
    @pytest.fixture
    def answers(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes | Exception]:
        """What is answered to each question, until the input ends."""
        told: list[bytes | Exception] = []

        def ask(package: str) -> bytes:
            assert package == "app"
            answer = told.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(watch, "ask", ask)
        monkeypatch.setattr(select, "select", lambda *_: ([] if told else [sys.stdin], [], []))
        return told

    @pytest.mark.parametrize(
        ("told", "shown"),
        [
            ([ANSWER, ANSWER], 1),
            ([OSError("not yet"), ANSWER, ANSWER], 1),
            ([ANSWER], 0),
            ([ANSWER, b"HTTP/1.1 200 OK\r\n\r\n", ANSWER], 0),
            ([b"", b"", b"odd", b"odd"], 0),
            ([b"HTTP/1.1 302 FOUND\r\n\r\n"] * 2, 0),
        ],
    )
    def test_an_error_counts_if_it_lasts(
        self,
        answers: list[bytes | Exception],
        told: list[bytes | Exception],
        shown: int,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        answers += told
        watch.main("app")
        assert capsys.readouterr().out == f"{ANSWER.hex()}\n" * shown


class Unix(socket.socket):
    """A socket of an app that answers, or does not."""

    listens: str
    asked: list[bytes]

    def connect(self, address: object, /) -> None:
        if address != f"/run/app/sockets/{self.listens}/app.sock":
            raise FileNotFoundError

    def sendall(self, data: bytes, /, flags: int = 0) -> None:  # type: ignore[override]
        del flags
        self.asked.append(data)
        self.rest = iter([ANSWER[:9], ANSWER[9:], b""])

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        del size, flags
        return next(self.rest)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Unix]]:
    probe = SimpleNamespace(
        request=lambda health, host: f"uwsgi {health} {host}".encode(),
        http_request=lambda health, host: f"http {health} {host}".encode(),
    )
    monkeypatch.setitem(sys.modules, "probe", probe)
    monkeypatch.setattr(socket, "socket", Unix)
    monkeypatch.setattr(Unix, "asked", [], raising=False)
    before = [*sys.path]
    yield Unix
    sys.path[:] = before


@pytest.mark.parametrize(
    ("place", "server", "asked"),
    [
        ("web", "uwsgi", b"uwsgi /h app.test"),
        ("next", "command", b"http /h app.test"),
        ("none", "uwsgi", b""),
    ],
)
def test_both_sockets_of_an_app_are_asked(
    app: type[Unix], monkeypatch: pytest.MonkeyPatch, place: str, server: str, asked: bytes
) -> None:
    monkeypatch.setattr(app, "listens", place, raising=False)
    note = f'{{"health": "/h", "host": "app.test", "server": "{server}"}}'
    monkeypatch.setattr(Path, "read_bytes", lambda _: note.encode())
    assert watch.ask("app") == b"", "it is not unpacked"
    assert not app.asked
    assert "/usr/lib/app/libexec" not in sys.path, "Python would remember that this folder is missing"
    monkeypatch.setattr(Path, "is_file", lambda path: str(path) == "/usr/lib/app/libexec/probe.py")
    assert watch.ask("app") == (ANSWER if asked else b"")
    assert app.asked == ([asked] if asked else [])


def test_its_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(select, "select", lambda *_: ([sys.stdin], [], []))
    monkeypatch.setattr(watch, "ask", None)
    watch.main("app")
