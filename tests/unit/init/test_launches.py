"""Apps whose frameworks start servers: the script that is chosen, and the file that runs it on the Pi."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from drafts import FLASK, draft, make

from debonair.init import model, report
from debonair.project.catalogue import known

STREAMLIT = "import streamlit as st\n\nst.title('Greenhouse')\n"
GUARD = "\n\nif __name__ == '__main__':\n    "
HELLO = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'Hello']\n"
MAKE_APP = "def make_app():\n    return tornado.web.Application([])\n"
SOCKETIO = f"{FLASK}from flask_socketio import SocketIO\n\nsocketio = SocketIO(app)\n"
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
HANDLER = "class Pages(BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200)\n"
PROJECTS: Mapping[str, tuple[str, str]] = {
    "streamlit": ("app.py", STREAMLIT),
    "nicegui": ("main.py", "from nicegui import ui\n\nui.label('Hello')\nui.run(port=8080)\n"),
    "gradio": (
        "app.py",
        "import gradio as gr\n\ndemo = gr.Interface(str, 'text', 'text')\ndemo.launch()\n",
    ),
    "bottle": (
        "hello.py",
        "from bottle import route, run\n\n@route('/')\ndef hi():\n    return 'Hi'\n\nrun()\n",
    ),
    "tornado": (
        "main.py",
        f"import tornado.web\n\n{MAKE_APP}{GUARD}make_app().listen(8888)\n",
    ),
    "dash": ("app.py", f"from dash import Dash\n\napp = Dash(__name__)\n{GUARD}app.run(debug=True)\n"),
    "cherrypy": (
        "tut01.py",
        f"import cherrypy\n\nclass Root:\n    pass\n{GUARD}cherrypy.quickstart(Root())\n",
    ),
    "aiohttp": ("main.py", "from aiohttp import web\n\napp = web.Application()\nweb.run_app(app)\n"),
    "panel": ("app.py", "import panel as pn\n\npn.Row('Hello').servable()\n"),
    "bokeh": ("plot.py", "from bokeh.io import curdoc\n\ncurdoc().add_root(None)\n"),
    "flask_socketio": ("app.py", f"{SOCKETIO}socketio.run(app)\n"),
    "flask": ("app.py", f"{FLASK}app.run(host='0.0.0.0')\n"),
    "uvicorn": ("main.py", f"{FASTAPI}import uvicorn\n\nuvicorn.run(app, host='0.0.0.0')\n"),
    "waitress": ("app.py", f"from waitress import serve\n\n{HELLO}\nserve(app, port=8080)\n"),
    "gevent": (
        "main.py",
        f"from gevent import pywsgi\n\n{HELLO}\nhttp = pywsgi.WSGIServer(80, app)\nhttp.serve_forever()\n",
    ),
    "http_server": (
        "server.py",
        f"from http.server import *\n\n{HANDLER}{GUARD}HTTPServer(('', 80), Pages).serve_forever()\n",
    ),
}
"""For each launch, a script as the quick start of its framework has it."""


def test_each_launch_has_a_project_here() -> None:
    assert set(PROJECTS) == set(known().launches)


@pytest.mark.parametrize("kind", PROJECTS)
def test_a_quick_start(kind: str, golden: Callable[[str, str], None], tmp_path: Path) -> None:
    name, text = PROJECTS[kind]
    found = draft(make(tmp_path, {name: text, "requirements.txt": f"{kind}\n"}))
    model.write(found)
    (file,) = found.files
    assert (tmp_path / file.name).read_text() == file.text
    golden(f"launch/{kind}.py", file.text)
    ast.parse(file.text)
    settings = tomllib.loads(found.text)
    if known().launches[kind].wsgi:
        assert settings["wsgi"] == "debonair_wsgi:application"
        assert settings.get("server") is None
    else:
        assert settings["server"] == "command"
        assert settings["command"] == "python debonair_socket.py"
    assert f"Written to {file.name}:" in report.text(found)


def test_the_same_again_changes_no_file(tmp_path: Path) -> None:
    root = make(tmp_path, {"app.py": STREAMLIT, "debonair_socket.py": "import streamlit\n# mine\n"})
    found = draft(root)
    assert tomllib.loads(found.text)["command"] == "python debonair_socket.py"
    assert not found.files
    assert "debonair_socket.py exists already, and was not changed." in found.notes


def served(files: Mapping[str, str], root: Path) -> str:
    """Return the script that is served of the project ``files``."""
    return str(draft(make(root, files)).findings[0].value)


@pytest.mark.parametrize(
    ("names", "script"),
    [
        (["a.py", "streamlit_app.py"], "streamlit_app.py"),
        (["pages/app.py", "Home.py"], "Home.py"),
        (["my-dashboard.py"], "my-dashboard.py"),
        (["deep/app.py", "shown.py"], "shown.py"),
    ],
)
def test_the_usual_script_of_several(names: list[str], script: str, tmp_path: Path) -> None:
    assert served(dict.fromkeys(names, STREAMLIT), tmp_path) == script


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "web: streamlit run shown.py --server.port $PORT\n"),
        ("Dockerfile", 'FROM python\nCMD ["streamlit", "run", "shown.py"]\n'),
        ("start.sh", "#!/bin/sh\nexec streamlit run ./shown.py\n"),
    ],
)
def test_the_script_that_other_tools_start(name: str, text: str, tmp_path: Path) -> None:
    assert served({"app.py": STREAMLIT, "shown.py": STREAMLIT, name: text}, tmp_path) == "shown.py"
    longer = text.replace("shown.py", "unshown.py")
    assert served({"app.py": STREAMLIT, "shown.py": STREAMLIT, name: longer}, tmp_path / "b") == "app.py"


def test_a_module_that_the_script_imports_is_not_the_script(tmp_path: Path) -> None:
    files = {"app.py": STREAMLIT, "show.py": f"import app\n{STREAMLIT}"}
    assert served(files, tmp_path) == "show.py"


@pytest.mark.parametrize("name", ['a "b".py', "🏠_Home.py", "a\nraise SystemExit.py", "b\\n.py"])
def test_a_path_is_a_literal_in_the_code(name: str, tmp_path: Path) -> None:
    (file,) = draft(make(tmp_path, {name: STREAMLIT})).files
    calls = [node for node in ast.walk(ast.parse(file.text)) if isinstance(node, ast.Call)]
    (path,) = [ast.literal_eval(node.args[0]) for node in calls if ast.unparse(node.func) == "App"]
    assert path == name
    assert "\nraise" not in file.text


def test_star_imports_of_frameworks_are_followed(tmp_path: Path) -> None:
    files = {"app.py": "from tkinter import *\nfrom flask import *\n\napp = Flask(__name__)\n"}
    assert tomllib.loads(draft(make(tmp_path, files)).text)["wsgi"] == "app:app"


def test_bottle_by_its_star(tmp_path: Path) -> None:
    files = {"app.py": f"from bottle import *\n\n@route('/')\ndef hi():\n    return ''\n{GUARD}run()\n"}
    found = draft(make(tmp_path, files))
    assert tomllib.loads(found.text)["wsgi"] == "debonair_wsgi:application"
    assert found.requirements.splitlines()[1].startswith("bottle  # app.py:1")


def test_an_application_of_bottle_whose_import_runs_it(tmp_path: Path) -> None:
    code = "import bottle\n\napp = bottle.Bottle()\n"
    (file,) = draft(make(tmp_path / "a", {"pkg/__init__.py": "", "pkg/web.py": f"{code}app.run()\n"})).files
    assert 'bottle.load_app("pkg.web:app")' in file.text
    found = draft(make(tmp_path / "b", {"web.py": f"{code}{GUARD}app.run()\n"}))
    assert tomllib.loads(found.text)["wsgi"] == "web:app"
    assert not found.files


@pytest.mark.parametrize(
    ("start", "key"),
    [("serve(app)\n", "command"), (f"{GUARD}serve(app)\n", "wsgi")],
)
def test_uwsgi_serves_what_it_can_import(start: str, key: str, tmp_path: Path) -> None:
    code = f"from flask import Flask\nfrom waitress import serve\n\napp = Flask(__name__)\n{start}"
    assert key in tomllib.loads(draft(make(tmp_path, {"app.py": code})).text)


def test_an_application_with_a_known_server_comes_before_a_helper_that_listens(tmp_path: Path) -> None:
    helper = (
        "import http.server\n\ndef main():\n    http.server.HTTPServer(('', 1), None).serve_forever()\n"
    )
    files = {"main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n", "mock.py": helper}
    assert "uvicorn" in tomllib.loads(draft(make(tmp_path, files)).text)["command"]


def test_the_script_that_calls_a_function_of_a_module(tmp_path: Path) -> None:
    serve = "from nicegui import ui\n\ndef serve():\n    ui.run()\n"
    files = {
        "gui/__init__.py": "",
        "gui/web.py": serve,
        "start.py": "from gui.web import serve\n\nserve()\n",
    }
    assert served(files, tmp_path) == "start.py"


@pytest.mark.parametrize("code", [f"{FLASK}{GUARD}app.run()\n", f"{FLASK}\ndef main():\n    app.run()\n"])
def test_a_run_that_no_import_reaches(code: str, tmp_path: Path) -> None:
    found = draft(make(tmp_path, {"app.py": code}))
    assert tomllib.loads(found.text)["wsgi"] == "app:app"
    assert not found.files


def test_gunicorn_serves_the_file_of_an_unguarded_socketio(tmp_path: Path) -> None:
    files = {"app.py": f"{SOCKETIO}socketio.run(app)\n", "requirements.txt": "flask-socketio\ngunicorn\n"}
    settings = tomllib.loads(draft(make(tmp_path, files)).text)
    assert settings["command"].endswith(" debonair_wsgi:application")


def test_uvicorn_serves_an_application_that_it_can_import(tmp_path: Path) -> None:
    code = f"{FASTAPI}import uvicorn\n{GUARD}uvicorn.run(app)\n"
    assert "--uds $SOCKET" in tomllib.loads(draft(make(tmp_path, {"main.py": code})).text)["command"]


def test_streamlits_options_become_variables(tmp_path: Path) -> None:
    config = "[theme]\nprimaryColor = '#0a0'\n[theme.sidebar]\nbase = 'dark'\n"
    config += "[server]\nport = 80\nmaxUploadSize = 5\nenableCORS = true\n"
    config += "[browser]\ngatherUsageStats = false\n[secrets]\nfiles = ['a']\n"
    files = {"app.py": STREAMLIT, ".streamlit/config.toml": config, ".streamlit/secrets.toml": ""}
    found = draft(make(tmp_path, files))
    assert tomllib.loads(found.text)["service"]["environment"] == {
        "STREAMLIT_THEME_PRIMARY_COLOR": "#0a0",
        "STREAMLIT_THEME_SIDEBAR_BASE": "dark",
        "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "5",
        "STREAMLIT_SERVER_ENABLE_CORS": "true",
    }
    assert [note.partition(" ")[0] for note in found.notes if note.startswith(".streamlit")] == [
        ".streamlit/secrets.toml",
        ".streamlit/config.toml:",
    ]


def test_streamlits_options_in_a_file_that_is_not_toml(tmp_path: Path) -> None:
    found = draft(make(tmp_path, {"app.py": STREAMLIT, ".streamlit/config.toml": "base ="}))
    assert "service" not in tomllib.loads(found.text)
    assert [note for note in found.notes if "config.toml" in note]


def test_streamlits_options_beside_another_app(tmp_path: Path) -> None:
    found = draft(make(tmp_path, {"app.py": FLASK, ".streamlit/config.toml": "[theme]\nbase = 'dark'\n"}))
    assert "service" not in tomllib.loads(found.text)


def test_an_older_version_in_a_folder_of_its_own_is_not_served(tmp_path: Path) -> None:
    """Even if uWSGI could serve that, and not the application beside it."""
    dash = PROJECTS["dash"][1]
    found = draft(
        make(tmp_path, {"app.py": dash, "legacy/run_flask.py": FLASK, "requirements.txt": "dash\n"})
    )
    assert {".".join(each.key): each.value for each in found.findings}[
        "wsgi"
    ] == "debonair_wsgi:application"


def test_the_application_beside_an_example_is_served(tmp_path: Path) -> None:
    found = draft(
        make(tmp_path, {"web/hello.py": FLASK, "examples/app.py": FLASK, "requirements.txt": "flask\n"})
    )
    assert {".".join(each.key): each.value for each in found.findings}["wsgi"] == "web.hello:app"
