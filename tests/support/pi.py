"""A Pi in a temporary folder: the files from dpkg, and the app's own account; the app does not run."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from release import Home, Release

APP = "guestbook"
ACCOUNT = SimpleNamespace(pw_name=APP, pw_uid=990, pw_gid=980, pw_dir=f"/var/lib/{APP}")
FACTS: dict[str, Any] = {
    "package": APP,
    "user": APP,
    "emperor": "own",
    "version": "1.0",
    "python": "3.13",
    "wsgi": "guestbook:create_app()",
    "health": "/healthz?full=1",
    "health-timeout": 30,
    "host": "localhost",
    "migrate": "",
    "migrate-timeout": 600,
    "keep-releases": 2,
    "import-path": ["app"],
    "environment": {"GREETING": "hello"},
}
VASSAL = """\
[uwsgi]
need-app = true
socket = %(socket-path)
chmod-socket = 660
stats = %(stats-path)
stats-no-cores = true
module = guestbook
"""


def home(root: Path) -> Home:
    """Return a machine without any file of the app."""
    found = Home(APP, root)
    for folder in (found.lib / "libexec", found.run / "vassals", found.data, root / "etc" / APP):
        folder.mkdir(parents=True)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/python3.13").touch()
    return found


def unpack(home: Home, version: str, files: Mapping[str, str] | None = None, **facts: Any) -> Release:
    """Replace ``dist`` by that of ``version``, file by file as dpkg does; ``facts`` are of release.json."""
    given = {name.replace("_", "-"): value for name, value in facts.items()}
    texts = {
        "app/guestbook/__init__.py": f"VERSION = {version!r}\n",
        "nginx/server.conf": "location / {}\n",
        "vassals/web.ini": VASSAL,
        **(files or {}),
        "release.json": json.dumps({**FACTS, "version": version, **given}),
    }
    dist = home.lib / "dist"
    for path in [path for path in dist.rglob("*") if not path.is_dir()]:
        if str(path.relative_to(dist)) not in texts:
            path.unlink()
    for name, text in texts.items():
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        new = dist / f"{name}.dpkg-new"
        new.write_text(text)
        new.replace(dist / name)
    link = dist / "venv/bin/python3"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to("/usr/bin/python3.13")
    return home.installed()


def serve(home: Home, version: str, **facts: Any) -> Release:
    """Unpack ``version``, and serve it."""
    unpack(home, version, **facts)
    release, _ = home.snapshot()
    home.point(release)
    return release


class Clock:
    """A clock that advances only during a sleep; due events happen then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.time", lambda: self.now)
        monkeypatch.setattr("time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Answering:
    """A socket whose other end answers, in pieces, or fails."""

    def __init__(self, answer: bytes | OSError, size: int = 7) -> None:
        self.answer, self.size = answer, size
        self.asked: list[str] = []

    def __call__(self, *_: object) -> Answering:
        return self

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def connect(self, path: str) -> None:
        self.asked.append(path)
        if isinstance(self.answer, OSError):
            raise self.answer

    def sendall(self, data: bytes) -> None:
        if not data:  # like the kernel, when the other end is done
            raise BrokenPipeError(32, "Broken pipe")

    def recv(self, _: int) -> bytes:
        assert isinstance(self.answer, bytes)
        part, self.answer = self.answer[: self.size], self.answer[self.size :]
        return part


def answer(monkeypatch: pytest.MonkeyPatch, given: bytes | OSError, *, size: int = 7) -> list[str]:
    """Make every socket give this answer, in parts of ``size`` bytes; return a list of the requests."""
    answering = Answering(given, size)
    monkeypatch.setattr(socket, "socket", answering)
    return answering.asked
