"""The warning about several web processes for clients that must reach the same one."""

from __future__ import annotations

from typing import Any

import pytest
from samples import sample_project

from debonair.project.one_process import contradiction

INSTALLED = ("flask", "flask-socketio", "python-socketio")


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({}, "'uwsgi.processes' is auto"),
        ({"uwsgi": {"processes": 4}}, "'uwsgi.processes' is 4"),
        ({"uwsgi": {"workers": "2"}}, "'uwsgi.processes' is 2"),
        (
            {"wsgi": "", "command": "gunicorn -w 4 --bind unix:$SOCKET app:app"},
            "'command' starts 4 processes",
        ),
        ({"wsgi": "", "command": "gunicorn -w2 app:app"}, "'command' starts 2 processes"),
        ({"wsgi": "", "command": "uvicorn --workers=3 app:app"}, "'command' starts 3 processes"),
    ],
)
def test_several(changes: dict[str, Any], setting: str) -> None:
    found = contradiction(sample_project(**changes), INSTALLED)
    assert found.startswith(
        f"pyproject.toml: {setting}, but the clients of a server with flask-socketio must"
    )


@pytest.mark.parametrize(
    ("changes", "packages"),
    [
        ({"uwsgi": {"processes": 1}}, INSTALLED),
        ({"wsgi": "", "command": "gunicorn --workers 1 app:app"}, INSTALLED),
        ({"wsgi": "", "command": "uvicorn --uds $SOCKET app:app"}, INSTALLED),
        ({"wsgi": "", "scripts": {"chat": "chat:main"}}, INSTALLED),
        ({}, ("flask",)),
    ],
)
def test_one_or_none(changes: dict[str, Any], packages: tuple[str, ...]) -> None:
    assert contradiction(sample_project(**changes), packages) == ""
