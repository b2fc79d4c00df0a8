from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from drafts import FLASK, draft, git, make, refused, told
from samples import sample_project

from debonair import project
from debonair.cli import init as init_verb
from debonair.cli import main as cli
from debonair.cli.init import ask
from debonair.errors import MachineError, ProjectError
from debonair.host.run import Completed
from debonair.init import model, report
from debonair.init.discovery import identity
from debonair.init.discovery.finding import Finding
from debonair.project import maintainer as proposal_maintainer
from debonair.project.catalogue import known
from debonair.tree.service import account

GOLDEN: Mapping[str, Mapping[str, str]] = {
    "bare": {
        "app.py": FLASK,
        "requirements.txt": "flask\n",
        "README.md": "# Guestbook\n\n[![build](x.svg)](y)\n\nA **book** to [sign](z). And more.\n",
        "static/a.css": "",
    },
    "moved": {
        "web/__init__.py": FLASK,
        "wsgi.py": "from web import app as application\n",
        "sensor.py": "import RPi.GPIO as GPIO\nimport imp\nDB = 'sqlite:///book.db'\n",
        "requirements.txt": "Flask==1.1.2\n",
        "Procfile": "web: gunicorn wsgi -w 3 --timeout 90\n"
        "release: flask db upgrade\nmails: python mails.py\n",
        "runtime.txt": "python-3.11.4\n",
        "uwsgi.ini": "[uwsgi]\nmodule = wsgi\nmaster = true\nharakiri = 20\nenv = SECRET_KEY=abc\n",
        "deploy/book": "server {\n    listen 80;\n    client_max_body_size 30m;\n"
        "    location / { include uwsgi_params; uwsgi_pass unix:/tmp/x.sock; }\n}\n",
    },
    "pyproject": {
        "pyproject.toml": '# ours\n[project]\nname = "guestbook"\nversion = "1.4"\ndescription = "A book"\n'
        'authors = [{ name = "Ada" }]\ndependencies = ["flask"]\n',
        "src/guestbook/__init__.py": "from flask import Flask\n\n\ndef create_app(config=None):\n"
        "    app = Flask(__name__)\n    return app\n",
        "src/guestbook/static/a.css": "",
    },
}  # fmt: skip


def no_git(argv: Sequence[Any], **_: object) -> Completed:
    raise MachineError(f"{argv[0]} does not exist")


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_said_and_written(
    name: str, golden: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path / "guest book", GOLDEN[name])
    monkeypatch.chdir(root)
    found = draft(root)
    model.write(found)
    golden(f"init/{name}.toml", found.file.read_text())
    printed = told(found, columns=100)
    golden(f"init/{name}.txt", printed.replace(str(root), "/home/ada/guest book"))
    loaded = project.load(root)
    assert loaded.maintainer == "Ada Lovelace <ada@example.org>"
    assert loaded.wsgi


@pytest.mark.parametrize("lock", ["pylock.toml", "uv.lock"])
def test_a_removed_module_comes_from_a_package(lock: str, tmp_path: Path) -> None:
    texts = {"app.py": f"import cgi\n{FLASK}", "requirements.txt": "flask\n", lock: ""}
    found = draft(make(tmp_path / "book", texts))
    model.write(found)
    requirements = project.load(found.root).requirements
    if lock == "uv.lock":  # which cannot have it
        assert requirements == ("flask",)
        assert any("Python 3.13 has no 'cgi'" in note for note in found.notes)
    else:
        assert requirements == ("flask", 'standard-cgi; python_version >= "3.13"')
        assert not any("cgi" in note for note in found.notes)


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_the_findings_fit_the_terminal(columns: int, tmp_path: Path) -> None:
    texts = {
        "app.py": f"{FLASK}\nimport os, logging\nos.environ['X']\nlogging.FileHandler('a/b.log')\n",
        "requirements.txt": "flask\n",
        "uwsgi.ini": f"[uwsgi]\nmodule = app:app\nenv = {'LONG_NAME_' * 4}={'word/' * 30}\n",
        "README.md": f"This is {'a description ' * 5}of it.\n",
    }
    found = draft(make(tmp_path, texts))
    _, *lines = report.found(found, columns=columns).splitlines()
    assert max(map(len, lines)) <= columns
    shown = "".join("".join(lines).split())
    for each in found.findings:
        parts = [each.name, *([str(each.value)] if isinstance(each.value, str) else [])]
        assert all(word in shown for part in parts for word in part.split() if len(word) < 20)


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    root = make(tmp_path, {"app.py": FLASK})
    model.write(draft(root))
    edited = (root / "debonair.toml").read_text().replace(
        'version = "0.1"', 'version = "7"'
    ) + "[uwsgi]\nthreads = 2\n"
    (root / "debonair.toml").write_text(edited)
    again = draft(root, ask=lambda *_: pytest.fail("nothing is to be asked"))
    assert again.present
    printed = told(again, columns=100)
    assert (
        "debonair.toml already has settings, and was not changed. These settings would have been written:"
    ) in printed
    assert f"debonair build {root}" in printed


