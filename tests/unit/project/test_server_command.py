"""An app with a web server of its own: what is refused, and the files that it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import EPOCH, VERSION, sample_project

from debonair import project, target
from debonair.deb.tree import Source
from debonair.errors import ProjectError
from debonair.project import server_command
from debonair.tree import control_file, documents
from debonair.tree.service import emperor, render

TRIXIE = target.load("trixie-arm64")
LINE = "uvicorn --uds $SOCKET --forwarded-allow-ips '*' guestbook:app"
HOME = "usr/lib/guestbook/dist"
GENERATED = {
    "web.ini": f"{HOME}/vassals/web.ini",
    "server": f"{HOME}/server",
    "server.conf": f"{HOME}/nginx/server.conf",
    "release.json": f"{HOME}/release.json",
    "README.Debian": "usr/share/doc/guestbook/README.Debian",
}
SERVICE = "usr/lib/systemd/system/guestbook.service"
BARE = """\
package = "hello-pi"
version = "1.0"
maintainer = "Ada <ada@example.org>"
description = "Says hello"
"""


def sample(**changes: Any) -> project.Project:
    return sample_project(**{"wsgi": "", "command": LINE, "uwsgi": {}, **changes})


def rendered(**changes: Any) -> dict[str, Source]:
    sources = render.render(sample(**changes), TRIXIE, version=VERSION, epoch=EPOCH)
    return {source.path: source for source in sources}


def load(root: Path, more: str) -> project.Project:
    (root / "debonair.toml").write_text(BARE + more)
    (root / "app.py").write_text("app = 1\n")
    return project.load(root)


class TestSettings:
    def test_it_is_a_web_application_without_wsgi(self, tmp_path: Path) -> None:
        found = load(tmp_path, 'server = "command"\ncommand = " hypercorn --bind unix:$SOCKET app:app "')
        assert (found.wsgi, found.command) == ("", "hypercorn --bind unix:$SOCKET app:app")
        assert (found.install, found.serves, found.uwsgi) == ("files", True, {})

    @pytest.mark.parametrize(
        ("more", "message", "hint"),
        [
            ('server = "command"', "there is no 'command'", "command = "),
            ('server = "command"\ncommand = " "', "there is no 'command'", "command = "),
            ('command = "uvicorn"', "but 'server' is \"uwsgi\"", 'server = "command"'),
            ('server = "gunicorn"', "'server' is wrong", "schema"),
            (
                'server = "command"\ncommand = "x"\nwsgi = "app:app"',
                "'wsgi' is a setting for uWSGI",
                "Remove it.",
            ),
            (
                'server = "command"\ncommand = "x"\nsleep-after = "1h"',
                (
                    "'sleep-after' is a setting for uWSGI, which does not serve an app with server = "
                    '"command".'
                ),
                "The server must be able to exit and to be started by a request.",
            ),
            (
                'server = "command"\ncommand = "x"\nuwsgi.threads = 8',
                (
                    "'uwsgi.threads' is a setting for uWSGI, which does not serve an app with server = "
                    '"command".'
                ),
                "options in 'command'",
            ),
        ],
    )
    def test_what_does_not_go_together(self, more: str, message: str, hint: str, tmp_path: Path) -> None:
        with pytest.raises(ProjectError) as refused:
            load(tmp_path, more)
        assert refused.value.message.startswith("debonair.toml:")
        assert message in refused.value.message
        assert hint in refused.value.hint

    def test_debians_emperor_has_no_place_for_it(self) -> None:
        with pytest.raises(ProjectError, match=r"'tool\.debonair\.server' requires the app's own emperor"):
            emperor.of(sample(emperor="system"))


class TestLine:
    @pytest.mark.parametrize(
        "line",
        [
            "cd chat && uvicorn",
            "uvicorn; date",
            "uvicorn | tee log",
            "uvicorn &",
            "(uvicorn)",
            "DEBUG=1 uvicorn",
        ],
    )
    def test_it_is_one_program(self, line: str) -> None:
        with pytest.raises(ProjectError, match="more than one program") as refused:
            rendered(command=line)
        assert "exec" in refused.value.hint

    @pytest.mark.parametrize(
        "line", ["python3 serve.py", "uvicorn --title 'a; b' \"&\" --x=1 a:b", 'serve --to "$SOCKET" 2>&1']
    )
    def test_what_its_arguments_have_is_its_own(self, line: str) -> None:
        assert rendered(command=line)[GENERATED["server"]].data.decode().endswith(f"\nexec {line}\n")

    def test_its_quotes_are_closed(self) -> None:
        with pytest.raises(ProjectError, match="is not valid: No closing quotation"):
            rendered(command="uvicorn 'x")

    @pytest.mark.parametrize(
        ("line", "hint"),
        [
            ("uvicron chat:app", "Did you mean 'uvicorn'?"),
            ("gunicorn chat:app", "Add gunicorn to requirements.txt, then run 'debonair lock'."),
        ],
    )
    def test_a_program_that_nothing_brings(self, line: str, hint: str) -> None:
        with pytest.raises(
            ProjectError, match=r"', which no package in the app's lock installs\."
        ) as refused:
            server_command.check(
                line,
                file=Path("pyproject.toml"),
                commands={"uvicorn", "python3"},
                source="requirements.txt",
            )
        assert hint in refused.value.hint

    @pytest.mark.parametrize("line", ["uvicorn chat:app", "./serve", "env A=1 uvicorn", "caddy run"])
    def test_a_program_that_may_be_there(self, line: str) -> None:
        server_command.check(line, file=Path("pyproject.toml"), commands={"uvicorn"}, source="")


class TestFiles:
    @pytest.mark.parametrize("name", GENERATED)
    def test_generated_texts(self, name: str, golden: Callable[[str, str], None]) -> None:
        golden(f"render/command/{name}", rendered()[GENERATED[name]].data.decode())

    def test_manual(self, golden: Callable[[str, str], None]) -> None:
        golden("render/command/app.1", documents.manual(sample(), version=VERSION, epoch=EPOCH))

    def test_the_rest_is_what_every_app_has(self) -> None:
        found = rendered(workers={"mails": "python3 -m mails"})
        assert found[GENERATED["server"]].mode == 0o755
        assert f"{HOME}/nginx/uwsgi_params" not in found
        assert "FLASK_APP" not in found[f"{HOME}/commands/mails"].data.decode()
        with_uwsgi = render.render(sample_project(), TRIXIE, version=VERSION, epoch=EPOCH)
        same = {source.path: source.data for source in with_uwsgi if "systemd" in source.path}
        chown = b"# gunicorn changes the group of its socket to its own.\nSystemCallFilter=@chown\n"
        assert {path: found[path].data.replace(chown, b"") for path in same} == same
        assert [path for path in same if chown in found[path].data] == [
            f"{HOME}/systemd/guestbook.service",
            SERVICE,
        ]

    def test_it_runs_where_its_modules_are(self) -> None:
        text = rendered(install="wheel")[GENERATED["server"]].data.decode()
        assert '\ncd "$release/venv" || exit\nexec uvicorn ' in text

    def test_it_needs_no_plugin_of_uwsgi(self) -> None:
        own = control_file.control(sample(), TRIXIE, [], version=VERSION)
        assert [name for name in own.depends if "uwsgi" in name] == ["uwsgi-core"]
        assert "Its web server runs as a service" in own.description
        assert own.section == "web"
