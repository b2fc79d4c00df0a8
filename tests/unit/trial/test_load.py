"""The requests of a load, with a server that is told what to answer."""

from __future__ import annotations

import http.client
import io
import json
import select
import sys
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from debonair.trial import load
from debonair.trial.load import Load


class Connection:
    """A connection to a server that gives each of ``answers``; a name is an error of that name."""

    answers: ClassVar[list[int | str]] = []
    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []
    opened = 0

    def __init__(self, host: str, port: int, *, timeout: float) -> None:
        assert (host, port, timeout) == ("127.0.0.1", 80, 60)
        self.sock: object = None

    def request(self, method: str, path: str, *, headers: dict[str, str]) -> None:
        assert method == "GET"
        if self.sock is None:
            type(self).opened += 1
            self.sock = object()
        self.asked.append((path, headers))

    def getresponse(self) -> Any:
        answer = self.answers.pop(0)
        if answer == "reset":
            raise ConnectionResetError
        if isinstance(answer, str):
            raise http.client.BadStatusLine(answer)
        return SimpleNamespace(status=answer, reason="so", read=lambda: b"page")

    def close(self) -> None:
        self.sock = None


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> type[Connection]:
    monkeypatch.setattr(http.client, "HTTPConnection", Connection)
    monkeypatch.setattr(Connection, "asked", [])
    monkeypatch.setattr(Connection, "opened", 0)
    monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
    return Connection


def counted(
    server: type[Connection], *answers: int | str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """Let one client send requests until there are no ``answers``; return its counts."""
    monkeypatch.setattr(server, "answers", [*answers])
    one = Load(80, "/", "app.test")
    monkeypatch.setattr(one.ended, "wait", lambda _: not server.answers)
    one.client(stays=stays)
    return one.report()


def test_answers_are_counted(server: type[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(server, 200, 302, 502, 500, 502, stays=True, monkeypatch=monkeypatch)
    assert (found["requests"], found["failed"]) == (5, 3)
    assert found["problems"] == {"502 so": 2, "500 so": 1}
    assert server.opened == 1
    assert server.asked[0] == ("/", {"Host": "app.test"})


def test_each_request_has_a_new_connection(
    server: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = counted(server, 200, 200, "reset", 200, stays=False, monkeypatch=monkeypatch)
    assert server.opened == 4
    assert (found["requests"], found["failed"]) == (4, 1), "a failure on a new connection counts"
    assert found["problems"] == {"no answer: ConnectionResetError": 1}


def test_a_connection_that_is_closed_on_the_way_is_not_a_failure(
    server: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = counted(server, 200, "reset", 200, stays=True, monkeypatch=monkeypatch)
    assert (found["requests"], found["failed"]) == (2, 0)
    found = counted(server, 200, "reset", "odd", stays=True, monkeypatch=monkeypatch)
    assert found["problems"] == {"no answer: BadStatusLine": 1}


def test_a_connection_that_the_server_closed_is_not_used(
    server: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "select", lambda sockets, *_: (sockets, [], []))
    found = counted(server, 200, 200, stays=True, monkeypatch=monkeypatch)
    assert (found["failed"], server.opened) == (0, 2)


@pytest.mark.parametrize(("name", "most"), [("_MOST", 3), ("_SECONDS", -1.0)])
def test_it_is_bounded(
    server: type[Connection], monkeypatch: pytest.MonkeyPatch, name: str, most: float
) -> None:
    monkeypatch.setattr(load, name, most)
    monkeypatch.setattr(server, "answers", [200] * 10)
    one = Load(80, "/", "")
    monkeypatch.setattr(one.ended, "wait", lambda _: False)
    one.client(stays=True)
    assert one.requests == max(most, 0)


def test_it_ends_with_its_input(
    server: type[Connection], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "getresponse", lambda _: SimpleNamespace(status=200, reason="", read=bytes))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    load.main(80, "/", "")
    assert json.loads(capsys.readouterr().out)["failed"] == 0