@pytest.mark.parametrize(("end", "between"), [("\n", "\n\n"), ("", "\n\n"), ("\r\n", "\r\n\r\n")])
def test_what_stands_in_a_pyproject_stays(end: str, between: str, tmp_path: Path) -> None:
    root = make(tmp_path, {"app.py": FLASK, "elsewhere": ""})
    line_end = end or "\n"
    text = line_end.join(["# ours", "[project]", "name = 'book'  # so"]) + end
    (root / "elsewhere").write_bytes(text.encode())
    (root / "pyproject.toml").symlink_to("elsewhere")
    model.write(draft(root))
    assert (root / "pyproject.toml").is_symlink()
    written = (root / "elsewhere").read_bytes().decode()
    assert written.startswith(f"{text.rstrip()}{between}[tool.debonair]{line_end}# Written by")
    assert written.count("\n") == written.count(line_end)


def test_settings_without_a_project_table(tmp_path: Path) -> None:
    root = make(tmp_path, {"app.py": FLASK, "pyproject.toml": "[tool.debonair]\nwsgi = 'app:app'\n"})
    found = draft(root)
    assert (found.present, found.file.name) == (True, "pyproject.toml")


class TestApplication:
    def test_the_one_that_was_given(self, tmp_path: Path) -> None:
        root = make(tmp_path, {"app.py": FLASK, "other.py": "def make(): ...\n"})
        assert 'wsgi = "other:make()"' in draft(root, entry="other:make()").text
        assert 'wsgi = "elsewhere:app"' in draft(root, entry="elsewhere:app").text

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("app", "which is not the name of a WSGI callable."),
            ("app:x", "does not define it."),
            ("app:n", "a plain value"),
        ],
    )
    def test_one_that_is_none(self, entry: str, message: str, tmp_path: Path) -> None:
        assert message in refused(make(tmp_path, {"app.py": f"{FLASK}n = 1\n"}), entry=entry).message

    def test_two_that_are_as_good(self, tmp_path: Path) -> None:
        root = make(tmp_path, {"admin.py": FLASK, "public.py": FLASK})
        error = refused(root)
        assert error.message == (
            "Several applications are equally likely: admin:app (admin.py:3), public:app (public.py:3)."
        )
        assert error.hint == "Choose one: debonair init --wsgi 'admin:app'"

    def test_two_and_somebody_to_ask(self, tmp_path: Path) -> None:
        root = make(tmp_path, {"admin.py": FLASK, "public.py": FLASK, "README": "A book.\n"})
        found = draft(root, ask=lambda _, answers, default: answers[1] if answers else default)
        assert tomllib.loads(found.text)["wsgi"] == "public:app"

    def test_an_answer_that_is_none(self, tmp_path: Path) -> None:
        root = make(tmp_path, {"app.py": FLASK})
        with pytest.raises(ProjectError) as wrong:
            model.answered(draft(root, runner=no_git), lambda *_: "Ada")
        error = wrong.value
        assert error.message == "The maintainer 'Ada' is not a name and a mail address."
        assert error.hint == "Write it as in: Your Name <you@example.org>"
        assert not (root / "debonair.toml").exists()

    def test_without_an_identity_the_maintainer_has_no_default(self, tmp_path: Path) -> None:
        asked = list[tuple[str, str]]()

        def ask(
            question: str, _: Sequence[str], default: str, check: Callable[[str], str] = lambda _: ""
        ) -> str:
            asked.append((question, default))
            if "maintains" not in question:
                assert check("two\nlines") == "It has a line break."
                return default
            assert check("Max Müller") == (
                "'Max Müller' is not a name and a mail address. Write it as in: Your Name <you@example.org>"
            )
            assert not check("Max Müller <max@example.org>")
            return "Max Müller <max@example.org>"

        found = model.answered(draft(make(tmp_path, {"app.py": FLASK}), runner=no_git), ask)
        assert ("Who maintains the package (Name <mail>)?", "") in asked
        assert tomllib.loads(found.text)["maintainer"] == "Max Müller <max@example.org>"

    def test_nothing_beside_src_counts(self, tmp_path: Path) -> None:
        files = {"make_celery.py": FLASK, "src/book/__init__.py": FLASK.replace("app =", "site =")}
        assert 'wsgi = "book:site"' in draft(make(tmp_path, files)).text

    def test_a_document_is_no_site_of_nginx(self, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "PKG-INFO": "Name: book\n\n    server {\n    }\n"}
        assert draft(make(tmp_path, files)).imported.accounts == ()

    def test_what_another_tool_starts_counts_if_it_is_there(self, tmp_path: Path) -> None:
        root = make(tmp_path, {"a.py": FLASK, "b.py": FLASK, "Procfile": "web: gunicorn b:app\n"})
        found = draft(root)
        assert tomllib.loads(found.text)["wsgi"] == "b:app"
        assert found.findings[0].where == "Procfile:1 (Flask)"
        (root / "Procfile").write_text("web: gunicorn c:app\n")
        assert "Several applications are equally likely" in refused(root).message
        (root / "Procfile").write_text("web: gunicorn b:none\n")
        assert "Several applications are equally likely" in refused(root).message

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("print 'x'\n", "Python cannot read all of its code: app.py:1: Missing", "Python 2"),
            ("import os\n", "No WSGI application was found", "--wsgi MODULE:CALLABLE"),
            ("import bottle\n", "app.py:1 imports bottle", "bottle.default_app()"),
            ("import web\napp = web.application(())\n", "app.py:1 imports web", "app.wsgifunc()"),
            ("from flask import Flask\ndef f(x):\n    return Flask(x)\n", "f() needs arguments", "wsgi.py"),
        ],
    )
    def test_there_is_none(self, text: str, message: str, hint: str, tmp_path: Path) -> None:
        error = refused(make(tmp_path, {"app.py": text}))
        assert message in error.message
        assert hint in error.hint

    def test_a_command_line_tool(self, tmp_path: Path) -> None:
        text = (
            '[project]\nname = "tool"\nversion = "1"\ndescription = "X"\n'
            '[project.scripts]\ntool = "tool:main"\n'
        )
        root = make(tmp_path, {"tool.py": "def main(): ...\n", "pyproject.toml": text})
        found = draft(root)
        assert found.findings[0].value == "none: a command-line tool"
        assert found.notes[-1].startswith(
            "No application was found, so the package contains commands, but no service and no site. "
            "If a server can run the project, name the callable: debonair init --wsgi MODULE:CALLABLE"
        )
        model.write(found)
        assert project.load(root).wsgi == ""

    @pytest.mark.parametrize(
        ("text", "command"),
        [
            ("from fastapi import FastAPI\napp = FastAPI()\n", "main:app"),
            ("async def app(scope, receive, send): ...\n", "main:app"),
            (
                "from quart import Quart\ndef create_app():\n    return Quart('x')\n",
                "--factory main:create_app",
            ),
        ],
    )
    def test_one_of_asgi(self, text: str, command: str, tmp_path: Path) -> None:
        settings = tomllib.loads(draft(make(tmp_path, {"main.py": text})).text)
        assert "wsgi" not in settings
        assert settings["server"] == "command"
        assert settings["command"] == f"uvicorn --uds $SOCKET --forwarded-allow-ips '*' {command}"

    @pytest.mark.parametrize(
        ("files", "where", "note"),
        [
            ({"requirements.txt": "fastapi\nUvicorn[standard]>=0.30\n"}, "runs the server uvicorn", ""),
            ({"requirements.txt": "fastapi[standard]\n"}, "runs the server uvicorn", ""),
            ({"requirements.txt": "Litestar[jwt, Standard] >= 2\n"}, "runs the server uvicorn", ""),
            ({"requirements.txt": "nicegui\n"}, "runs the server uvicorn", ""),
            ({"requirements.txt": "quart\nuvicorn\n"}, "runs the server uvicorn", ""),
            (
                {"requirements.txt": "fastapi\n"},
                "needs uvicorn in requirements.txt",
                (
                    "requirements.txt does not list uvicorn, the server that 'command' runs. Without it, "
                    "the build fails. Add a line to requirements.txt: uvicorn"
                ),
            ),
            (
                {"requirements.txt": "fastapi\n", "pylock.toml": ""},
                "needs uvicorn in requirements.txt",
                "Add a line to requirements.txt: uvicorn. Then run 'debonair lock'.",
            ),
            (
                {"pyproject.toml": "[project]\nname = 'x'\ndependencies = ['fastapi']\n"},
                "needs uvicorn in pyproject.toml",
                'Add it in pyproject.toml: dependencies = ["uvicorn", ...]',
            ),
        ],
    )
    def test_the_server_of_asgi_is_a_requirement(
        self, files: Mapping[str, str], where: str, note: str, tmp_path: Path
    ) -> None:
        main = "from fastapi import FastAPI\napp = FastAPI()\n"
        found = draft(make(tmp_path, {"main.py": main, **files}))
        assert not [text for text in found.notes if "No application was found" in text]
        (command,) = (each for each in found.findings if each.key == ("command",))
        assert command.where == where
        notes = [text for text in found.notes if "uvicorn" in text]
        assert len(notes) == bool(note)
        assert note in "".join(notes)

    @pytest.mark.parametrize("requirement", ["quart", "Quart>=0.19", "starlette\nhypercorn"])
    @pytest.mark.parametrize(
        ("code", "served"),
        [
            ("app = quart.Quart('x')", "main:app"),
            ("def create_app():\n    return quart.Quart('x')", "'main:create_app()'"),
        ],
    )
    def test_the_server_that_comes_with_a_requirement(
        self, requirement: str, code: str, served: str, tmp_path: Path
    ) -> None:
        files = {"main.py": f"import quart\n{code}\n", "requirements.txt": f"{requirement}\n"}
        found = draft(make(tmp_path, files))
        (command,) = (each for each in found.findings if each.key == ("command",))
        assert command.value == f"hypercorn --bind unix:$SOCKET {served}"
        assert command.where == "runs the server hypercorn"
        assert not [text for text in found.notes if "uvicorn" in text]

    @pytest.mark.parametrize(
        ("code", "value"),
        [("app = web.Application()", "app"), ("async def app():\n    return web.Application()", "app()")],
    )
    def test_one_of_aiohttp(self, code: str, value: str, tmp_path: Path) -> None:
        text = f"from aiohttp import web\n{code}\n"
        found = draft(make(tmp_path, {"pkg/__init__.py": "", "pkg/main.py": text}))
        (command,) = (each for each in found.findings if each.key == ("command",))
        _, option, line = shlex.split(str(command.value))
        assert option == "-c"
        assert line == (
            "import os; from aiohttp import web; from pkg.main import app; "
            f'web.run_app({value}, path=os.environ["SOCKET"])'
        )
        assert command.where == "instead of pkg/main.py, which does not mention SOCKET"

    def test_one_of_aiohttp_that_knows_its_socket(self, tmp_path: Path) -> None:
        run = "if __name__ == '__main__':\n    web.run_app(app, path=os.environ['SOCKET'])\n"
        text = f"import os\nfrom aiohttp import web\napp = web.Application()\n{run}"
        assert tomllib.loads(draft(make(tmp_path, {"m.py": text})).text)["command"] == "python m.py"

    def test_a_file_for_asgi_has_no_wsgi(self, tmp_path: Path) -> None:
        text = "def create_application():\n    return inner()\napplication = create_application()\n"
        settings = tomllib.loads(draft(make(tmp_path, {"pkg/__init__.py": "", "pkg/asgi.py": text})).text)
        assert "wsgi" not in settings
        assert settings["command"] == (
            "uvicorn --uds $SOCKET --forwarded-allow-ips '*' pkg.asgi:application"
        )

    def test_requirements_from_imports_have_the_server_of_asgi(self, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}))
        assert found.requirements.splitlines()[1:] == [
            "fastapi  # main.py:1 imports fastapi",
            "uvicorn  # the server that 'command' runs",
        ]
        assert not [text for text in found.notes if "uvicorn" in text]

    @pytest.mark.parametrize(
        ("script", "expected"),
        [
            ("os.environ['SOCKET']", "it mentions SOCKET"),
            (
                "8888",
                "it must listen on $SOCKET: add_socket(bind_unix_socket(os.environ['SOCKET'], mode=0o660))",
            ),
        ],
    )
    def test_one_that_its_own_script_serves(self, script: str, expected: str, tmp_path: Path) -> None:
        files = {
            "m.py": "import tornado.web\napp = tornado.web.Application([])\n",
            "serve.py": f"import os\nfrom m import app\nif __name__ == '__main__':\n    serve({script})\n",
        }
        text = draft(make(tmp_path, files)).text
        assert tomllib.loads(text)["command"] == "python serve.py"
        assert f"# {expected}\n" in text

    def test_web2py_writes_where_it_must_not(self, tmp_path: Path) -> None:
        handler = "import gluon.main\nif LOG:\n    application = gluon.main.appfactory()\nelse:\n"
        root = make(tmp_path, {"wsgihandler.py": f"{handler}    application = gluon.main.wsgibase\n"})
        assert (
            "is a web2py application, which keeps databases, sessions and errors among its own code. "
            "On the Pi, the code's folder is read-only."
        ) in refused(root).message
        assert draft(root, entry="wsgihandler:application").findings[0].value == "wsgihandler:application"

    def test_one_that_cannot_listen_on_a_socket(self, tmp_path: Path) -> None:
        error = refused(
            make(tmp_path, {"m.py": "from robyn import Robyn\napp = Robyn(__file__)\napp.start()\n"})
        )
        assert error.message == (
            "m:app (m.py:2) is Robyn. Its server can listen only on a port, but nginx "
            "connects to a unix socket."
        )

    def test_each_other_one_is_served_or_refused(self) -> None:
        for other in known().others.values():
            assert bool(other.server) + bool(other.listens) + bool(other.lacks) == 1

    @pytest.mark.parametrize(
        ("code", "value"),
        [("app = Sanic('x')", "m:app"), ("def create_app():\n    return Sanic('x')", "m:create_app()")],
    )
    def test_one_of_sanic(self, code: str, value: str, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"m.py": f"from sanic import Sanic\n\n{code}\n"}))
        line = f"sanic '{value}' --unix $SOCKET --single-process"
        assert tomllib.loads(found.text)["command"] == line

    @pytest.mark.parametrize("code", ["app, rt = fast_app()", "app = FastHTML()"])
    def test_one_of_fasthtml(self, code: str, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"m.py": f"from fasthtml.common import *\n\n{code}\nserve()\n"}))
        assert (
            tomllib.loads(found.text)["command"] == "uvicorn --uds $SOCKET --forwarded-allow-ips '*' m:app"
        )
        assert "\npython-fasthtml  # m.py:1 imports fasthtml\n" in found.requirements

    def test_commands_beside_a_framework_without_a_callable(self, tmp_path: Path) -> None:
        text = '[project]\nname = "tool"\nversion = "1"\ndependencies = ["pyramid"]\n'
        text += '[project.scripts]\ntool = "tool:main"\n'
        code = "from pyramid.config import Configurator\ndef main(config, **settings): ...\n"
        found = draft(make(tmp_path, {"tool.py": code, "pyproject.toml": text}))
        assert found.notes[-1].startswith(
            "The package contains commands, but no service and no site. tool.py:1 imports pyramid, but "
            "creates nothing that a server can call. Write a wsgi.py: from pyramid.paster import get_app;"
        )

    def test_variables_with_the_folder_of_the_data(self, tmp_path: Path) -> None:
        docker = "FROM python\nVOLUME /data\nENV DB=sqlite:////data/app.db\n"
        settings = tomllib.loads(
            draft(make(tmp_path / "diary", {"m.py": FLASK, "Dockerfile": docker})).text
        )
        assert settings["service"]["environment"] == {"DB": "sqlite:////var/lib/diary/app.db"}

    @pytest.mark.parametrize(
        ("code", "requirements", "depends", "where"),
        [
            ("import git.objects\n", "flask\n", ["git"], "m.py:4 imports git"),
            ("", "flask\nGitPython\npypandoc\n", ["git", "pandoc"], "gitpython, a requirement"),
            ("import serial\nimport git\n", "flask\npyserial\n", ["git"], "m.py:5 imports git"),
            ("import serial\nimport git\n", "flask\n", ["git", "python3-serial"], "m.py:4 imports serial"),
        ],
    )
    def test_programs_that_packages_run(
        self, code: str, requirements: str, depends: list[str], where: str, tmp_path: Path
    ) -> None:
        found = draft(make(tmp_path, {"m.py": FLASK + code, "requirements.txt": requirements}))
        (finding,) = (each for each in found.findings if each.key == ("depends",))
        assert (finding.value, finding.where) == (depends, where)

    def test_a_module_of_the_app_is_no_package(self, tmp_path: Path) -> None:
        files = {"m.py": f"{FLASK}import git\n", "git.py": "", "requirements.txt": "flask\n"}
        assert "depends" not in draft(make(tmp_path, files)).text

    def test_no_folder(self, tmp_path: Path) -> None:
        assert "There is no folder" in refused(tmp_path / "none").message


