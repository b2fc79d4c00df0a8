"""A web server of the app's own, as the programs on the Pi see it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import call
import command
import connections
import dpkg
import environment
import pi
import probe
import pytest
import socket_access
import status
from emperor import Emperor
from preparation import Preparation, RefusedError
from probe import Instance, Page
from release import Home, Release
from switch import Switch

TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
00000000d8691053: 00000003 00000000 00000000 0001 02     0 /run/guestbook/sockets/web/app.sock
00000000d8691054: 00000003 00000000 00000000 0001 03  4711 /run/guestbook/sockets/web/app.sock
00000000d8691055: 00000002 00000000 00010000 0001 01  4712 /run/guestbook/sockets/web/app.sock
00000000d8691056: 00000003 00000000 00000000 0001 02     0 /run/guestbook/sockets/web/app.sock.other
00000000d8691057: 00000003 00000000 00000000 0001 03  4713
"""
SHORT = "x /run/guestbook/sockets/web/app.sock\n"
FORGED = "00000000d8691058: 00000002 00000000 00000000 0001 03 4077 /run/guestbook/sockets/web/app.sock\n"
"""What the name of somebody's abstract socket, which may contain line breaks, adds to the table."""


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return pi.serve(pi.home(tmp_path), "1.0", server="command", wsgi="")


@pytest.fixture
def instance(release: Release) -> Instance:
    folder = Path("/run/guestbook/sockets/web")
    return Instance(release, "guestbook.service", folder / "app.sock", folder / "app.stats")


