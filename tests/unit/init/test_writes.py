from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from drafts import FLASK, draft, make

from debonair.init.discovery import writes
from debonair.init.discovery.code import modules

HERE = "import os\nfrom pathlib import Path\nHERE = os.path.dirname(os.path.abspath(__file__))\n"
BASE = "from pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\n"


def find(root: Path, *, paths: tuple[str, ...] = (), **code: str) -> dict[str, str]:
    """Return the paths that the setting has, each with the place that writes it."""
    for name, text in code.items():
        file = root / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    found, _ = modules(root)
    findings, places, _ = writes.find(root, found)
    if not findings:
        assert not places
        return {}
    assert [(each.key, each.name) for each in findings] == [(("writable",), "data beside the code")]
    parts = [part.partition(" writes ") for part in findings[0].where.split(", ")]
    where = {path: place for place, _, path in parts}
    assert set(where.values()) <= places
    assert list(findings[0].value) == sorted(where)
    return where


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("import os\nos.mkdir('logs')", "logs", 2),
        ("import os\nif not os.path.exists('logs'):\n    os.makedirs('./logs/')", "logs", 3),
        ("from os import makedirs\nmakedirs('a/b', exist_ok=True)", "a/b", 2),
        ("from pathlib import Path\nPath('data').mkdir(exist_ok=True)", "data", 2),
        ("from pathlib import Path\n(Path('data') / 'x').mkdir()", "data/x", 2),
        ("import os\nos.mkdir('logs.d')", "logs.d/", 2),
        ("with open('state.json', 'w') as f:\n    pass", "state.json", 1),
        ("open(mode='ab', file=1) or open('data/x.bin', mode='ab')", "data/x.bin", 1),
        ("from pathlib import Path\nPath('x.txt').write_text('')", "x.txt", 2),
        ("from pathlib import Path\nPath('x.txt').open('a')", "x.txt", 2),
        ("from pathlib import Path\nPath('x.txt').touch()", "x.txt", 2),
        ("import logging\nlogging.FileHandler('app.log')", "app.log", 2),
        ("import logging\nlogging.FileHandler('logs/app.log')", "logs", 2),
        ("import logging\nlogging.basicConfig(filename='app.log')", "app.log", 2),
        ("from logging.handlers import RotatingFileHandler as R\nR('log/a.log')", "log", 2),
        ("L = {'h': {\n'class': 'logging.FileHandler',\n'filename': 'a/b.log'}}", "a", 1),
        ("import sqlite3\nDB = 'notes.db'\ndef db():\n    return sqlite3.connect(DB)", "notes.db", 4),
        ("import sqlite3\nsqlite3.connect('data/notes.db')", "data/notes.db", 2),
        ("URI = 'sqlite:///app.db?timeout=3'", "app.db", 1),
        (f"{HERE}URI = 'sqlite:///' + os.path.join(HERE, 'app.db')", "app.db", 4),
        (f"{HERE}URI = os.environ.get('URL') or 'sqlite:///' + os.path.join(HERE, 'app.db')", "app.db", 4),
        (f"{HERE}URI = f'sqlite+aiosqlite:///{{HERE}}/var/app.db'", "var/app.db", 4),
        (f"{HERE}open(HERE + '/x.txt', 'w')", "x.txt", 4),
        (f"{HERE}open(f'{{HERE}}/out/{{name}}.txt', 'w')", "out", 4),
        (f"{HERE}open(os.path.join(HERE, 'out', name), 'w')", "out", 4),
        (f"{HERE}D = os.environ.get('DATA', os.path.join(HERE, 'd'))\nos.mkdir(D)", "d", 5),
        (f"{HERE}open('out/%s.csv' % name, 'w')", "out", 4),
        (f"{HERE}os.mkdir(os.path.join(os.getcwd(), 'cache'))", "cache", 4),
        (f"{HERE}Path.cwd().joinpath('cache').mkdir()", "cache", 4),
        (f"{HERE}UP = Path(__file__).with_name('up')\nUP.mkdir()", "up", 5),
        ("UPLOAD_FOLDER = 'static/uploads'", "static/uploads", 1),
        ("app.config['UPLOAD_FOLDER'] = 'static/uploads'", "static/uploads", 1),
        ("app.config.update(UPLOAD_FOLDER='up')", "up", 1),
        (
            f"{HERE}app.config['D'] = 'd/e'\ndef f(n):\n    open(os.path.join(app.config['D'], n), 'wb')",
            "d/e",
            6,
        ),
        ("class A:\n    def f(self):\n        self.p = 'x.txt'\n        open(self.p, 'w')", "x.txt", 4),
        ("import shelve\nshelve.open('data/shelf')", "data", 2),
        ("import shelve\nshelve.open('data/shelf.db')", "data", 2),
        ("import dbm\ndbm.open('data/x.db', 'c')", "data", 2),
        ("import dbm.gnu\ndbm.gnu.open('data/x', flag='n')", "data", 2),
        ("import os\nT = 'd/a.json.tmp'\nopen(T, 'w')\nos.replace(T, 'd/a.json')", "d", 4),
        ("import os\ndef f(n):\n    os.rename(n, 'd/a.json')", "d", 3),
        ("import shutil\nshutil.move(name, 'd/a.json')", "d", 2),
        ("import shutil\nshutil.move(name, 'inbox')", "inbox", 2),
        ("from pathlib import Path\nP = Path('d/a.json')\nP.with_suffix('.t').replace(P)", "d", 3),
        ("from pathlib import Path\nPath('d/a.tmp').rename('d/a')", "d", 2),
        ("import tempfile\ntempfile.NamedTemporaryFile('w', dir='d', delete=False)", "d", 2),
    ],
)
def test_what_an_app_writes_beside_its_code(text: str, path: str, line: int, tmp_path: Path) -> None:
    assert find(tmp_path, m=text) == {path: f"m.py:{line}"}