class TestIdentity:
    @pytest.mark.parametrize(
        ("folder", "package"),
        [
            ("My App", "my-app"),
            ("Größe_2", "grosse-2"),
            ("Mein Chät", "mein-chat"),
            ("Smørrebrød & Łódź", "smorrebrod-lodz"),
            ("中文", "app"),
            ("x", "app-x"),
            ("...", "app"),
            ("falcon-4.4.0", "falcon-4-4-0"),
            ("a" * 30 + "-b", "a" * 30),
        ],
    )
    def test_a_name_of_the_folder(self, folder: str, package: str) -> None:
        found = identity.package(Path("/home") / folder, {}, "")
        assert (found.value, found.key) == (package, ("package",))

    @pytest.mark.parametrize(
        ("name", "package", "why"),
        [
            ("nginx", "my-nginx", "'nginx' is the name of a user or group of a Debian package"),
            ("mail", "my-mail", "'mail' is the name of a user or group of every Debian"),
            ("Pi", "my-pi", "'pi' is the name of a user or group of Raspberry Pi OS"),
            ("python3", "my-python3", "'python3' is the name of a system folder in /etc, /run, "),
            ("3d-printer", "app-3d-printer", "'3d-printer' does not begin with a letter"),
            ("3" * 40, f"app-{'3' * 27}", "does not begin with a letter"),
        ],
    )
    def test_a_name_that_build_refuses_is_changed(self, name: str, package: str, why: str) -> None:
        for found in (
            identity.package(Path("/home") / name, {}, ""),
            identity.package(Path("/x"), {"name": name}, "pyproject.toml"),
        ):
            assert (found.value, found.key) == (package, ("package",))
            assert why in found.where
            account.check(sample_project(package=found.value))

    def test_a_name_that_is_none(self) -> None:
        assert identity.package(Path("/x"), {"name": "a"}, "setup.py").value == "app-a"
        assert identity.package(Path("/x"), {"name": "Guest.Book"}, "setup.py").key == ()

    @pytest.mark.parametrize(
        ("readme", "line"),
        [
            ("# Guestbook\n", "Guestbook"),
            ("Guestbook\n=========\n\nA book to sign.\n", "A book to sign"),
            ("# Gb\n\n```\ncode here\n```\n> quote\n\n- a list\n", "Gb"),
            ("<p>html</p>\n![x](y)\nIt signs: well.\n", "It signs"),
            ("a" * 40 + " " + "b" * 60, "a" * 40),
            ("\n", "The web application book"),
        ],
    )
    def test_a_description_of_the_readme(self, readme: str, line: str, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text(readme)
        assert identity.description(tmp_path, {}, "book", "").value == line

    def test_who_maintains_it(self, tmp_path: Path) -> None:
        def who(environ: Mapping[str, str], runner: identity.Runner) -> str:
            return str(identity.maintainer(tmp_path, {}, "", environ, runner).value)

        debian = {"DEBFULLNAME": "Grace", "DEBEMAIL": "grace@example.org"}
        assert who(debian, git) == "Ada Lovelace <ada@example.org>"
        assert who(debian, no_git) == "Grace <grace@example.org>"
        assert who(debian, lambda *_, **__: Completed(1, "", "")) == "Grace <grace@example.org>"
        guess = identity.maintainer(tmp_path, {}, "", {}, no_git)
        assert guess.guessed
        assert "@" in guess.value

    def test_a_version_that_is_none(self, tmp_path: Path) -> None:
        found = identity.version(tmp_path, {"version": "first"}, {}, "setup.py")
        assert (found.value, found.where) == ("0.1", "setup.py has 'first', which is not a version")

    @pytest.mark.parametrize(
        ("requires_python", "targets"),
        [
            (">=3.8,<3.12", ["bookworm-arm64", "bookworm-amd64"]),
            (">=3.14", ["forky-arm64", "forky-amd64"]),
            (">=3.8", None),
            ("<3", None),
            ("any", None),
        ],
    )
    def test_the_targets_that_its_python_allows(
        self, requires_python: str, targets: list[str] | None
    ) -> None:
        found = identity.targets({"requires-python": requires_python}, "setup.py")
        assert [item.value for item in found] == ([targets] if targets else [])


class TestNotes:
    def test_requirements_that_cannot_be_read(self, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"app.py": FLASK, "requirements.txt": "../x\n"}))
        assert found.notes[0].startswith("requirements.txt, line 1: '../x' is a folder")

    def test_what_this_python_cannot_read(self, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"app.py": FLASK, "old.py": "print 'x'\n"}))
        assert found.notes[1].startswith("Not read: old.py:1: Missing parentheses")

    def test_an_app_that_asks_for_its_version(self, tmp_path: Path) -> None:
        text = f"{FLASK}from importlib.metadata import version\nversion('book')\n"
        found = draft(make(tmp_path, {"app.py": text, "setup.py": "setup(name='book')\n"}))
        assert 'install = "wheel"' in found.text

    def test_what_setup_py_says_stays_there(self, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "setup.py": "setup(name='book', version='1', description='B')\n"}
        found = draft(make(tmp_path, {**files, "app.json": '{"description": "Other"}'}))
        assert set(tomllib.loads(found.text)) == {"maintainer", "wsgi"}


