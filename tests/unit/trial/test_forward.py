"""A port that leads into a trial."""

from __future__ import annotations

import socket
import threading

import pytest

from debonair.trial import forward


def test_bytes_go_both_ways_until_both_ends_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    browser, client = socket.socketpair()
    server, inside = socket.socketpair()
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int]) -> socket.socket:
        asked.append(address)
        return server

    monkeypatch.setattr(socket, "create_connection", connect)
    joined = threading.Thread(target=forward.join, args=(client, 80))
    joined.start()
    with browser, inside:
        browser.sendall(b"GET")
        browser.shutdown(socket.SHUT_WR)
        assert inside.recv(10) == b"GET"
        assert inside.recv(10) == b""
        inside.sendall(b"200")
        inside.shutdown(socket.SHUT_WR)
        assert browser.recv(10) == b"200"
        assert browser.recv(10) == b""
    joined.join(timeout=5)
    assert not joined.is_alive()
    assert asked == [("127.0.0.1", 80)]


def test_nobody_listens_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: tuple[str, int]) -> socket.socket:
        raise ConnectionRefusedError(address)

    monkeypatch.setattr(socket, "create_connection", refuse)
    browser, client = socket.socketpair()
    with browser:
        forward.join(client, 80)
        assert browser.recv(10) == b""


def test_each_client_has_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    done = threading.Event()

    def join(client: object, port: int) -> None:
        served.append((client, port))
        if len(served) == 2:
            done.set()

    class Listening:
        def __init__(self) -> None:
            self.clients = ["one", "two"]

        def accept(self) -> tuple[str, None]:
            if not self.clients:
                raise OSError
            return self.clients.pop(0), None

    monkeypatch.setattr(forward, "join", join)
    forward.serve(Listening(), 80)  # type: ignore[arg-type]
    assert done.wait(5)
    assert sorted(served, key=str) == [("one", 80), ("two", 80)]
