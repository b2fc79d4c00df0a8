"""The story of a trial, with a machine that is told what to answer."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from programs import Process, Programs
from told import DEB, Told, http, tried

from debonair import trial
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.machine import Reply
from debonair.errors import MachineError, TrialError
from debonair.host.cache import Cache
from debonair.trial import forward
from debonair.trial.advice import advice


class Socket(socket.socket):
    """A socket whose port can be had, or not."""

    refuses = False

    def bind(self, address: object, /) -> None:
        assert address == ("127.0.0.1", 8000)
        if self.refuses:
            raise OSError(98, "Address already in use")

    def listen(self, backlog: int = 0, /) -> None:
        assert backlog


def test_the_story(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.answer("127.0.0.1:80/$", http(body="<h1>Hi</h1>\n\n", kind="text/html"), stderr="\n0.012")
    assert tried(tmp_path, command=("id", "-u")) == 7
    assert machine.served == "app"
    output = capsys.readouterr()
    assert output.out.splitlines()[1:] == ["GET http://127.0.0.1/ -> 200 OK in 12 ms", "  <h1>Hi</h1>"]
    assert output.out.startswith("GET http://127.0.0.1/healthz -> 200 OK, up after ")
    assert output.err.startswith("apt-get install /srv/app_1.0-1+deb13_amd64.deb: done in ")
    assert programs.asked[-1].endswith("id -u")
    assert programs.was_asked("--header 'Host: localhost'")


def test_what_only_raspberry_pi_os_has(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.answer("cat .*release.json", '{"health": "/", "hardware": ["gpio"]}')
    machine.fields = {"Package": "app", "Pre-Depends": "python3-lgpio", "Depends": "raspi-config, nginx"}
    assert tried(tmp_path) == 0
    assert programs.was_asked(
        "apt-get install --yes /srv/app_1.0-1.deb13_amd64.deb /srv/python3-lgpio_9999-standin_all.deb "
        "/srv/raspi-config_9999-standin_all.deb$"
    )
    assert programs.was_asked("/etc/systemd/system/service.d/debonair-try.conf 644$")
    notes = capsys.readouterr().err
    for name in ("python3-lgpio", "raspi-config"):
        assert f"{name} is a package of Raspberry Pi OS. A stand-in without a function" in notes
    assert "gpiozero uses mock pins (GPIOZERO_PIN_FACTORY=mock)." in notes


def test_a_site_at_another_port(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.answer("cat .*release.json", '{"health": "/", "port": 8080}')
    assert tried(tmp_path) == 0
    assert capsys.readouterr().out == "GET http://127.0.0.1:8080/ -> 200 OK in 12 ms\n  ok\n"
    assert programs.was_asked("http://127.0.0.1:8080/$")


@pytest.mark.parametrize("port", ["0", "65536", "-1", '"80"', "80.5", "null"])
def test_a_port_that_is_none(programs: Programs, machine: Told, tmp_path: Path, port: str) -> None:
    del machine
    programs.answer("cat .*release.json", f'{{"health": "/", "port": {port}}}')
    with pytest.raises(TrialError, match=r"The release\.json of the deb has the port"):
        tried(tmp_path)


@pytest.mark.parametrize(("missing", "where"), [(1, "its nginx, but nothing serves the app"), (0, "it")])
def test_the_port_of_a_release_that_was_refused(
    programs: Programs,
    machine: Told,
    tmp_path: Path,
    *,
    missing: int,
    where: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a refused upgrade, the older release is served there."""
    del machine
    monkeypatch.setattr(socket, "socket", Socket)
    programs.answer("cat .*switch.json", '{"refused": {"version": "1.0", "why": "no", "log": ""}}')
    programs.answer("test -e /usr/lib/app/current", status=missing)
    programs.processes = [Process(), Process()]
    assert tried(tmp_path, port=8000, keep=True) != 0
    assert f"http://127.0.0.1:8000/ on this machine leads to {where}." in capsys.readouterr().err


def test_a_release_that_was_refused(programs: Programs, machine: Told, tmp_path: Path) -> None:
    why = '{"version": "1.0", "why": "it cannot be loaded", "log": "one\\nNo module named \'flask\'"}'
    programs.answer("cat .*switch.json", f'{{"refused": {why}}}')
    with pytest.raises(TrialError) as refused:
        tried(tmp_path)
    assert refused.value.message.splitlines() == [
        "app_1.0-1+deb13_amd64.deb is installed, but is not served:",
        "app 1.0 was refused: it cannot be loaded",
        "  | one",
        "  | No module named 'flask'",
    ]
    assert "flask" in refused.value.hint
    assert machine.served == ""


@pytest.mark.parametrize("note", ["{}", '{"refused": null}', '{"refused": []}', '{"refused": {"why": 1}}'])
def test_a_note_of_no_refusal(note: str, programs: Programs, machine: Told, tmp_path: Path) -> None:
    programs.answer("cat .*switch.json", note)
    assert tried(tmp_path) == 0
    assert machine.served == "app"


