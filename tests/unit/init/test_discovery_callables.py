from __future__ import annotations

from pathlib import Path

import pytest

from debonair.init.discovery.callables import Callables
from debonair.init.discovery.candidate import Candidate
from debonair.init.discovery.code import modules
from debonair.project import reader

FLASK = "from flask import Flask\n"


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def found(root: Path, **files: str) -> list[Candidate]:
    """What is found in files; two underscores in their names are a slash, and ``.py`` is at their end."""
    named = {f"{name.replace('__', '/').replace('/init', '/__init__')}.py": files[name] for name in files}
    return Callables(modules(make(root, named))[0]).candidates()


def entries(root: Path, **files: str) -> list[str]:
    return [item.entry for item in found(root, **files)]


@pytest.mark.parametrize(
    ("code", "entry", "what"),
    [
        (f"{FLASK}app = Flask(__name__)", "m:app", "Flask"),
        ("import flask\nsite = flask.Flask('x')", "m:site", "Flask"),
        ("import flask as f\napp: object = f.Flask('x')", "m:app", "Flask"),
        (f"{FLASK}def create_app():\n    app = Flask('x')\n    return app", "m:create_app()", "Flask"),
        (f"{FLASK}def build(debug=False):\n    return Flask('x')", "m:build()", "Flask"),
        (f"{FLASK}class Site(Flask): ...\napp = Site('x')", "m:app", "Flask"),
        (f"{FLASK}app = Flask('x')\napp = ProxyFix(app, 1)", "m:app", "Flask"),
        (f"{FLASK}app = Flask('x')\napplication = app.wsgi_app", "m:application", "Flask"),
        (f"{FLASK}if True:\n    app = Flask('x')\nelse:\n    app = None", "m:app", "Flask"),
        (f"{FLASK}try:\n    app = Flask('x')\nexcept OSError:\n    raise", "m:app", "Flask"),
        ("from bottle import Bottle\napp = Bottle()", "m:app", "Bottle"),
        ("import bottle\napp = bottle.default_app()", "m:app", "Bottle"),
        ("import falcon\napp = falcon.API()", "m:app", "Falcon"),
        (
            "from pyramid.config import Configurator\nc = Configurator()\napp = c.make_wsgi_app()",
            "m:app",
            "Pyramid",
        ),
        ("import web\napp = web.application((), globals()).wsgifunc()", "m:app", "web.py"),
        ("import gluon.main\napplication = gluon.main.wsgibase", "m:application", "web2py"),
        ("import dash\nd = dash.Dash()\nserver = d.server", "m:server", "Dash"),
        ("def application(environ, start_response): ...", "m:application", "a WSGI function"),
        ("@Request.application\ndef app(request): ...", "m:app", "Werkzeug's Request.application"),
        (
            "class S:\n    def __call__(self, environ, start_response): ...\napp = S()",
            "m:app",
            "the class S",
        ),
        ("def create_app():\n    return elsewhere()", "m:create_app()", "a factory, by its name"),
    ],
)
def test_what_is_made(code: str, entry: str, what: str, tmp_path: Path) -> None:
    first = found(tmp_path, m=code)[0]
    assert (first.entry, first.what, first.wsgi, first.path) == (entry, what, True, "m.py")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("from fastapi import FastAPI\napp = FastAPI()", "FastAPI"),
        ("import tornado.web\napp = tornado.web.Application([])", "Tornado"),
        ("async def app(scope, receive, send): ...", "an ASGI function"),
    ],
)
def test_what_wsgi_cannot_serve(code: str, what: str, tmp_path: Path) -> None:
    (only,) = found(tmp_path, m=code)
    assert (only.what, only.wsgi, only.where) == (what, False, f"m.py:{len(code.splitlines())}")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()",
        f"{FLASK}if __name__ == '__main__':\n    app = Flask('x')",
        f"{FLASK}def helper():\n    app = Flask('x')\n",
        f"{FLASK}def create_app(settings):\n    return Flask('x')",
        f"{FLASK}def _make():\n    return Flask('x')",
        "def create_app():\n    pass",
        "app = 'flask'",
        "def __call__(self, environ): ...",
    ],
)
def test_what_is_none(code: str, tmp_path: Path) -> None:
    assert entries(tmp_path, m=code) == []


@pytest.mark.parametrize(
    "extension",
    [
        "from raven.contrib.flask import Sentry\nsentry = Sentry(app)",
        "from raven.contrib import flask as raven_flask\nsentry = raven_flask.Sentry(app, dsn='')",
        "from flask_limits.middleware import LimitMiddleware\nlimits = LimitMiddleware(app)",
    ],
)
def test_an_extension_wraps_nothing(extension: str, tmp_path: Path) -> None:
    assert entries(tmp_path, m=f"{FLASK}app = Flask('x')\n{extension}\n") == ["m:app"]


