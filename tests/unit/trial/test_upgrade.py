"""An upgrade under load, with a machine that is told what to answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import Programs
from told import DEB, Told, http, tried

from debonair.debian.rootfs.machine import Reply
from debonair.errors import MachineError, TrialError
from debonair.trial import choice
from debonair.trial.choice import Choice
from debonair.trial.page_text import first_lines
from debonair.trial.upgrade import Requests, told

OLD = Choice(Path("app_0.9-1+deb13_amd64.deb"), "app", "0.9-1+deb13", "amd64", "trixie")
COUNTS = '{"requests": 1234, "failed": 0, "slowest": 0.0421, "problems": {}}'
APT = """\
Reading package lists...
Setting up other (1.0) ...
Setting up app (1.0.broken-1+deb13) ...
app: 1.0.broken-1+deb13 was refused; 1.0-1+deb13 keeps serving.
app: the app cannot be loaded
  | RuntimeError: broken
"""
REFUSED = '{"refused": {"version": "1.0.broken-1+deb13", "why": "no", "log": ""}}'


@pytest.fixture(autouse=True)
def _old(monkeypatch: pytest.MonkeyPatch, programs: Programs) -> None:
    monkeypatch.setattr(choice, "earlier", lambda path, newer: OLD)
    monkeypatch.setenv("COLUMNS", "80")
    programs.answer("127.0.0.1:80/$", http(body="<h1>Old</h1>", kind="text/html"), stderr="\n0.012")
    programs.output = COUNTS


def upgraded(programs: Programs) -> None:
    page = http(body="<h1>New</h1>", kind="text/html")
    programs.answer(
        "apt-get install --yes /srv/app_1.0",
        do=lambda _: programs.answer("127.0.0.1:80/$", page, stderr="\n0.012"),
    )


def test_an_upgrade(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    upgraded(programs)
    assert tried(tmp_path, upgrade_from=OLD.path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "app 0.9-1+deb13 is served:",
        "  GET http://127.0.0.1/ -> 200 OK",
        "  Old",
        "Upgraded to 1.0-1+deb13 under load:",
        "  1,234 requests, 0 failed, the slowest took 42 ms",
        "app 1.0-1+deb13 is served:",
        "  GET http://127.0.0.1/ -> 200 OK",
        "  New",
    ]
    load = next(line for line, _ in programs.started if "load.py" in line)
    assert load.endswith("/srv/load.py 80 / localhost")


def test_an_upgrade_with_failed_requests(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.output = '{"requests": 9, "failed": 2, "slowest": 1, "problems": {"502 Bad Gateway": 2}}'
    with pytest.raises(TrialError, match=r"2 of 9 requests failed during the upgrade"):
        tried(tmp_path, upgrade_from=OLD.path)
    assert "  9 requests, 2 failed, the slowest took 1000 ms\n    2 times: 502 Bad Gateway\n" in (
        capsys.readouterr().out
    )


def test_no_request_proves_nothing(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.output = COUNTS.replace("1234", "0")
    with pytest.raises(TrialError, match="No request was made during the installation"):
        tried(tmp_path, upgrade_from=OLD.path)


def test_an_upgrade_that_is_refused(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    why = '{"refused": {"version": "1.0-1+deb13", "why": "no", "log": "No module named \'flask\'"}}'
    programs.answer(
        "apt-get install --yes /srv/app_1.0", do=lambda _: programs.answer("cat .*switch.json", why)
    )
    with pytest.raises(
        TrialError, match=r"app_1\.0-1\+deb13_amd64\.deb is installed, but is not"
    ) as refused:
        tried(tmp_path, upgrade_from=OLD.path)
    assert "flask" in refused.value.hint


@pytest.mark.parametrize("output", ["", "{}", "Traceback", '{"requests": []}', "[1]", "[" * 100_000])
def test_counts_that_are_none(programs: Programs, machine: Told, tmp_path: Path, output: str) -> None:
    del machine
    programs.output = output
    with pytest.raises(TrialError, match="The requests could not be counted"):
        tried(tmp_path, upgrade_from=OLD.path)


def breaks(programs: Programs) -> None:
    programs.answer("python3 -IB - /var/tmp/broken", "1.0.broken-1+deb13")
    programs.answer(
        "apt-get install --yes /srv/app_broken.deb",
        APT,
        do=lambda _: programs.answer("cat .*switch.json", REFUSED),
    )


def test_a_broken_release_is_refused(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    breaks(programs)
    assert tried(tmp_path, breaks=True) == 0
    assert capsys.readouterr().out.splitlines() == [
        "apt printed, and exited with status 0:",
        "  Setting up app (1.0.broken-1+deb13) ...",
        "  app: 1.0.broken-1+deb13 was refused; 1.0-1+deb13 keeps serving.",
        "  app: the app cannot be loaded",
        "    | RuntimeError: broken",
        "Requests meanwhile:",
        "  1,234 requests, 0 failed, the slowest took 42 ms",
        "app 1.0-1+deb13 is served:",
        "  GET http://127.0.0.1/ -> 200 OK",
        "  Old",
    ]
    assert programs.was_asked(f"dpkg-deb --raw-extract '?/srv/{DEB.path.name.replace('+', '.')}")


def test_a_broken_release_that_is_served(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    breaks(programs)
    programs.answer("apt-get install --yes /srv/app_broken.deb", APT)
    with pytest.raises(TrialError, match=r"The broken release 1\.0\.broken-1\+deb13 was not refused"):
        tried(tmp_path, breaks=True)


def test_a_broken_release_that_fails_requests(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    breaks(programs)
    programs.output = '{"requests": 9, "failed": 2, "slowest": 1, "problems": {"502 Bad Gateway": 2}}'
    with pytest.raises(TrialError, match="2 of 9 requests failed"):
        tried(tmp_path, breaks=True)


def test_an_app_that_cannot_be_broken(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("python3 -IB -", "Traceback\nLookupError: app has no module", status=1)
    with pytest.raises(TrialError, match="No broken release of app could be made: LookupError: app has no"):
        tried(tmp_path, breaks=True)


def test_without_systemd_nothing_would_be_switched(machine: Told, tmp_path: Path) -> None:
    machine.systemd = False
    for more in ({"upgrade_from": OLD.path}, {"breaks": True}):
        with pytest.raises(MachineError, match="An upgrade under load needs a Debian with systemd"):
            tried(tmp_path, **more)


def test_a_package_without_a_page_cannot_show_it(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("cat .*release.json", status=1)
    with pytest.raises(TrialError, match=r"app_0\.9-1\+deb13_amd64\.deb serves no page"):
        tried(tmp_path, upgrade_from=OLD.path)


def test_a_page_that_needs_a_login_is_not_requested(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.answer("127.0.0.1:80/$", http("401 Unauthorized"), stderr="\n0.012")
    assert tried(tmp_path, upgrade_from=OLD.path) == 0
    assert "GET http://127.0.0.1/healthz -> 200 OK" in capsys.readouterr().out


def test_what_apt_printed_is_few_lines() -> None:
    many = "".join(f"  | line {number}\n" for number in range(40))
    found = told(f"Setting up app ...\n{many}  | {'x' * 90}\napp: a b\n", "app", 60)
    assert len(found) == 13
    assert found[6] == "  (31 more lines)"
    assert found[-2:] == [f"  | {'x' * 53}...", "app: a b"]
    assert told("app: one two three\n", "app", 10) == ["app: one", "  two", "  three"]


def test_the_first_lines_are_those_that_a_person_reads() -> None:
    def lines(body: str, kind: str = "text/html; charset=utf-8") -> list[str]:
        return first_lines(Reply(200, "OK", {"content-type": kind}, body.encode(), 0), 4)

    html = (
        "<!doctype html><head><title>T</title><style>p {}</style></head><body><h1>A <b>bold</b>\n head</h1>"
        "<script>x()</script><p>One</p><br>Two<p>3<p>4<p>5"
    )
    assert lines(html) == ["A bold head", "One", "Two", "3"]
    assert lines("<head><title>T</title><body>One") == ["One"]
    assert lines("x " * 200_000 + "<p>late") == [("x " * 37)[:73] + "..."], "a page may have no end"
    assert lines(f"<p>{'x' * 90}") == ["x" * 73 + "..."]
    assert lines("</style>plain < text") == ["plain < text"]
    assert lines("<script src=x></script>") == ["<script src=x></script>"], "an app that JavaScript draws"
    assert lines('{"a": 1}', "application/json") == ['{"a": 1}']


def test_requests_in_words() -> None:
    assert str(Requests()) == "0 requests, 0 failed"