@pytest.fixture
def proc(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stands in /proc; the emperor is process 3, the master 4."""
    found = {
        "/proc/3/task/3/children": "4 ",
        "/proc/4/task/4/children": "5 ",
        "/proc/3/net/unix": TABLE,
        "/sys/fs/cgroup/system.slice/guestbook.service/cgroup.procs": "3\n4\n5\n6\n7\n",
    }

    def text(path: Path, *_: object, **__: object) -> str:
        if path.name == "statm":
            return "9999 1000 800 0 0 0 0"
        try:
            return found[str(path)]
        except KeyError:
            raise FileNotFoundError from None

    monkeypatch.setattr(Path, "read_text", text)
    monkeypatch.setattr(Path, "read_bytes", lambda path: text(path).encode())
    shown = {"MainPID": "3", "ControlGroup": "/system.slice/guestbook.service"}
    monkeypatch.setattr(probe, "shown", lambda _, name: shown[name])
    monkeypatch.setattr(connections, "_held", lambda _: {"4711", "4712"})
    monkeypatch.setattr(os, "sysconf", lambda _: 4096)
    return found


NGINX_MAY_NOT = "nginx has no permission to connect to {}, which has mode 600 (and its folder 750)"


class TestProbe:
    def test_it_is_asked_in_http_as_by_nginx(self) -> None:
        lines = probe.http_request("/healthz?full=1", "example.org").decode().split("\r\n")
        assert lines[0] == "GET /healthz?full=1 HTTP/1.1"
        assert {"Host: example.org", "X-Forwarded-Proto: http", "Connection: close"} <= set(lines)
        assert lines[-2:] == ["", ""]

    @pytest.mark.parametrize(
        ("mode", "described"),
        [
            (0o660, "answers 200"),
            (0o777, "answers 200"),
            (
                0o600,
                f"does not answer: {NGINX_MAY_NOT}",
            ),
        ],
    )
    def test_what_nginx_may_not_ask_is_not_well(
        self,
        mode: int,
        described: str,
        release: Release,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        path = tmp_path / "web.sock"
        path.touch()
        path.chmod(mode)
        tmp_path.chmod(0o750)
        monkeypatch.setattr("stat.S_ISSOCK", lambda _: True)
        instance = Instance(release, "guestbook.service", path, path)
        pi.answer(monkeypatch, b"HTTP/1.1 200 OK\r\n\r\nhello")
        monkeypatch.setattr(socket_access, "_group_of_nginx", lambda group: group)
        assert probe.page(instance).describe() == described.format(path)

    @pytest.mark.parametrize(
        ("folder", "its_group", "mode", "group", "reached"),
        [
            (0o42750, "nginx", 0o140660, "nginx", True),
            (0o42750, "nginx", 0o140640, "nginx", False),
            (0o42750, "nginx", 0o140602, "app", True),
            (0o42750, "nginx", 0o140660, "app", False),
            (0o42750, "nginx", 0o120777, "nginx", False),
            (0o40000, "nginx", 0o140660, "nginx", False),
            (0o42750, "app", 0o140660, "app", False),
            (0o40755, "app", 0o140666, "app", True),
        ],
    )
    def test_nginx_must_reach_folder_and_socket(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        folder: int,
        its_group: str,
        mode: int,
        group: str,
        reached: bool,
    ) -> None:
        class Place:
            def __init__(self, mode: int, group: str, parent: Place | None = None) -> None:
                self.mode, self.group, self.parent = mode, group, parent

            def lstat(self) -> os.stat_result:
                gid = 33 if self.group == "nginx" else 990
                return os.stat_result([self.mode, 0, 0, 1, 0, gid, 0, 0, 0, 0])

        monkeypatch.setattr(socket_access, "_group_of_nginx", lambda _: 33)
        monkeypatch.setattr(socket_access, "_has_acl", lambda _: False)
        path = Place(mode, group, Place(folder, its_group))
        assert socket_access.open_to_nginx(path) is reached  # type: ignore[arg-type]
        monkeypatch.setattr(socket_access, "_has_acl", lambda place: place is path.parent)
        assert not socket_access.open_to_nginx(path)  # type: ignore[arg-type]

    def test_one_that_listens_elsewhere(self, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
        pi.answer(monkeypatch, FileNotFoundError(2, "No such file"))
        message = "nothing listens on /run/guestbook/sockets/web/app.sock (No such file)"
        assert probe.page(instance).problem == message

    def test_its_processes(self, instance: Instance, proc: dict[str, str]) -> None:
        assert probe.starts(instance) == (5,)
        assert probe.workers(instance) == [{"pid": pid, "rss": 4_096_000} for pid in (5, 6, 7)]
        del proc["/proc/4/task/4/children"]
        assert probe.starts(instance) == ()

    @pytest.mark.parametrize("value", ["", "0", "../1"])
    def test_a_unit_that_does_not_run_has_none(
        self, instance: Instance, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(probe, "shown", lambda *_: value if value != "../1" else "")
        assert probe.starts(instance) == ()
        assert probe.workers(instance) == []
        assert not probe.busy(instance)

    def test_what_it_has_not_accepted_makes_it_busy(self, instance: Instance, proc: dict[str, str]) -> None:
        assert probe.busy(instance)
        assert probe.connected(instance)
        proc["/proc/3/net/unix"] = "\n".join(line for line in TABLE.splitlines() if " 02 " not in line)
        assert not probe.busy(instance)
        assert probe.connected(instance)
        del proc["/proc/3/net/unix"]
        assert not probe.busy(instance)
        assert not probe.connected(instance)

    @pytest.mark.parametrize("line", [SHORT, FORGED], ids=["short", "forged"])
    def test_a_line_that_somebody_added_is_not_a_connection(
        self, line: str, instance: Instance, proc: dict[str, str]
    ) -> None:
        proc["/proc/3/net/unix"] = line
        assert not probe.busy(instance)
        assert not probe.connected(instance)


@pytest.mark.parametrize(
    ("waits", "lasts", "seconds"), [(0, 0, 0.5), (4, 2, 4.5), (2, 4, 4.5), (2, 10**6, 10.4), (10**6, 0, 30)]
)
def test_what_is_open_is_waited_for_but_websockets_are_not(
    waits: float, lasts: float, seconds: float, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = pi.Clock(monkeypatch)
    monkeypatch.setattr(probe, "busy", lambda _: clock.now < 1000 + waits)
    monkeypatch.setattr(probe, "connected", lambda _: clock.now < 1000 + lasts)
    Emperor(Home("guestbook")).drain(instance, 30)
    assert clock.now - 1000 == pytest.approx(seconds, abs=0.21)


def test_it_has_a_link_of_its_own(release: Release, tmp_path: Path) -> None:
    home = pi.home(tmp_path / "other")
    assert release.link == "http.sock"
    assert pi.serve(home, "1.0").link == "web.sock"


def test_it_has_no_flask_app(release: Release) -> None:
    assert "FLASK_APP" not in environment.variables(release, {})


def test_uwsgi_does_not_try_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = pi.home(tmp_path)
    pi.unpack(home, "1.0", server="command")
    monkeypatch.setattr(call, "systemd_runs", lambda: True)
    monkeypatch.setattr(call, "call", lambda *_, **__: (0, ""))
    monkeypatch.setattr(Preparation, "_try_code", lambda *_: pytest.fail("its code was tried"))

    def migrate(*_: object) -> None:
        raise RefusedError("it went on")

    messages: list[str] = []
    monkeypatch.setattr(Preparation, "_migrate", migrate)
    assert not Switch(home, say=messages.append).configure()
    assert "guestbook: it went on" in messages


@pytest.mark.parametrize(("count", "expected"), [(1, "1 process, 4 MB"), (3, "3 processes, 12 MB")])
def test_its_status(
    count: int,
    expected: str,
    *,
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found: list[dict[str, Any]] = [{"pid": pid, "rss": 4_000_000} for pid in range(count)]
    monkeypatch.setattr(probe, "page", lambda _: Page(200))
    monkeypatch.setattr(probe, "workers", lambda _: found)
    monkeypatch.setattr(status, "state", lambda _: "active")
    monkeypatch.setattr(dpkg, "problem", lambda _: "")
    assert release.server == "command"
    assert command.main(["status"], Home("guestbook", tmp_path)) == 0
    assert f"  server   {expected}\n" in capsys.readouterr().out