def test_an_extension_that_another_module_hands_on(tmp_path: Path) -> None:
    parts = {"extensions": "from raven.contrib.flask import Sentry\n"}
    app = f"{FLASK}from extensions import Sentry\napp = Flask('x')\nsentry = Sentry(app)\n"
    assert entries(tmp_path, app=app, **parts) == ["app:app"]


def test_a_wrapper_of_the_same_name_is_served(tmp_path: Path) -> None:
    code = f"{FLASK}from raven.middleware import Sentry\napp = Flask('x')\napplication = Sentry(app)\n"
    assert entries(tmp_path, m=code) == ["m:application"]


def test_a_factory_that_wants_arguments(tmp_path: Path) -> None:
    make(tmp_path, {"m.py": f"{FLASK}def make(*, name):\n    return Flask(name)\n"})
    assert Callables(modules(tmp_path)[0]).unusable() == ["m.py:2: make() needs arguments"]


def test_an_object_goes_before_a_factory_and_what_wraps_before_what_is_wrapped(tmp_path: Path) -> None:
    found_entries = entries(
        tmp_path,
        guestbook__init=f"{FLASK}def create_app():\n    return Flask('x')\n",
        serve="from guestbook import create_app\napp = create_app()\napplication = app\n",
    )
    assert found_entries == ["serve:application", "guestbook:create_app()"]


def test_names_that_are_handed_on_are_followed(tmp_path: Path) -> None:
    assert entries(
        tmp_path,
        a__init="from .b import *\nfrom .b import make\n",
        a__b="from .c.d import make\n",
        a__c__init="",
        a__c__d=f"{FLASK}def make():\n    return Flask('x')\n",
        run="import a\napp = a.make()\n",
    ) == ["run:app", "a.c.d:make()"]


def test_the_file_for_servers_goes_first_though_it_only_imports(tmp_path: Path) -> None:
    assert entries(
        tmp_path,
        app=f"{FLASK}app = Flask('x')\n",
        passenger_wsgi="from app import app as application\n",
        other__wsgi="from somewhere import app\n",
    ) == ["passenger_wsgi:application", "other.wsgi:app", "app:app"]


def test_what_a_package_makes_its_own_goes_first(tmp_path: Path) -> None:
    for line in ("from .core import *\n", "from .core import app\n"):
        assert (
            entries(
                tmp_path,
                bin__init=line,
                bin__core=f"{FLASK}app = Flask('x')\n",
                bin__a=f"{FLASK}app = Flask('x')\n",
            )[0]
            == "bin.core:app"
        )


def test_a_function_of_wsgi_that_is_a_part_of_an_application(tmp_path: Path) -> None:
    code = "def redirect(environ, start_response): ...\n"
    assert entries(tmp_path, m=code) == ["m:redirect"]
    assert entries(tmp_path, m=code, n="def my_app(environ, start_response): ...\n") == ["n:my_app"]


def test_importing_finds_a_line(tmp_path: Path) -> None:
    make(tmp_path, {"m.py": "import os\nimport web.http\n"})
    known = Callables(modules(tmp_path)[0])
    assert (known.importing("web"), known.importing("bottle"), known.what("m:x")) == ("m.py:2", "", "")


class TestModules:
    def test_what_is_not_the_apps(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            dict.fromkeys(
                ["a.py", "b/c.py", "tests/x.py", ".venv/x.py", "test_x.py", "setup.py", "1.py",
                 "b/node_modules/x.py",
                 "mine/pyvenv.cfg", "mine/x.py"],
                "",
            ),
        )  # fmt: skip
        assert [module.name for module in modules(tmp_path)[0]] == ["a", "b.c"]

    def test_src_is_where_modules_are_imported_from(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            {"src/a/__init__.py": "from . import x\nfrom .y import z", "src/a/b.py": "from . import q"},
        )
        first, second = modules(tmp_path)[0]
        assert (first.name, first.names) == ("a", {"x": "a.x", "z": "a.y.z"})
        assert (second.name, second.names) == ("a.b", {"q": "a.q"})

    def test_what_cannot_be_parsed(self, tmp_path: Path) -> None:
        make(tmp_path, {"old.py": "print 'x'\n", "zero.py": "x = 1\0"})
        found_modules, broken = modules(tmp_path)
        assert found_modules == []
        assert broken[0].startswith("old.py:1: Missing parentheses")
        assert broken[1].startswith("zero.py:")

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        make(tmp_path, {"big.py": "#" * (reader.MOST + 1)})
        assert modules(tmp_path)[1] == [
            f"big.py is larger than {reader.MOST >> 10} KiB, the limit for such a file"
        ]
