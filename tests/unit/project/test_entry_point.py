from __future__ import annotations

import re
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from debonair.errors import ProjectError
from debonair.project import entry_point

FILE = Path("/nowhere/pyproject.toml")


def check(
    root: Path, entry: str, *, installed: Collection[str] = (), python: tuple[int, int] = (3, 11)
) -> None:
    entry_point.check(entry, file=FILE, roots=[root], installed=installed, python=python)


def refused(root: Path, entry: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        check(root, entry)
    return caught.value


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        ("guestbook:app", ("guestbook", "app", False)),
        ("a.b_c.d:create_app()", ("a.b_c.d", "create_app", True)),
        ("größe:änderung", ("größe", "änderung", False)),
    ],
)
def test_split(entry: str, parts: tuple[str, str, bool]) -> None:
    assert entry_point.split(entry) == parts
    entry_point.check_syntax(entry, file=FILE, key="wsgi")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("app = 1 + 1", "app:app"),
        ("def create_app(): ...", "app:create_app()"),
        ("def application(environ, start_response): ...\napp = x", "app:application"),
        ("def application(env, respond): ...", "app:application"),
        ("def application(e, /, start_response): ...", "app:application"),
        ("def application_factory(*, debug=False): ...", "app:application_factory()"),
        ("def create_app(name): ...\nserve = make()", ""),
    ],
)
def test_a_callable_that_the_module_has_is_suggested(code: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"{code}\n")
    wrong = refused(tmp_path, "app:aplikazion" if "application" not in code else "app:zzz")
    assert wrong.hint == (f"Did you mean '{hint}'?" if hint else f"Define aplikazion in {tmp_path}/app.py.")


def test_the_name_of_the_app_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "later.py").touch()
    with pytest.raises(ProjectError) as caught:
        entry_point.check("x:app", file=FILE, roots=[tmp_path], installed=(), app="diary 1.2")
    assert caught.value.message == "pyproject.toml: 'wsgi' is 'x:app', but diary 1.2 has no module 'x'."


@pytest.mark.parametrize("entry", ["", "app", "a:b()()", "a:b ", "a..b:c", "../a:b", "a:b\n"])
def test_what_names_nothing(entry: str) -> None:
    with pytest.raises(ValueError, match=re.escape(entry) or "^$"):
        entry_point.split(entry)
    with pytest.raises(ProjectError, match=r"which is not the name of a WSGI callable\.") as caught:
        entry_point.check_syntax(entry, file=FILE, key="tool.debonair.wsgi")
    assert caught.value.message.startswith("pyproject.toml: 'tool.debonair.wsgi' is ")


