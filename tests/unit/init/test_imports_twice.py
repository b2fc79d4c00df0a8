"""A setting with several values: the account says which one is taken, and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import FLASK, draft, make

from debonair.init.imports import files
from debonair.init.imports.account import Imported

UNIT = (
    "[Service]\nExecStart=/usr/bin/env {0} gunicorn a:b\nEnvironment=MODE=one X=1\nEnvironment=MODE=two\n"
)
COMPOSE = "services:\n  web:\n    command: gunicorn a:b\n    environment: [MODE=one, X=1, MODE=two]\n"
SUPERVISOR = '[program:x]\ncommand=gunicorn a:b\nenvironment=MODE="one",X="1",MODE="two"\n'


def taken(found: Imported) -> list[str]:
    """Return the texts of the lines that became the variable MODE."""
    return [each.text for each in found.accounts if "service.environment.MODE" in each.became.split(", ")]


def lost(found: Imported) -> list[str]:
    return [each.why for each in found.accounts if each.why.endswith(("replaces it", "takes precedence"))]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "FROM x\nENV MODE=one X=1\nENV MODE two\n"),
        ("Dockerfile", "FROM y AS z\nENV MODE=one X=1\nFROM z\nENV MODE=two\n"),
        ("a.service", UNIT.format("")),
        ("compose.yml", COMPOSE),
        ("supervisor.conf", SUPERVISOR),
        ("start.sh", "export MODE=one X=1\nexport MODE=two\ngunicorn a:b\n"),
        ("Procfile", "web: MODE=one MODE=two gunicorn a:b\n"),
        ("uwsgi.ini", "[uwsgi]\nenv = MODE=one\nenv = X=1\nenv = MODE=two\n"),
        ("gunicorn.conf.py", 'raw_env = ["MODE=one"]\nraw_env = ["MODE=two"]\n'),
    ],
)
def test_the_last_value_in_a_file_counts(name: str, text: str, tmp_path: Path) -> None:
    found = files.read(make(tmp_path, {name: text}) / name, tmp_path)
    assert found.settings["service"]["environment"]["MODE"] == "two"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("Dockerfile", "FROM x\nENV MODE=one X=1\nENV MODE two\n", "Dockerfile:3 replaces it"),
        ("a.service", UNIT.format(""), "a.service:4 replaces it"),
        ("compose.yml", COMPOSE, "compose.yml:4 replaces it"),
        ("start.sh", "export MODE=one\nexport MODE=two\ngunicorn a:b\n", "start.sh:2 replaces it"),
        ("uwsgi.ini", "[uwsgi]\nenv = MODE=one\nenv = MODE=two\n", "uwsgi.ini:3 replaces it"),
    ],
)
def test_the_account_says_what_replaces_a_value(name: str, text: str, why: str, tmp_path: Path) -> None:
    found = files.read(make(tmp_path, {name: text}) / name, tmp_path)
    assert lost(found) == [why]
    (shown,) = taken(found)
    assert "two" in shown


def test_the_command_replaces_the_variables_of_its_unit(tmp_path: Path) -> None:
    found = files.read(make(tmp_path, {"a.service": UNIT.format("MODE=three")}) / "a.service", tmp_path)
    assert found.settings["service"]["environment"]["MODE"] == "three"
    assert lost(found) == ["a.service:2 replaces it"] * 2


def test_a_later_value_that_is_not_kept(tmp_path: Path) -> None:
    text = "FROM x\nENV DATA=here\nENV DATA=/data\n"
    found = files.read(make(tmp_path, {"Dockerfile": text}) / "Dockerfile", tmp_path)
    assert not found.settings.get("service", {}).get("environment")
    assert [each.became for each in found.accounts] == ["", ""]


def test_the_same_variable_in_several_files(tmp_path: Path) -> None:
    texts = {
        "app.py": FLASK,
        "requirements.txt": "flask\n",
        "Dockerfile": "FROM x\nENV MODE=docker\n",
        "Procfile": "web: MODE=heroku gunicorn -t 9 app:app\n",
        "uwsgi.ini": "[uwsgi]\nmodule = app:app\nenv = MODE=uwsgi\nharakiri = 20\n",
    }
    found = draft(make(tmp_path, texts))
    (mode,) = (each for each in found.findings if each.key == ("service", "environment", "MODE"))
    assert (mode.value, mode.where) == ("uwsgi", "uwsgi.ini:3")
    assert taken(found.imported) == ["env = MODE=uwsgi"]
    assert lost(found.imported) == ["the value in uwsgi.ini:3 takes precedence"]
    (web,) = (each for each in found.imported.accounts if each.text.startswith("web:"))
    assert web.became == "wsgi"
    assert web.why == "but uwsgi.ini:4 has uwsgi.harakiri and uwsgi.ini:3 has service.environment.MODE"


def test_the_same_value_twice_is_no_contradiction(tmp_path: Path) -> None:
    texts = {"Dockerfile": "FROM x\nENV MODE=a\n", "compose.yml": COMPOSE.replace("MODE=one", "MODE=two")}
    found = draft(make(tmp_path, {"app.py": FLASK, "requirements.txt": "flask\n", **texts}))
    assert lost(found.imported) == ["the value in Dockerfile:2 takes precedence"]
