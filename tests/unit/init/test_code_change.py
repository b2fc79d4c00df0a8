"""Changes of the author's code: only the parts that were announced, and only on request."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner
from drafts import make

from debonair.cli import init as init_verb
from debonair.cli import main as cli
from debonair.errors import ProjectError
from debonair.init.discovery import code_change, django
from debonair.init.discovery.code import modules
from debonair.init.discovery.code_change import Change
from debonair.project import maintainer

MANAGE = 'import os\n\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n'
SETTINGS = """\
# -*- coding: utf-8 -*-
\"\"\"Settings: größer.\"\"\"

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = 'django-"insecure"'  # größer
DEBUG = True  # for now
ALLOWED_HOSTS = []
INSTALLED_APPS = ["django.contrib.staticfiles"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR
        / "data"
        / "polls.sqlite3",
    }
}
STATIC_URL = "static/"
"""
EXPECTED = """\
# -*- coding: utf-8 -*-
\"\"\"Settings: größer.\"\"\"

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get('SECRET_KEY', 'django-"insecure"')  # größer
DEBUG = 'STATE_DIRECTORY' not in os.environ  # for now
ALLOWED_HOSTS = ['*']
INSTALLED_APPS = ["django.contrib.staticfiles"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ.get('STATE_DIRECTORY', BASE_DIR)) / 'polls.sqlite3',
    }
}
STATIC_URL = "static/"

STATIC_ROOT = Path(BASE_DIR) / 'staticfiles'
"""
WITH_DATA = EXPECTED.replace(
    """Path(os.environ.get('STATE_DIRECTORY', BASE_DIR)) / 'polls.sqlite3',""",
    """BASE_DIR
        / "data"
        / "polls.sqlite3",""",
)
"""The same, if 'writable' leads the database to the data folder."""


def project(root: Path, settings: str = SETTINGS) -> Path:
    files = {"manage.py": MANAGE, "mysite/settings.py": settings, "requirements.txt": "django\n"}
    wsgi = "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n"
    return make(root, {**files, "mysite/wsgi.py": wsgi, "mysite/__init__.py": ""})


def changes(root: Path) -> list[Change]:
    return django.look(root, modules(root)[0])[1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_djangos_settings(end: str, tmp_path: Path) -> None:
    root = project(tmp_path)
    file = root / "mysite/settings.py"
    file.write_text(SETTINGS.replace("\n", end), newline="")
    file.chmod(0o640)
    (made,) = code_change.make(root, changes(root))
    assert made == "mysite/settings.py: changed lines 7, 8, 9, 14 and the end."
    assert file.read_bytes().decode() == EXPECTED.replace("\n", end)
    assert file.stat().st_mode & 0o777 == 0o640
    assert changes(root) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("DEBUG = True\n", "import os\nDEBUG = 'STATE_DIRECTORY' not in os.environ\n"),
        (
            "from __future__ import annotations\nDEBUG = True\n",
            "from __future__ import annotations\nimport os\nDEBUG = 'STATE_DIRECTORY' not in os.environ\n",
        ),
        ("import os as os\nDEBUG = True", "import os as os\nDEBUG = 'STATE_DIRECTORY' not in os.environ"),
        ("import os.path\nDEBUG = (True)", "import os.path\nDEBUG = ('STATE_DIRECTORY' not in os.environ)"),
        (
            "def f():\n    import os\nif TYPE_CHECKING:\n    import os\nDEBUG = True\n",
            (
                "import os\ndef f():\n    import os\nif TYPE_CHECKING:\n    import os\n"
                "DEBUG = 'STATE_DIRECTORY' not in os.environ\n"
            ),
        ),
        (
            '"""a\x0cb\u2028c"""\nDEBUG = True\n',
            '"""a\x0cb\u2028c"""\nimport os\nDEBUG = \'STATE_DIRECTORY\' not in os.environ\n',
        ),
        ("DEBUG = True; X = 1", "import os\nDEBUG = 'STATE_DIRECTORY' not in os.environ; X = 1"),
    ],
)
def test_imports_come_first(before: str, after: str) -> None:
    (statement,) = [node for node in ast.parse(before).body if isinstance(node, ast.Assign)][:1]
    change = Change(Path("x.py"), "", "'STATE_DIRECTORY' not in os.environ", statement.value)
    assert code_change.changed(before, [change]) == after


@pytest.mark.parametrize(
    "text",
    ["from __future__ import annotations; import sys\nDEBUG = True\n", "import sys\rDEBUG = True\r"],
)
def test_a_file_that_only_its_author_can_change(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(text, newline="")
    node = next(node for node in ast.parse(text).body if isinstance(node, ast.Assign)).value
    with pytest.raises(ProjectError, match="could not be changed"):
        code_change.make(tmp_path, [Change(Path("x.py"), "", "'x' in os.environ", node)])
    assert (tmp_path / "x.py").read_bytes() == text.encode()


def test_an_invalid_result_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("x = 1\n")
    node = ast.parse("x = 1").body[0].value  # type: ignore[attr-defined]
    with pytest.raises(ProjectError, match="would not be valid Python"):
        code_change.make(tmp_path, [Change(Path("x.py"), "", "(", node)])
    assert (tmp_path / "x.py").read_text() == "x = 1\n"


def test_a_link_out_of_the_project(tmp_path: Path) -> None:
    root = project(tmp_path / "project")
    found = changes(root)
    (root / "mysite/settings.py").rename(tmp_path / "settings.py")
    (root / "mysite/settings.py").symlink_to(tmp_path / "settings.py")
    with pytest.raises(ProjectError):
        code_change.make(root, found)
    assert (tmp_path / "settings.py").read_text() == SETTINGS


class TestVerb:
    @pytest.fixture(autouse=True)
    def _without_git(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(maintainer, "of", lambda *_, **__: ("Ada <ada@example.org>", "git"))

    def run(self, *words: str, answers: str | None = None) -> str:
        done = CliRunner().invoke(cli.main, ["init", *words], input=answers, catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    def test_without_a_request_nothing_changes(self, tmp_path: Path) -> None:
        root = project(tmp_path)
        output = self.run(str(root), "--yes")
        assert "To make these changes of the Django settings, type: debonair init --patch" in output
        assert (root / "mysite/settings.py").read_text() == SETTINGS

    def test_on_request(self, tmp_path: Path) -> None:
        root = project(tmp_path)
        assert "mysite/settings.py: changed lines" in self.run(str(root), "--yes", "--patch")
        assert (root / "mysite/settings.py").read_text() == WITH_DATA
        assert 'writable = ["data/polls.sqlite3"]' in (root / "debonair.toml").read_text()

    @pytest.mark.parametrize(("answer", "expected"), [("y", WITH_DATA), ("", WITH_DATA), ("n", SETTINGS)])
    def test_a_question_at_the_end(
        self, answer: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(init_verb, "interactive", lambda: True)
        root = project(tmp_path)
        output = self.run(str(root), answers=f"Polls\n{answer}\n")
        assert output.index("Found in") < output.index("Make these 4 changes") < output.index("Next:")
        assert (root / "mysite/settings.py").read_text() == expected