@pytest.mark.parametrize(
    "code",
    [
        "app = object()",
        "app: object = object()",
        "x, (app, *y) = 1, (2, 3)",
        "def app(environ, start): ...",
        "async def app(): ...",
        "class app: ...",
        "from other import app",
        "from other import thing as app",
        "import app.part",
        "import thing as app",
        "from other import *",
        "if True:\n    app = make()",
        "try:\n    import x\nexcept ImportError:\n    app = make()",
        "with open('x') as app:\n    pass",
        "for app in range(3):\n    pass",
        "(app := 1)",
        "def __getattr__(name): ...",
        "globals()['app'] = 1",
        "def make():\n    globals()['app'] = 1\nmake()",
        "def make():\n    global app\n    app = 1\nmake()",
        "exec('app = 1')",
    ],
)
def test_whatever_may_define_it_is_accepted(code: str, tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text(code)
    check(tmp_path, "guestbook:app")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "def create_app():\n    app = 1\n    return app",
        "class Config:\n    app = 1",
        "make = lambda: (app := 1)",
        "print(app)",
        "x.app = 1",
        "def f(app): ...",
    ],
)
def test_what_does_not_define_it_is_not(code: str, tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text(code)
    error = refused(tmp_path, "guestbook:app")
    assert error.message == ("pyproject.toml: 'wsgi' names 'app', but guestbook.py does not define it.")
    assert error.hint


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("app = 'guestbook'", "a plain value"),
        ("app = None", "a plain value"),
        ("app = 1; app = {'name': 1}", "a dictionary"),
        ("if True:\n    app = f'{1}'", "a string"),
        ("app = []", "a list"),
        ("app = 1, 2", "a tuple"),
        ("app = {1}", "a set"),
    ],
)
def test_what_no_server_can_call(code: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text(f"import os\n{code}\n")
    error = refused(tmp_path, "guestbook:app")
    line = 1 + len(code.splitlines())
    assert error.message == (
        f"pyproject.toml: 'wsgi' names 'app', but line {line} of guestbook.py sets it to {kind}. "
        "No server can call that."
    )
    assert "create_app()" in error.hint


@pytest.mark.parametrize(
    "code",
    [
        "app = None\ndef start():\n    global app\n    app = make()",
        "app = None\ntry:\n    from other import app\nexcept ImportError:\n    pass",
        "app = None\nfor app in apps:\n    pass",
        "app = None\ndef app(environ, start_response): ...",
        "app = 'a'\nglobals()['app'] = make()",
    ],
)
def test_a_plain_value_that_may_be_replaced(code: str, tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text(code)
    check(tmp_path, "guestbook:app")


def test_a_close_name_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text("def create_app(): ...")
    assert refused(tmp_path, "guestbook:creat_app()").hint == "Did you mean 'guestbook:create_app'?"
    (tmp_path / "guestbook.py").write_text("def run(): ...")
    assert refused(tmp_path, "guestbook:zzz").hint.startswith("Define zzz in ")


def test_packages_and_their_modules(tmp_path: Path) -> None:
    (tmp_path / "guestbook/web").mkdir(parents=True)
    (tmp_path / "guestbook/__init__.py").write_text("app = make()")
    (tmp_path / "guestbook/web/site.py").write_text("app = make()")
    check(tmp_path, "guestbook:app")
    check(tmp_path, "guestbook.web.site:app")
    assert "no module 'guestbook.none'" in refused(tmp_path, "guestbook.none:app").message


def test_a_close_module_is_suggested(tmp_path: Path) -> None:
    for name in ("guestbook.py", "not-a-module.py", "notes.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    assert refused(tmp_path, "gestbook:app").hint == "Did you mean 'guestbook:app'?"
    assert refused(tmp_path, "zzz:app").hint == "The app's modules: guestbook."
    assert refused(tmp_path / "none", "zzz:app").hint == "The app's modules: none."


def test_what_a_dependency_brings_is_not_looked_into(tmp_path: Path) -> None:
    check(tmp_path, "flask.app:whatever", installed={"flask"})
    with pytest.raises(ProjectError, match="no module 'flask'"):
        check(tmp_path, "flask:app", installed={"flask_login"})


@pytest.mark.parametrize("code", ["def f(:\n", "x = 1\0"])
def test_a_module_that_python_cannot_read(code: str, tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text(code)
    error = refused(tmp_path, "guestbook:app")
    assert error.message.startswith(f"{tmp_path / 'guestbook.py'}: ")
    assert "Fix the syntax error on that line." in error.hint
    with pytest.raises(ProjectError):
        check(tmp_path, "guestbook:app", python=sys.version_info[:2])


def test_a_module_for_a_later_python_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "guestbook.py").write_text("soon(: syntax)\n")
    later = (sys.version_info[0], sys.version_info[1] + 1)
    check(tmp_path, "guestbook:app", python=later)


def test_nothing_is_guessed_of_an_empty_folder(tmp_path: Path) -> None:
    assert entry_point.guess(tmp_path) == ""


def test_what_may_be_served_by_its_name(tmp_path: Path) -> None:
    code = {
        "a/__init__.py": "from .web import app\ndef create_app(config=None, *, debug=False): ...\n",
        "a/web.py": "app: object = object()\ndef make_app(config): ...\nother = 1\n",
        "a/serve/wsgi.py": "def application(environ, start_response): ...\n",
        "a/old.py": "print 'app'\n",
        "a/tests/web.py": "app = 1\n",
        "a/data.txt": "app = 1\n",
        "bin-it/web.py": "app = 1\n",
        "test_a.py": "app = 1\n",
        "b.py": "def app(*, path): ...\nclass application: ...\n",
        "c.py": "def app(**settings): ...\n",
        "d.py": "app = typer.Typer()\n",
        "e.py": "app: FastAPI = FastAPI(title=1)\n",
    }
    for name, text in code.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert entry_point.candidates(tmp_path) == [
        "a.serve.wsgi:application",
        "c:app()",
        "a.web:app",
        "a:create_app()",
    ]