def test_a_release_that_is_too_deep(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("cat .*release.json", "[" * 200_000)
    with pytest.raises(TrialError, match="is not JSON"):
        tried(tmp_path)


def test_a_page_does_not_command_the_terminal(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.answer("127.0.0.1:80/$", http(body="\x1b]0;owned\x07", kind="text/html"), stderr="\n0.012")
    assert tried(tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  \\x1b]0;owned\\x07"


def test_a_page_that_is_its_own_health(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.answer("cat .*release.json", '{"health": "/"}')
    assert tried(tmp_path) == 0
    assert capsys.readouterr().out == "GET http://127.0.0.1/ -> 200 OK in 12 ms\n  ok\n"
    assert not programs.was_asked("Host:")


def test_a_package_without_a_page(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.answer("cat .*release.json", status=1)
    assert tried(tmp_path) == 0
    assert capsys.readouterr().out == ""
    assert not programs.was_asked("curl")


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_release_that_is_none(programs: Programs, text: str) -> None:
    programs.answer("cat .*release.json", text)
    if text == "[]":
        assert trial.release_of(Told(), "app") == {}
    else:
        with pytest.raises(TrialError, match=r"dist/release.json is not JSON"):
            trial.release_of(Told(), "app")


def test_other_packages_are_counted(
    programs: Programs,
    machine: Told,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del programs
    bed = Bed(Cache(tmp_path), {})
    for number, words in ((1, "with 1 other package."), (3, "with 3 other packages.")):
        monkeypatch.setattr(Bed, "stock", lambda *_, number=number: number)
        trial.install(bed, machine, DEB.path)
        assert words in capsys.readouterr().err


def test_an_install_that_fails(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("apt-get install", "dpkg: error processing", status=100)
    with pytest.raises(TrialError, match=r"exited with status 100 on trixie:\ndpkg"):
        tried(tmp_path)


def test_health_is_waited_for(programs: Programs, machine: Told) -> None:
    welcome = http(body="<title>Welcome to nginx!</title>")
    programs.answer("curl", http("502 Bad Gateway"), welcome, http(body="well"), stderr="\n0")
    assert trial.healthy(machine, "app", trial.Site()).body == b"well"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (http("502 Bad Gateway"), 0, "the last answer was 502 Bad Gateway"),
        (
            http(body="<title>Welcome to nginx!</title>"),
            0,
            "nginx shows its own welcome page instead of the app's site",
        ),
        ("", 7, "got no answer"),
    ],
)
def test_health_that_does_not_come(
    programs: Programs, machine: Told, answer: str, status: int, words: str
) -> None:
    programs.answer("curl", answer, status=status, stderr="\n0")
    with pytest.raises(TrialError, match=words) as failed:
        trial.healthy(machine, "app", trial.Site("/h"), within=0)
    assert failed.value.message.endswith("\n\nwhat app said")


def test_a_service_that_gave_up_is_not_waited_for(programs: Programs, machine: Told) -> None:
    programs.answer("curl", http("502 Bad Gateway"), stderr="\n0")
    machine.given_up = True
    with pytest.raises(TrialError, match="did not become healthy"):
        trial.healthy(machine, "app", trial.Site("/h"), within=1e9)


def test_a_page_fits_a_screen() -> None:
    def page(body: bytes, kind: str = "text/html") -> str:
        return trial.page(Reply(200, "OK", {"content-type": kind} if kind else {}, body, 0))

    assert page(b"a\n\n  b  \n") == "a\n  b"
    assert page(b'{"a": 1}', "application/json") == '{"a": 1}'
    assert page(b"\0\1\2", "image/png") == "(image/png, 3 bytes)"
    assert page(b"abc", "") == "(no content type, 3 bytes)"
    assert page(b"x" * 200) == "x" * 157 + "..."
    assert page(b"line\n" * 50).splitlines()[-1] == "(10 more lines)"


def test_a_port_leads_there(
    programs: Programs,
    machine: Told,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "socket", Socket)
    programs.processes = [Process(), stubborn := Process(stubborn=True)]
    assert tried(tmp_path, port=8000, keep=True) == 0
    line = programs.started[1][0]
    assert line.startswith("enter-network ")
    assert f" {forward.__file__} " in line
    assert line.endswith(" 80")
    assert stubborn.told == ["terminate"]
    stderr = capsys.readouterr().err
    assert "http://127.0.0.1:8000/ on this machine leads to it." in stderr
    assert "  enter bash -l\n" in stderr
    assert machine.lives < 0


def test_a_port_that_is_taken(
    programs: Programs, machine: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    monkeypatch.setattr(socket, "socket", Socket)
    monkeypatch.setattr(Socket, "refuses", True)
    with pytest.raises(
        MachineError, match=r"Port 8000 of 127\.0\.0\.1 is not available: Address already in use\."
    ):
        tried(tmp_path, port=8000)
    assert not any("enter-network" in line for line, _ in programs.started)


def test_it_stays_until_ctrl_c(
    programs: Programs,
    machine: Told,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del programs
    machine.lives = 10**9

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt(seconds)

    monkeypatch.setattr(time, "sleep", interrupt)
    assert tried(tmp_path, keep=True) == 0
    assert "The trial has ended and leaves nothing on this machine." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "release", "expected"),
    [
        (
            "FileNotFoundError: '/dev/i2c-1'",
            {"hardware": ["gpio", "i2c"]},
            (
                "The app opens hardware of a Raspberry Pi (gpio, i2c), but there is no board here. "
                "Open it in a function, or in 'try:', so that the app starts without it. Or try it on "
                "the Pi."
            ),
        ),
        (
            "TypeError: 'str' object is not callable",
            {"wsgi": "a:b"},
            "'a:b' was loaded, but it is not callable.",
        ),
        ("KeyError: 'x'", {"hardware": []}, ""),
        ("KeyError: 'x'", {}, ""),
    ],
)
def test_the_hint_for_a_release_that_was_refused(
    told: str, release: dict[str, object], expected: str
) -> None:
    found = advice(told, release)
    assert expected in found
    assert bool(expected) == bool(found)