class TestRequirements:
    """What is proposed if nothing says what the app needs."""

    def test_they_are_what_the_app_imports(self, tmp_path: Path) -> None:
        text = (
            "import os, yaml\nimport RPi.GPIO\nfrom helper import x\nimport lib_here\n"
            "try:\n    import simplejson\nexcept ImportError:\n    simplejson = None\n"
            "def read():\n    from some_thing.deep import y\n"
        )
        files = {
            "app.py": FLASK + text,
            "helper.py": "import jwt\n",
            "train.py": "import tensorflow\n",
            "lib/lib_here.py": "",
            "uwsgi.ini": "[uwsgi]\nmodule = app:app\npythonpath = lib\n",
        }
        root = make(tmp_path, files)
        found = draft(root)
        model.write(found)
        assert (root / "requirements.txt").read_text() == (
            "# Written by 'debonair init' from the app's imports. You can edit it.\n"
            "flask  # app.py:1 imports flask\n"
            "pyjwt  # helper.py:1 imports jwt\n"
            "pyyaml  # app.py:4 imports yaml\n"
            "some-thing  # app.py:13 imports some_thing; a guess from the module's name\n"
        )
        assert found.notes[0].startswith(
            "No file lists the app's dependencies. Debonair wrote requirements.txt from the app's "
            "imports; check it before you build."
        )
        assert "Written to requirements.txt:\n\n    # Written by" in report.text(found, columns=100)
        assert project.load(root).requirements == ("flask", "pyjwt", "pyyaml", "some-thing")

    def test_what_django_names_counts(self, tmp_path: Path) -> None:
        files = {
            "site_/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'site_.settings'\n"
            "application = get_wsgi_application()\n",
            "site_/settings.py": "INSTALLED_APPS = ['django.contrib.admin', 'rest_framework', 'polls']\n",
            "polls/models.py": "from PIL import Image\n",
        }
        found = draft(make(tmp_path, files))
        names = [line.split()[0] for line in found.requirements.splitlines()[1:]]
        assert names == ["django", "djangorestframework", "pillow"]

    @pytest.mark.parametrize(
        "name", ["requirements.txt", "requirements/base.txt", "Pipfile", "poetry.lock", "pylock.toml"]
    )
    def test_what_is_said_is_left_alone(self, name: str, tmp_path: Path) -> None:
        assert draft(make(tmp_path, {"app.py": FLASK, name: ""})).requirements == ""

    def test_an_app_without_any(self, tmp_path: Path) -> None:
        text = "def application(environ, start_response):\n    return []\n"
        assert draft(make(tmp_path, {"app.py": text})).requirements == ""

    def test_a_pyproject_that_says_none(self, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "pyproject.toml": "[project]\nname = 'book'\n"}
        found = draft(make(tmp_path, files))
        assert found.requirements == ""
        assert found.notes[0] == (
            "pyproject.toml lists no dependencies, but app.py:1 imports flask. If nothing else "
            'installs it, add it there: dependencies = ["flask"]'
        )


