"""Apps whose requests one process must answer: those with Socket.IO, pins or a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drafts import FLASK, draft, make

CHAT = f"{FLASK}from flask_socketio import SocketIO\nsocketio = SocketIO(app)\n"


def settings(folder: Path, app: str, *requirements: str, **files: str) -> tuple[dict[str, Any], str]:
    """Return the settings that ``init`` proposes, by dotted key, and its notes as one text."""
    found = draft(make(folder, {"app.py": app, "requirements.txt": "\n".join(requirements), **files}))
    return {".".join(each.key): each.value for each in found.findings if each.key}, "\n".join(found.notes)


def test_uwsgi_starts_one_process_with_threads(tmp_path: Path) -> None:
    found, notes = settings(tmp_path, CHAT, "flask", "flask-socketio")
    assert (found["uwsgi.processes"], found["uwsgi.threads"]) == (1, 64)
    assert found["wsgi"] == "app:app"
    assert "Its clients must always reach the same process, so uWSGI starts one with threads. " in notes
    assert "For websockets, add gunicorn to requirements.txt, and run 'debonair init' again." in notes


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ((), "--threads 64"),
        (("eventlet==0.36",), "--worker-class eventlet"),
        (("gevent", "gevent-websocket"), "--worker-class gevent"),
    ],
)
def test_gunicorn_of_the_requirements_serves_websockets(
    more: tuple[str, ...], options: str, tmp_path: Path
) -> None:
    procfile = {"Procfile": "web: gunicorn -k eventlet -w 4 app:app\n"}
    found, notes = settings(tmp_path, CHAT, "flask", "flask-socketio", "gunicorn", *more, **procfile)
    assert found["command"] == (
        f"gunicorn --bind unix:$SOCKET --forwarded-allow-ips '*' --workers 1 {options} app:app"
    )
    assert found["server"] == "command"
    assert not [key for key in found if key.startswith(("uwsgi", "wsgi"))]
    assert "Websockets work." in notes
    assert "does not need gunicorn" not in notes


def test_a_loop_that_threads_do_not_work_with(tmp_path: Path) -> None:
    _, notes = settings(tmp_path, CHAT, "flask", "flask-socketio", "eventlet")
    assert "eventlet among the requirements does not work with threads. Remove it, or add gunicorn" in notes
    app = CHAT.replace("(app)\n", "(app, async_mode='threading')\n").replace("Flask(app,", "Flask(")
    _, notes = settings(tmp_path, app, "flask", "flask-socketio", "eventlet")
    assert "does not work with threads" not in notes


def test_a_loop_of_uwsgi_is_not_taken_over_beside_threads(tmp_path: Path) -> None:
    ini = {"uwsgi.ini": "[uwsgi]\nmodule = app:app\ngevent = 100\nprocesses = 4\nharakiri = 30\n"}
    found, _ = settings(tmp_path, CHAT, "flask", "flask-socketio", **ini)
    options = {key: value for key, value in found.items() if key.startswith("uwsgi")}
    assert options == {"uwsgi.processes": 1, "uwsgi.threads": 64, "uwsgi.harakiri": 30}


def test_websockets_without_polling(tmp_path: Path) -> None:
    _, notes = settings(tmp_path, f"{FLASK}from flask_sock import Sock\n", "flask", "flask-sock")
    assert "Its websockets do not work with uWSGI: add gunicorn to requirements.txt" in notes


@pytest.mark.parametrize(("call", "processes"), [("Server", 1), ("Client", None)])
def test_a_client_of_another_server_needs_no_single_process(
    call: str, processes: int | None, tmp_path: Path
) -> None:
    app = f"{FLASK}import socketio\nsio = socketio.{call}()\n"
    found, _ = settings(tmp_path, app, "flask", "python-socketio")
    assert found.get("uwsgi.processes") == processes


@pytest.mark.parametrize("name", ["gpiozero", "RPi.GPIO", "picamera2"])
def test_a_part_of_the_board_belongs_to_one_process(name: str, tmp_path: Path) -> None:
    found, _ = settings(tmp_path, f"{FLASK}import {name}\n", "flask")
    assert (found["uwsgi.processes"], found["uwsgi.lazy-apps"]) == (1, True)


def test_several_processes_can_read_a_sensor(tmp_path: Path) -> None:
    found, _ = settings(tmp_path, f"{FLASK}import smbus2\n", "flask", "smbus2")
    assert "uwsgi.processes" not in found


@pytest.mark.parametrize(
    "call", ["socketio.ASGIApp(sio, app)", "socketio.ASGIApp(sio, other_asgi_app=app)"]
)
def test_asgi_is_served_with_its_socket(call: str, tmp_path: Path) -> None:
    app = "import socketio\nfrom fastapi import FastAPI\napp = FastAPI()\nsio = socketio.AsyncServer()\n"
    app += f"outer = {call}\n"
    found, _ = settings(tmp_path, app, "fastapi", "python-socketio", "uvicorn")
    assert found["command"] == "uvicorn --uds $SOCKET --forwarded-allow-ips '*' app:outer"
