"""The page of an app on trial: nginx is waited for, an error of the app is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from programs import Programs
from told import Told, http, tried

from debonair import trial
from debonair.errors import Error, TrialError
from debonair.trial import site

NGINX = "<body><center><h1>{}</h1></center><hr><center>nginx/1.26.3</center></body>"

WELCOME = http(body="<title>Welcome to nginx!</title>")


def by_nginx(status: str) -> str:
    return http(status, NGINX.format(status), "text/html")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let each question for the time take a second."""
    passed = [0.0]

    def monotonic() -> float:
        passed[0] += 1
        return passed[0]

    monkeypatch.setattr("debonair.trial.site.time.monotonic", monotonic)
    return passed


@pytest.mark.parametrize(
    "status", ["404 NOT FOUND", "500 INTERNAL SERVER ERROR", "503 Not Yet", "302 FOUND"]
)
def test_an_answer_of_the_app_is_taken(programs: Programs, machine: Told, status: str) -> None:
    programs.answer("curl", by_nginx("502 Bad Gateway"), WELCOME, http(status, "mine"), stderr="\n0")
    found = site.answered(machine, "app", trial.Site(), "/")
    assert (f"{found.status} {found.reason}", found.body) == (status, b"mine")


def test_what_nginx_answers_for_a_site_is_taken_after_a_while(
    programs: Programs, machine: Told, clock: list[float]
) -> None:
    programs.answer("curl", by_nginx("404 Not Found"), stderr="\n0")
    assert site.answered(machine, "app", trial.Site(), "/", within=1e9).status == 404
    assert 5 < clock[0] < 10


@pytest.mark.parametrize(
    ("answer", "words"),
    [((WELCOME, 0), "nginx shows its own welcome page"), ((http(), 7), "GET / got no answer")],
)
def test_an_app_that_does_not_answer(
    programs: Programs, machine: Told, clock: list[float], answer: tuple[str, int], words: str
) -> None:
    programs.answer("curl", answer[0], status=answer[1], stderr="\n0")
    with pytest.raises(TrialError, match=words) as failed:
        site.answered(machine, "app", trial.Site(), "/", within=20)
    assert failed.value.message.endswith("what app said")
    assert clock[0] > 20


def test_a_service_that_gave_up_is_not_waited_for(programs: Programs, machine: Told) -> None:
    programs.answer("curl", by_nginx("502 Bad Gateway"), stderr="\n0")
    machine.given_up = True
    with pytest.raises(TrialError, match="did not answer: the last answer was 502 Bad Gateway"):
        site.answered(machine, "app", trial.Site(), "/", within=1e9)


def test_a_health_page_that_is_not_found(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("127.0.0.1:80/healthz", http("404 NOT FOUND", "\n".join("abcdefghijk")), stderr="\n0")
    with pytest.raises(TrialError) as refused:
        tried(tmp_path)
    assert refused.value.message.splitlines() == [
        "GET http://127.0.0.1/healthz -> 404 NOT FOUND",
        *(f"  {letter}" for letter in "abcdefgh"),
    ]
    assert 'health = "/about"' in refused.value.hint


def test_a_page_that_fails_is_shown_with_the_log(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("127.0.0.1:80/$", http("500 INTERNAL SERVER ERROR", "Oops"), stderr="\n0")
    with pytest.raises(TrialError) as refused:
        tried(tmp_path)
    assert refused.value.message.splitlines() == [
        "GET http://127.0.0.1/ -> 500 INTERNAL SERVER ERROR",
        "  Oops",
        "",
        "what app said",
    ]


def test_a_front_page_that_is_not_found_is_shown(
    programs: Programs, machine: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del machine
    programs.answer("127.0.0.1:80/$", http("404 NOT FOUND", "Nope"), stderr="\n0.012")
    assert tried(tmp_path) == 0
    assert "GET http://127.0.0.1/ -> 404 NOT FOUND in 12 ms\n  Nope\n" in capsys.readouterr().out


@pytest.mark.parametrize(("more", "status"), [({"keep": True}, 10), ({"command": ("bash",)}, 7)])
def test_an_app_that_is_refused_can_be_looked_at(
    programs: Programs, machine: Told, tmp_path: Path, more: dict[str, Any], status: int
) -> None:
    del machine
    programs.answer("cat .*switch.json", '{"refused": {"version": "1.0", "why": "no", "log": ""}}')
    complaints: list[Error] = []
    assert tried(tmp_path, **more, complaints=complaints) == status
    (complaint,) = complaints
    assert complaint.message.endswith("app 1.0 was refused: no")


def test_an_app_that_is_emulated_is_waited_for(programs: Programs, machine: Told) -> None:
    del programs
    assert trial.patience(machine) == 30
    machine.architecture = "arm64"
    assert trial.patience(machine) == 180


def test_a_package_of_others_reads_no_variables(programs: Programs, machine: Told, tmp_path: Path) -> None:
    del machine
    programs.answer("cat .*release.json", status=1)
    with pytest.raises(TrialError, match="was not built by Debonair, so it does not read the variables"):
        tried(tmp_path, variables={"A": "hunter2"})


def test_variables_are_set_before_the_package_is_installed(
    programs: Programs, machine: Told, tmp_path: Path
) -> None:
    del machine
    assert tried(tmp_path, variables={"A": "1"}) == 0
    (put,) = (number for number, line in enumerate(programs.asked) if "/etc/app/env" in line)
    assert put < next(number for number, line in enumerate(programs.asked) if "apt-get install" in line)
