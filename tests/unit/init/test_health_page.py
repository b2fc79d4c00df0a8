"""A page for the health check, if the app has none at /."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import make

from debonair.init.discovery import pages
from debonair.init.discovery.code import modules

FLASK = "from flask import Flask\n\napp = Flask(__name__)\n\n\n"
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI({})\n\n\n"
LIST = "@app.{}\ndef list():\n    pass\n"


def health(tmp_path: Path, text: str, **more: str) -> str | None:
    code = modules(make(tmp_path, {"app.py": text, **more}))[0]
    found = pages.health(code, code)
    return found[0].value if found else None


@pytest.mark.parametrize(
    ("routes", "page"),
    [
        (['route("/api/list")'], "/api/list"),
        (['post("/new")', 'route("/one/<int:n>")', 'get("/list/")'], "/list/"),
        (['route("/new", methods=["POST"])', 'route("/list", methods=["GET", "POST"])'], "/list"),
        (['route("/new", methods=["POST"])'], None),
        (['route("/list")', 'route("/")'], None),
        (['route("/list")', "route(ROOT)"], None),
        (['route("/list")', "errorhandler(404)"], None),
        ([], None),
    ],
)
def test_of_flask(routes: list[str], page: str | None, tmp_path: Path) -> None:
    assert health(tmp_path, FLASK + "\n\n".join(LIST.format(route) for route in routes)) == page


@pytest.mark.parametrize(
    "line",
    [
        "app.register_blueprint(Blueprint())\n@other.route('/x')\ndef x():\n    pass\n",
        "app.add_url_rule('/', view_func=list)\n",
        "Admin(app, name='book')\n",
        "Api(app=app)\n",
        "second = Flask('second')\n",
    ],
)
def test_of_flask_with_other_pages(line: str, tmp_path: Path) -> None:
    assert health(tmp_path, FLASK + LIST.format('route("/list")') + line) is None


@pytest.mark.parametrize(
    ("given", "route", "page"),
    [
        ("", 'get("/items/{id}")', "/docs"),
        ("title='x'", 'post("/items")', "/docs"),
        ("", 'get("/")', None),
        ("", 'get("")', None),
        ("docs_url=None", 'get("/items")', None),
        ("**options", 'get("/items")', None),
    ],
)
def test_of_fastapi(given: str, route: str, page: str | None, tmp_path: Path) -> None:
    assert health(tmp_path, FASTAPI.format(given) + LIST.format(route)) == page


def test_routers_of_fastapi(tmp_path: Path) -> None:
    router = "from fastapi import APIRouter\n\napp = APIRouter(prefix='/v1')\n\n\n" + LIST.format(
        'get("/x")'
    )
    assert health(tmp_path, FASTAPI.format(""), **{"items.py": router}) == "/docs"


@pytest.mark.parametrize(("path", "page"), [("/", None), ("/static", "/docs")])
def test_a_static_folder_may_have_a_page_at_the_root(path: str, page: str | None, tmp_path: Path) -> None:
    text = FASTAPI.format("") + LIST.format('get("/items")') + f'app.mount("{path}", StaticFiles())\n'
    assert health(tmp_path, text) == page


@pytest.mark.parametrize(
    ("decorators", "given", "page"),
    [
        (['get("/books")', 'post("/books")'], "", "/schema"),
        (['get("/")'], "", None),
        (["get()"], "", None),
        (['get("/books")'], ", openapi_config=None", None),
    ],
)
def test_of_litestar(decorators: list[str], given: str, page: str | None, tmp_path: Path) -> None:
    begin = f"from litestar import Litestar, get, post\n\napp = Litestar([books]{given})\n\n\n"
    routes = "\n\n".join(f"@{each}\nasync def books() -> None:\n    pass\n" for each in decorators)
    assert health(tmp_path, begin + routes) == page


def test_the_page_is_not_that_of_another_application(tmp_path: Path) -> None:
    """Such as an older version of the app in a folder of its own."""
    code = modules(
        make(tmp_path, {"app.py": "served = 1\n", "old/web.py": FLASK + LIST.format('route("/list")')})
    )[0]
    assert pages.health(code, code)
    assert pages.health(code, [each for each in code if each.path == "app.py"]) == []


@pytest.mark.parametrize("path", ["/led/on", "/open", "/door_toggle", "/pump.start"])
def test_a_page_that_may_do_something_is_not_requested(path: str, tmp_path: Path) -> None:
    assert health(tmp_path, FLASK + LIST.format(f'route("{path}")')) is None
