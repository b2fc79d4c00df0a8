"""What starts an app elsewhere: command lines, a Procfile, an app.json, a runtime.txt, a Dockerfile."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from debonair.errors import ProjectError
from debonair.init.imports import commandline, dockerfile, files, heroku
from debonair.init.imports.account import Imported


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("gunicorn app:app", {"wsgi": "app:app"}),
        ("gunicorn myproject.wsgi --log-file -", {"wsgi": "myproject.wsgi:application"}),
        ("exec gunicorn -b 0.0.0.0:$PORT 'app:create_app()'", {"wsgi": "app:create_app()"}),
        (
            "FLASK_ENV=x poetry run gunicorn --preload app:app -t 90 --threads=8",
            {"wsgi": "app:app", "uwsgi": {"harakiri": 90, "threads": 8}},
        ),
        ("python -m gunicorn app:app --timeout 0", {"wsgi": "app:app"}),
        ("echo up && gunicorn app:app", {"wsgi": "app:app"}),
        ("MODE=fast gunicorn app:app", {"wsgi": "app:app", "service": {"environment": {"MODE": "fast"}}}),
        ("waitress-serve --port=80 --call app:create_app", {"wsgi": "app:create_app()"}),
        ("waitress-serve app:app", {"wsgi": "app:app"}),
        ("flask --app web:app run", {"wsgi": "web:app"}),
        ("gunicorn --access-logfile - app:app", {"wsgi": "app:app"}),
        ("gunicorn --access-logfile - --error-logfile - app:app", {"wsgi": "app:app"}),
        ("gunicorn app:app --log-file -", {"wsgi": "app:app"}),
        ("gunicorn -w4 app:app", {"wsgi": "app:app"}),
        ("gunicorn -w4 -t90 app:app", {"wsgi": "app:app", "uwsgi": {"harakiri": 90}}),
        ("gunicorn -Dw4 app:app", {"wsgi": "app:app"}),
        ("gunicorn -b0.0.0.0:80 --backlog -1 app:app", {"wsgi": "app:app"}),
        ("gunicorn --reload --no-sendfile --capture-output app:app", {"wsgi": "app:app"}),
        ("gunicorn --threads ²  app:app", {"wsgi": "app:app"}),
        ("gunicorn app:app > log 2>&1", {"wsgi": "app:app"}),
        ("waitress-serve --no-ipv6 --expose-tracebacks app:app", {"wsgi": "app:app"}),
        ("flask --debug --app web:app run", {"wsgi": "web:app"}),
    ],
)  # fmt: skip
def test_what_a_command_line_says(line: str, settings: dict[str, Any]) -> None:
    assert commandline.read(line).settings == settings


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("gunicorn -k uvicorn.workers.UvicornWorker main:app", "uvicorn serves ASGI"),
        ("uvicorn main:app", "uvicorn serves ASGI"),
        ("flask run", "a development server; uWSGI serves the app instead"),
        ("python app.py", "a development server; uWSGI serves the app instead"),
        ("python manage.py runserver", "a development server; uWSGI serves the app instead"),
        ("node server.js", "starts no server that Debonair knows"),
        ("gunicorn 'app", "starts no server"),
        ("waitress-serve", ""),
    ],
)
def test_what_it_does_not(line: str, why: str) -> None:
    assert why in commandline.read(line).why


class TestProcfile:
    def test_every_line_is_accounted_for(self, tmp_path: Path) -> None:
        path = tmp_path / "Procfile"
        path.write_text(
            "# ours\nweb: gunicorn app:app -t 9\n\nrelease: flask db upgrade\nmail_er: python mail.py\n"
        )
        found = heroku.procfile(path, tmp_path)
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"harakiri": 9},
            "migrate": 'cd "$VIRTUAL_ENV/../app" && flask db upgrade',
            "workers": {"mail-er": "python mail.py"},
        }
        assert [(account.line, account.became) for account in found.accounts] == [
            (2, "wsgi, uwsgi.harakiri"),
            (4, "migrate"),
            (5, "workers.mail-er"),
        ]

    def test_of_another_folder(self, tmp_path: Path) -> None:
        (tmp_path / "Procfile").write_text("gunicorn\n")
        with pytest.raises(
            ProjectError, match=r"Procfile, line 1: 'gunicorn' is not of the form NAME: COMMAND\."
        ):
            heroku.procfile(tmp_path / "Procfile", tmp_path / "app")

    @pytest.mark.parametrize("name", ["_", "-x-", "A_b"])
    def test_a_worker_has_a_name_for_a_unit(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "Procfile").write_text(f"{name}: python x.py\n")
        (worker,) = heroku.procfile(tmp_path / "Procfile", tmp_path).settings["workers"]
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", worker)

    def test_a_line_of_no_form(self, tmp_path: Path) -> None:
        (tmp_path / "Procfile").write_text("web: x\ngunicorn\n")
        with pytest.raises(ProjectError) as caught:
            heroku.procfile(tmp_path / "Procfile", tmp_path)
        assert caught.value.message == "Procfile, line 2: 'gunicorn' is not of the form NAME: COMMAND."


class TestAppJson:
    def test_everything(self, tmp_path: Path) -> None:
        path = tmp_path / "app.json"
        path.write_text(
            '{\n"description": "Signs  books",\n"env": {\n"MODE": "fast",\n"LEVEL": {"value": "3"},\n'
            '"SECRET_KEY": {"generator": "secret"},\n"OTHER": {"description": "x"}\n}}\n'
        )
        found = heroku.app_json(path, tmp_path)
        assert found.settings == {
            "description": "Signs books",
            "service": {"environment": {"MODE": "fast", "LEVEL": "3"}},
        }
        told = [(account.line, account.became, account.why) for account in found.accounts]
        assert told[:3] == [
            (2, "description", ""),
            (4, "service.environment.MODE", ""),
            (5, "service.environment.LEVEL", ""),
        ]
        assert "each Pi creates its own, in /etc/APP/env" in told[3][2]
        assert told[4][2] == "each Pi has its own: sudo APP env set OTHER=..."

    @pytest.mark.parametrize("text", ["[]", "{}", '{"env": []}'])
    def test_nothing(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "app.json").write_text(text)
        assert heroku.app_json(tmp_path / "app.json", tmp_path).settings == {}

    def test_no_json(self, tmp_path: Path) -> None:
        (tmp_path / "app.json").write_text('{\n"env": }\n')
        with pytest.raises(ProjectError, match=r"app\.json, line 2: "):
            heroku.app_json(tmp_path / "app.json", tmp_path)


@pytest.mark.parametrize(
    ("text", "settings", "why"),
    [
        ("python-3.11.4\n", {"targets": ["bookworm-arm64", "bookworm-amd64"]}, "bookworm"),
        ("python-3.13.1", {}, "the Python of Debian 13, the default"),
        ("python-2.7.18", {}, "no Debian has it"),
        ("pypy", {}, "no Debian has it"),
    ],
)
def test_a_runtime(text: str, settings: dict[str, Any], why: str, tmp_path: Path) -> None:
    (tmp_path / "runtime.txt").write_text(text)
    found = heroku.runtime(tmp_path / "runtime.txt", tmp_path)
    assert found.settings == settings
    assert why in found.accounts[0].why


class TestDockerfile:
    def read(self, root: Path, text: str) -> dict[int, tuple[str, str]]:
        (root / "Dockerfile").write_text(text)
        self.found = dockerfile.read(root / "Dockerfile", root)
        return {account.line: (account.became, account.why) for account in self.found.accounts}

    @pytest.mark.parametrize(
        "text",
        [
            "CMD gunicorn app:app",
            'CMD ["gunicorn", "app:app"]',
            'CMD ["sh", "-c", "gunicorn app:app"]',
            'ENTRYPOINT ["gunicorn"]\nCMD ["app:app"]',
            "CMD flask run\ncmd gunicorn \\\n  # ours\n  app:app",
        ],
    )
    def test_what_is_started(self, text: str, tmp_path: Path) -> None:
        self.read(tmp_path, f"FROM python:3.12\n{text}\n")
        assert self.found.settings == {"wsgi": "app:app"}

    def test_variables_and_packages(self, tmp_path: Path) -> None:
        told = self.read(
            tmp_path,
            "FROM python\nENV MODE=fast LEVEL='3 4'\nENV OLD form\nENV PORT=80\nENV DATA=/data\n"
            "ENV X=$MODE\nENV API_TOKEN=x\nENV A='\nRUN apt-get update && apt-get install -y libjpeg-dev\n",
        )
        assert self.found.settings == {
            "service": {"environment": {"MODE": "fast", "LEVEL": "3 4", "OLD": "form"}}
        }
        assert told[4] == ("", "PORT is only for the container")
        assert told[5] == ("", "/data is a path in the container; the app's data is in /var/lib/APP")
        assert told[6] == ("", "X is only for the container")
        assert "a secret" in told[7][1]
        assert "'depends'" in told[9][1]


class TestFiles:
    def test_where_they_are_looked_for(self, tmp_path: Path) -> None:
        names = {
            "Procfile": "", "app.json": "", "runtime.txt": "", "Dockerfile": "",
            "deploy/app.ini": "[uwsgi]\n",
            "setup.ini": "[other]\n", "deploy/Dockerfile": "", "conf/nginx.conf": "", "site.uwsgi.yaml": "",
            "sites-available/book": "server {\n}\n", "README": "A server\n", "web.nginx": "",
        }  # fmt: skip
        for name, text in names.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        assert [path.relative_to(tmp_path).as_posix() for path in files.find(tmp_path)] == [
            "runtime.txt", "app.json", "Dockerfile", "Procfile", "conf/nginx.conf", "sites-available/book",
            "web.nginx", "deploy/app.ini", "site.uwsgi.yaml",
        ]  # fmt: skip

    def test_one_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def deny(*_: object) -> int:
            raise PermissionError(13, "denied")

        (tmp_path / "x.ini").write_text("[uwsgi]\n")
        monkeypatch.setattr(os, "open", deny)
        assert files.find(tmp_path) == []

    def test_what_is_not_imported(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match="There is no file"):
            files.read(tmp_path / "uwsgi.ini", tmp_path)
        (tmp_path / "app.py").write_text("")
        with pytest.raises(
            ProjectError, match=r"app\.py is not a kind of file that 'debonair init' imports\."
        ):
            files.read(tmp_path / "app.py", tmp_path)

    def test_the_right_reader(self, tmp_path: Path) -> None:
        (tmp_path / "uwsgi.ini").write_text("[uwsgi]\nharakiri = 9\n")
        assert files.read(tmp_path / "uwsgi.ini", tmp_path).settings["uwsgi"] == {"harakiri": 9}


class TestVariables:
    """The variables of a Dockerfile, and its volumes, which are the folders of the data."""

    def read(self, root: Path, text: str) -> Imported:
        (root / "Dockerfile").write_text(text)
        return dockerfile.read(root / "Dockerfile", root)

    @pytest.mark.parametrize(
        ("volume", "value", "kept"),
        [
            ("VOLUME /data", "/data", "/var/lib/APP"),
            ("VOLUME /data", "/data/a/b.cfg", "/var/lib/APP/a/b.cfg"),
            ('VOLUME ["/logs", "/data/"]', "/data/", "/var/lib/APP"),
            ("VOLUME /logs /data", "sqlite:////data/app.db", "sqlite:////var/lib/APP/app.db"),
            ("ARG place=/data\nVOLUME $place", "${place}/x", "/var/lib/APP/x"),
        ],
    )
    def test_the_folder_of_the_data(self, volume: str, value: str, kept: str, tmp_path: Path) -> None:
        found = self.read(tmp_path, f"FROM python\n{volume}\nENV DATA={value}\n")
        assert found.settings == {"service": {"environment": {"DATA": kept}}}
        assert [(each.became, each.why) for each in found.accounts] == [
            ("service.environment.DATA", f"{kept}, the app's data")
        ]

    @pytest.mark.parametrize(
        ("volume", "value"),
        [
            ("VOLUME /data", "/data/../etc/x"),
            ("VOLUME /data", "/database"),
            ("VOLUME /", "/data"),
            ("VOLUME [", "/data"),
            ("VOLUME $place", "$place"),
            ("VOLUME data", "data"),
        ],
    )
    def test_no_folder_of_the_data(self, volume: str, value: str, tmp_path: Path) -> None:
        found = self.read(tmp_path, f"FROM python\n{volume}\nENV DATA={value}\n")
        assert "/var/lib" not in str(found.settings)

    @pytest.mark.parametrize("line", ["PATH=/data/bin", "API_TOKEN=/data/token"])
    def test_no_variable_for_the_folder_of_the_data(self, line: str, tmp_path: Path) -> None:
        found = self.read(tmp_path, f"FROM python\nVOLUME /data\nENV {line}\n")
        assert found.settings == {}

    @pytest.mark.parametrize("name", ["HOME", "USER", "PUID"])
    def test_variables_of_the_user(self, name: str, tmp_path: Path) -> None:
        found = self.read(tmp_path, f"FROM python\nENV {name}=1\n")
        assert found.settings == {}
        assert [each.why for each in found.accounts] == ["the service runs as its own user"]


class TestStages:
    """Only the last stage of a Dockerfile is what ran, with those that it is made from."""

    TEXT = (
        'FROM python AS base\nENV KEPT=1\nCMD ["flask", "run"]\n'
        "FROM node AS assets\nENV LOST=1\nCMD node server.js\nRUN apt-get install -y npm\n"
        "FROM --platform=linux/arm64 Base\nENV MORE=2\n"
    )

    def read(self, text: str, root: Path) -> Imported:
        (root / "Dockerfile").write_text(text)
        return dockerfile.read(root / "Dockerfile", root)

    def test_what_another_stage_says(self, tmp_path: Path) -> None:
        found = self.read(self.TEXT + "ENTRYPOINT gunicorn app:app\n", tmp_path)
        assert found.settings == {
            "service": {"environment": {"KEPT": "1", "MORE": "2"}},
            "wsgi": "app:app",
        }
        told = {account.line: (account.became, account.why) for account in found.accounts}
        assert (
            told[5] == told[6] == told[7] == ("", "it belongs to a stage that the last stage does not use")
        )

    def test_what_the_stage_below_says(self, tmp_path: Path) -> None:
        text = self.TEXT.replace('["flask", "run"]', "gunicorn app:app")
        assert self.read(text, tmp_path).settings["wsgi"] == "app:app"

    def test_arguments_and_program_of_one_stage(self, tmp_path: Path) -> None:
        text = 'FROM x\nCMD ["app:app"]\nENTRYPOINT ["gunicorn"]\n'
        assert self.read(text, tmp_path).settings["wsgi"] == "app:app"

    @pytest.mark.parametrize("end", ["EOF", '"EOF"', "-EOF"])
    def test_what_a_command_reads(self, end: str, tmp_path: Path) -> None:
        text = f"FROM x\nRUN <<{end} cat && echo $((1 << 2))\nENV LOST=1\nEOF\nENV KEPT=1\n"
        assert self.read(text, tmp_path).settings == {"service": {"environment": {"KEPT": "1"}}}