class TestVerb:
    def run(self, *words: str, answers: str = "") -> str:
        done = CliRunner().invoke(cli.main, ["init", *words], input=answers)
        assert done.exit_code == 0, done.output
        return done.output

    def test_it_writes_and_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            identity,
            "maintainer",
            lambda *_: Finding("maintainer", "A <a@b.c>", "", ("maintainer",)),
        )
        root = make(tmp_path, {"app.py": FLASK, "extra.ini": "[uwsgi]\nharakiri = 9\n"})
        output = self.run(str(root), "--yes", "--import", str(root / "extra.ini"), "--wsgi", "app:app")
        assert "Written to debonair.toml:" in output
        assert tomllib.loads((root / "debonair.toml").read_text())["uwsgi"] == {"harakiri": 9}
        assert (
            "already has settings, and was not changed. These settings would have been written"
            in self.run(str(root))
        )

    def test_an_answer_that_does_not_fit_is_asked_again(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(proposal_maintainer, "of", lambda *_, **__: ("", ""))
        monkeypatch.setattr(init_verb, "interactive", lambda: True)
        root = make(tmp_path, {"app.py": FLASK, "README.md": "A book.\n"})
        output = self.run(str(root), answers="\nMax Müller\nMax Müller <max@example.org>\n")
        assert "'Max Müller' is not a name and a mail address. Write it as in: Your Name" in output
        written = tomllib.loads((root / "debonair.toml").read_text())
        assert written["maintainer"] == "Max Müller <max@example.org>"
        assert output.count("Who maintains the package") == 3
        assert output.index("Found in") < output.index("Who maintains") < output.index("Written to")

    def test_questions_are_numbered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[str] = []
        monkeypatch.setattr(click, "echo", lambda text, **_: lines.append(text))
        monkeypatch.setattr(click, "prompt", lambda *_, default, **__: default)
        assert ask("Which?", ["a", "b"], "b") == "b"
        assert lines == ["  1  a", "  2  b"]
        assert ask("What?", (), "x") == "x"
