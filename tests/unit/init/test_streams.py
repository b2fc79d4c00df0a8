"""Apps that send server-sent events: each open page occupies a thread, and no stream may be cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drafts import FLASK, draft, make

EVENTS = f"""{FLASK}
@app.get("/events")
def events():
    return app.response_class(stream(), mimetype="text/event-stream")
"""


def settings(folder: Path, app: str, **files: str) -> tuple[dict[str, Any], str]:
    """Return the settings that ``init`` proposes, by dotted key, and its notes as one text."""
    found = draft(make(folder, {"app.py": app, "requirements.txt": "flask\n", **files}))
    return {".".join(each.key): each.value for each in found.findings if each.key}, "\n".join(found.notes)


def test_a_stream_gets_a_thread_and_no_limit(tmp_path: Path) -> None:
    found, notes = settings(tmp_path, EVENTS)
    assert (found["uwsgi.processes"], found["uwsgi.threads"], found["uwsgi.harakiri"]) == (1, 64, 0)
    assert "app.py:7 sends server-sent events. Each open page occupies a thread" in notes
    assert "uWSGI starts one process" in notes
    assert '"X-Accel-Buffering: no"' in notes


@pytest.mark.parametrize(
    "code",
    [
        "from flask import Response\nResponse(f(), mimetype='text/event-stream; charset=utf-8')",
        "from flask import Response\nResponse(f(), 200, None, 'text/event-stream')",
        "import django.http as h\nh.StreamingHttpResponse(f(), content_type='text/event-stream')",
        "r.mimetype = 'text/event-stream'",
        "r.headers['Content-Type'] = 'text/event-stream'",
        "r['content-type'] = 'text/event-stream'",
        "return_(f(), 200, {'Content-Type': 'text/event-stream'})",
        "import flask_sse",
    ],
)
def test_the_forms_of_a_stream(code: str, tmp_path: Path) -> None:
    found, notes = settings(tmp_path, f"{FLASK}{code}\n")
    assert found["uwsgi.harakiri"] == 0
    assert "server-sent events" in notes


@pytest.mark.parametrize(
    "code",
    [
        "import requests\nrequests.get('http://x', headers={'Accept': 'text/event-stream'})",
        "TYPE = 'text/event-stream'",
        "r.mimetype = 'text/plain'",
    ],
)
def test_no_stream(code: str, tmp_path: Path) -> None:
    found, notes = settings(tmp_path, f"{FLASK}{code}\n")
    assert not [key for key in found if key.startswith("uwsgi")]
    assert "server-sent" not in notes


def test_events_by_redis_reach_all_processes(tmp_path: Path) -> None:
    found, notes = settings(tmp_path, f"import redis\n{EVENTS}")
    assert "uwsgi.processes" not in found
    assert found["uwsgi.threads"] == 64
    assert "one process" not in notes


def test_a_response_that_nginx_sends_immediately(tmp_path: Path) -> None:
    _, notes = settings(
        tmp_path, EVENTS.replace("mimetype", "headers={'X-Accel-Buffering': 'no'}, mimetype")
    )
    assert "server-sent events" in notes
    assert "nginx" not in notes


def test_the_options_of_uwsgi_beside_it(tmp_path: Path) -> None:
    ini = "[uwsgi]\nmodule = app:app\nworkers = 4\ncheaper = 2\nthreads = 2\nharakiri = 20\nlisten = 9\n"
    found, _ = settings(tmp_path, EVENTS, **{"uwsgi.ini": ini})
    assert {key: value for key, value in found.items() if key.startswith("uwsgi.")} == {
        "uwsgi.harakiri": 0, "uwsgi.processes": 1, "uwsgi.threads": 64, "uwsgi.listen": 9,
    }  # fmt: skip


def test_gevent_of_uwsgi_serves_the_pages(tmp_path: Path) -> None:
    ini = "[uwsgi]\nmodule = app:app\ngevent = 100\n"
    found, notes = settings(tmp_path, EVENTS, **{"uwsgi.ini": ini})
    assert found["uwsgi.gevent"] == 100
    assert "uwsgi.threads" not in found
    assert found["uwsgi.harakiri"] == 0
    assert "occupies a thread" not in notes


def test_a_stream_is_the_last_choice_for_the_health_check(tmp_path: Path) -> None:
    found, _ = settings(tmp_path / "a", EVENTS)
    assert found["health"] == "/events"
    page = '@app.get("/hello")\ndef hello():\n    return "hello"\n'
    found, _ = settings(tmp_path / "b", f"{EVENTS}{page}")
    assert found["health"] == "/hello"
