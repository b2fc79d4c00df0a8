"""A unit test neither starts a program nor opens a connection."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import NoReturn

import pytest

_STARTING = (
    "execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe",
    "fork", "forkpty", "posix_spawn", "posix_spawnp", "spawnl", "spawnv", "spawnve", "system",
)  # fmt: skip
_CONNECTING = ("bind", "connect", "connect_ex")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        def refused(*words: object, **more: object) -> NoReturn:
            raise AssertionError(f"a unit test called {name}{words}")

        return refused

    monkeypatch.setattr(subprocess, "Popen", refuse("subprocess.Popen"))
    for name in _STARTING:
        monkeypatch.setattr(os, name, refuse(f"os.{name}"))
    for name in _CONNECTING:
        monkeypatch.setattr(socket.socket, name, refuse(f"socket.{name}"))
    monkeypatch.setattr(socket, "getaddrinfo", refuse("socket.getaddrinfo"))