@pytest.mark.parametrize(
    "text",
    [
        "open('settings.json')",
        "open('settings.json', 'r')",
        "open('/tmp/x', 'w')",
        "open('../x', 'w')",
        "open(name, 'w')",
        "import tempfile\nopen(tempfile.mktemp(), 'w')\nT = tempfile.mkdtemp()\nopen(T + '/x', 'w')",
        "import os\nos.makedirs(os.environ['STATE_DIRECTORY'] + '/logs')",
        f"{HERE}D = os.environ.get('STATE_DIRECTORY', HERE)\nos.mkdir(os.path.join(D, 'x'))",
        f"{HERE}D = os.environ.get('STATE_DIRECTORY') or HERE\nos.mkdir(os.path.join(D, 'x'))",
        "import os\nos.makedirs(app.instance_path)",
        "import os\nos.makedirs(os.path.expanduser('~/x'))",
        "import os\nos.makedirs('~/x')",
        "from flask import Flask\nimport sqlite3\nsqlite3.connect('instance/x.db')",
        "import flask_sqlalchemy\nURI = 'sqlite:///app.db'",  # it is in Flask's instance folder
        "URI = 'sqlite:////srv/app.db'\nMEMORY = 'sqlite://'",
        "import sqlite3\nsqlite3.connect(':memory:')",
        "import sqlite3\nsqlite3.connect('file:x?mode=ro', uri=True)",
        "if __name__ == '__main__':\n    open('x.txt', 'w')",
        f"{HERE}open(os.path.join(HERE, name), 'w')",  # any file of the project
        "open(__file__, 'a')",
        "open('counter', 'w')",  # a file, or a folder?
        "A = B\nB = A\nopen(A, 'w')",
        "UPLOAD_FOLDER = 'static'",
        "UPLOAD_FOLDER = 'email'",  # a module of Python
    ],
)
def test_what_it_writes_elsewhere_or_only_reads(text: str, tmp_path: Path) -> None:
    assert find(tmp_path, m=text) == {}


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import shelve\nshelve.open('shelf')", ["shelf"]),
        ("import shelve\nshelve.open('shelf.db')", ["shelf.db"]),
        ("import os\nopen('a.tmp', 'w')\nos.replace('a.tmp', 'a.json')", ["a.tmp", "a.json"]),
        ("from pathlib import Path\nPath('a.tmp').replace('a.json')", ["a.tmp", "a.json"]),
        (f"{HERE}os.replace(os.path.join(HERE, 'x.new'), os.path.join(HERE, 'x'))", ["x.new", "x"]),
    ],
)
def test_a_file_that_is_replaced_needs_a_folder_of_its_own(
    code: str, files: list[str], tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(code)
    findings, places, notes = writes.find(tmp_path, modules(tmp_path)[0])
    assert (findings, places) == ([], set())
    (note,) = notes
    assert all(f"{name} (app.py:" in note for name in files)
    assert "folder of their own" in note


@pytest.mark.parametrize(
    "code",
    [
        "import dbm\ndbm.open('x')",
        "import dbm\ndbm.open('x', 'r')",
        "import shelve\nshelve.open('x', flag='r')",
        "'a b'.replace('a', 'b')",
        "table.rename(columns={'a': 'b'})",
        "import os\nos.replace('/tmp/a', '/tmp/b')",
    ],
)
def test_what_replaces_no_file_of_the_project(code: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(code)
    assert writes.find(tmp_path, modules(tmp_path)[0]) == ([], set(), [])


def test_paths_from_other_modules(tmp_path: Path) -> None:
    found = find(
        tmp_path,
        shop__config=f"{BASE}class Config:\n    UPLOADS = BASE_DIR / 'media'\nDB = BASE_DIR / 'var/x.db'\n",
        shop__files="import os\nfrom shop.config import Config\nos.makedirs(Config.UPLOADS)\n",
        shop__data="import sqlite3\nfrom .config import DB\nc = sqlite3.connect(DB)\n",
    )
    assert found == {"media": "shop/files.py:3", "var/x.db": "shop/data.py:3"}


def test_the_root_path_of_a_flask_app_is_the_folder_of_its_package(tmp_path: Path) -> None:
    found = find(
        tmp_path,
        shop____init__="from flask import Flask\napp = Flask(__name__)\n",
        shop__views="import os\nfrom flask import current_app\n"
        "def save(f):\n    f.save(os.path.join(current_app.root_path, 'static', 'up', f.name))\n"
        "    os.makedirs(os.path.join(current_app.root_path, 'static/up'))\n",
    )
    assert found == {"shop/static/up": "shop/views.py:5"}


def test_the_database_of_django(tmp_path: Path) -> None:
    text = (
        f"{BASE}DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3',\n"
        "'NAME': BASE_DIR / 'db.sqlite3'}}\nMEDIA_ROOT = BASE_DIR / 'media'\n"
    )
    assert find(tmp_path, mysite__settings=text) == {
        "db.sqlite3": "mysite/settings.py:3",
        "media": "mysite/settings.py:5",
    }


def test_a_folder_with_code_cannot_be_written(tmp_path: Path) -> None:
    text = "import os\nos.makedirs('shop', exist_ok=True)\nopen('shop/x.json', 'w')\nopen('shop/n', 'w')\n"
    assert find(tmp_path, m=text, shop__models="") == {"shop/x.json": "m.py:3"}


def test_a_folder_includes_its_files(tmp_path: Path) -> None:
    text = "import os\nopen('data/x.json', 'w')\nos.makedirs('data')\n"
    assert find(tmp_path, m=text) == {"data": "m.py:3"}


def test_a_file_without_an_extension_that_the_project_has(tmp_path: Path) -> None:
    assert find(tmp_path, paths=("counter",), m="open('counter', 'w')") == {"counter": "m.py:1"}


class TestProposal:
    APP = "from flask import Flask\napp = Flask(__name__)\nDB = 'sqlite:///app.db'\n"

    def test_it_is_in_the_settings_with_the_reason(self, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"app.py": self.APP, "requirements.txt": "flask\n"}))
        assert tomllib.loads(found.text)["writable"] == ["app.db"]
        assert "# app.py:3 writes app.db" in found.text
        assert not [note for note in found.notes if "STATE_DIRECTORY" in note]

    def test_scripts_that_the_app_does_not_import_do_not_count(self, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "make_data.py": "open('data.json', 'w')\n", "requirements.txt": "flask\n"}
        assert "writable" not in draft(make(tmp_path, files)).text

    def test_a_wheel_has_no_files_of_the_app(self, tmp_path: Path) -> None:
        text = "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['flask']\n"
        code = f"{self.APP}from importlib.metadata import version\nversion('shop')\n"
        found = draft(make(tmp_path, {"shop/__init__.py": code, "pyproject.toml": text}))
        assert 'install = "wheel"' in found.text
        assert "writable" not in found.text
        assert [note for note in found.notes if "STATE_DIRECTORY" in note]

    def test_djangos_database_needs_no_change(self, tmp_path: Path) -> None:
        settings = f"{BASE}DATABASES = {{\n'default': {{'ENGINE': 'django.db.backends.sqlite3',\n"
        files = {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n",
            "mysite/__init__.py": "",
            "mysite/settings.py": f"{settings}'NAME': BASE_DIR / 'db.sqlite3'}}}}\n",
            "mysite/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
            "application = get_wsgi_application()\n",
            "requirements.txt": "django\n",
        }
        found = draft(make(tmp_path, files))
        assert tomllib.loads(found.text)["writable"] == ["db.sqlite3"]
        assert not [note for note in found.notes if "beside the code" in note]
