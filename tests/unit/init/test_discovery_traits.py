from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from debonair.init.discovery import traits
from debonair.init.discovery.code import Module, modules
from debonair.init.discovery.finding import Finding

FLASK = "from flask import Flask\n"


def code(root: Path, **files: str) -> Sequence[Module]:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return modules(root)[0]


def values(findings: Sequence[Finding]) -> dict[str, Any]:
    return {".".join(found.key): found.value for found in findings}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("import os\n\ndef load():\n    import psutil\n", "app.py:4 imports psutil"),
        ("from psutil import cpu_percent\n", "app.py:1 imports psutil.cpu_percent"),
        ("import os\nprint(os.getloadavg())\n", "app.py:2 calls os.getloadavg"),
        ("print(open('/proc/meminfo').read())\n", "app.py:1 reads /proc/meminfo"),
        ("import os\nos.system('grep Serial /proc/cpuinfo')\n", "app.py:2 reads /proc/cpuinfo"),
    ],
)
def test_it_reads_the_state_of_the_machine(text: str, where: str, tmp_path: Path) -> None:
    (found,) = traits.proc(code(tmp_path, app=text))
    assert (found.key, found.value, found.where) == (("service", "proc"), "all", where)


@pytest.mark.parametrize(
    "text", ["import psutils\n", "open('/proc/self/status')\n", "'/proc/statistics'\n"]
)
def test_it_reads_only_its_own(text: str, tmp_path: Path) -> None:
    assert traits.proc(code(tmp_path, app=text)) == []


class TestHardware:
    def test_libraries_of_debian(self, tmp_path: Path) -> None:
        found, notes = traits.hardware(
            code(
                tmp_path, app="import RPi.GPIO as GPIO\n", a__b="def f():\n    from smbus2 import SMBus\n"
            ),
            (),
        )
        assert values(found) == {
            "hardware": ["gpio", "i2c"],
            "depends": ["python3-rpi-lgpio", "python3-smbus2"],
            "system-site-packages": True,
        }
        assert found[0].where == "app.py:1 imports RPi.GPIO"
        assert notes[0].startswith("app.py:1 loads a library of the board when the app starts.")
        assert notes[1].startswith("Debian packages: python3-rpi-lgpio, python3-smbus2.")

    def test_libraries_of_the_requirements(self, tmp_path: Path) -> None:
        found, notes = traits.hardware(
            code(tmp_path, app="try:\n    import smbus2\nexcept ImportError:\n    pass\n"), ("smbus2",)
        )
        assert values(found) == {"hardware": ["i2c"]}
        assert notes == []

    def test_several_places(self, tmp_path: Path) -> None:
        _, notes = traits.hardware(
            code(tmp_path, a="import spidev\nfrom gpiozero import LED\n"), ("spidev", "gpiozero")
        )
        assert notes[0].startswith("a.py:1 (and 1 more) loads")

    @pytest.mark.parametrize("required", [(), ("rpi-gpio",), ("rpi-lgpio", "lgpio")])
    def test_no_index_has_pins_for_a_pi_5(self, required: tuple[str, ...], tmp_path: Path) -> None:
        found, _ = traits.hardware(code(tmp_path, app="import RPi.GPIO\n"), required)
        assert values(found)["depends"] == ["python3-rpi-lgpio"]

    def test_gpiozero_opens_pins_through_another_library(self, tmp_path: Path) -> None:
        found, _ = traits.hardware(code(tmp_path, app="import gpiozero\n"), ("gpiozero",))
        assert values(found)["depends"] == ["python3-lgpio"]
        found, _ = traits.hardware(code(tmp_path, app="import gpiozero\n"), ())
        assert values(found)["depends"] == ["python3-gpiozero", "python3-lgpio"]

    def test_none(self, tmp_path: Path) -> None:
        assert traits.hardware(code(tmp_path, app="import os\nfrom . import serial\n"), ()) == ([], [])


class TestStatic:
    @pytest.mark.parametrize(
        ("call", "folder", "expected"),
        [
            ("Flask(__name__)", "web/static", {"static./static/": "web/static"}),
            ("Flask(__name__, static_folder='files')", "web/files", {"static./files/": "web/files"}),
            ("Flask(__name__, static_url_path='/s')", "web/static", {"static./s/": "web/static"}),
            ("Flask(__name__, static_folder='../x')", "x", {}),
            ("Flask(__name__, static_folder=None)", "web/static", {}),
            ("Flask(__name__, static_folder=FOLDER)", "web/static", {}),
            ("Flask(__name__, static_url_path='')", "web/static", {}),
            ("Flask(__name__)\nadmin = Flask('x')", "web/static", {}),
            ("Flask(__name__)", "elsewhere", {}),
        ],
    )
    def test_of_flask(self, call: str, folder: str, expected: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / folder / "css").mkdir(parents=True)
        (tmp_path / folder / "css/a.css").write_text("x")
        assert (
            values(traits.static(code(tmp_path, web__app=f"{FLASK}app = {call}\n"), tmp_path)) == expected
        )

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        (tmp_path / "static").mkdir()
        assert traits.static(code(tmp_path, app=f"{FLASK}app = Flask('x')\n"), tmp_path) == []


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"manage.py": "os.environ['DJANGO_SETTINGS_MODULE']"}, "python manage.py migrate --noinput"),
        ({"migrations/alembic.ini": ""}, "flask db upgrade"),
        ({"migrations/env.py": "", "app.py": "import flask_migrate"}, "flask db upgrade"),
        ({"alembic.ini": ""}, "alembic upgrade head"),
        ({"production.ini": "[app:main]\nx = 1\n[alembic]\n"}, "alembic -c production.ini upgrade head"),
        ({"manage.py": "", "migrations/env.py": ""}, ""),
    ],
)
def test_migrations(files: dict[str, str], command: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = values(traits.migrations(modules(tmp_path)[0], tmp_path))
    assert found == ({"migrate": f'cd "$VIRTUAL_ENV/../app" && {command}'} if command else {})


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("import imp", ["m.py:1: Python 3.12 has no 'imp'; instead: importlib."]),
        ("def f():\n    import cgi.x", [("m.py:2: Python 3.13 has no 'cgi'; "
            "instead: email.message, or the package legacy-cgi.")]),
        ("from collections import Mapping", [("m.py:1: Python 3.10 has no 'collections.Mapping'; "
            "instead: import it from collections.abc.")]),
        ("from flask.ext.login import x", [("m.py:1: current releases have no 'flask.ext'; "
            "instead: import flask_login for flask.ext.login, and so on.")]),
        ("import important\nfrom collections import OrderedDict", []),
        ("x = 'sqlite:////var/lib/x.db'\ny = 'sqlite:///:memory:'\nz = 'sqlite:///'", []),
    ],
)  # fmt: skip
def test_traps(text: str, notes: list[str], tmp_path: Path) -> None:
    assert traits.traps(code(tmp_path, m=text), (3, 13)) == notes


def test_traps_of_a_later_python(tmp_path: Path) -> None:
    assert traits.traps(code(tmp_path, m="import cgi\nimport imp\n"), (3, 11)) == []


def test_a_database_beside_the_code(tmp_path: Path) -> None:
    (note,) = traits.traps(code(tmp_path, m="import os\nx = 'sqlite:///app.db'\n"), (3, 13))
    assert note.startswith(
        "m.py:2: 'sqlite:///app.db' seems to be beside the code, which is read-only on the Pi. Store "
        'data in os.environ["STATE_DIRECTORY"].'
    )
    assert "STATE_DIRECTORY" in note


HERE = "import os, sqlite3\nHERE = os.path.dirname(os.path.abspath(__file__))\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import sqlite3\nc = sqlite3.connect('notes.db')", 2),
        ("from sqlite3 import connect\ndef db():\n    return connect('data/notes.db')", 3),
        ("import sqlite3\nDB = 'notes.db'\ndef db():\n    return sqlite3.connect(DB, timeout=3)", 4),
        ("import sqlite3\nfrom pathlib import Path\nc = sqlite3.connect(Path('a') / 'b.db')", 3),
        (f"{HERE}c = sqlite3.connect(os.path.join(HERE, 'notes.db'))", 3),
        (f"{HERE}class Config:\n    URI = 'sqlite:///' + os.path.join(HERE, 'app.db')", 4),
        (f"{HERE}URI = os.environ.get('URL') or 'sqlite:///' + os.path.join(HERE, 'app.db')", 3),
        (f"{HERE}URI = f'sqlite:///{{HERE}}/app.db'", 3),
        (f"{HERE}URI = f'sqlite+aiosqlite:///{{HERE}}/app.db'", 3),
        ("DB = 'sqlite:///notes.db'", 1),
        ("import flask_sqlalchemy\nDB = 'sqlite:///notes.db'", 0),  # it is in the instance folder
        ("import sqlite3\nc = sqlite3.connect(':memory:')", 0),
        ("import sqlite3\nc = sqlite3.connect('/srv/notes.db')", 0),
        ("import sqlite3\nc = sqlite3.connect('file::memory:?cache=shared', uri=True)", 0),
        ("import sqlite3\nc = sqlite3.connect(anywhere)", 0),
        ("import sqlite3\nc = sqlite3.connect('instance/notes.db')", 0),
        (f"{HERE}c = sqlite3.connect(os.path.join(HERE, 'instance', 'notes.db'))", 0),
        (f"{HERE}DATA = os.environ.get('STATE_DIRECTORY', HERE)\nc = sqlite3.connect(DATA + '/x')", 0),
        (
            f"{HERE}D = os.environ.get('STATE_DIRECTORY', HERE)\nc = sqlite3.connect(os.path.join(D, 'x'))",
            0,
        ),
        ("import other\nother.connect('notes.db')", 0),
        (f"{HERE}URI = 'postgres://' + HERE", 0),
        ("import sqlite3\nA = B\nB = A\nc = sqlite3.connect(A)", 0),
    ],
)
def test_databases_beside_the_code(text: str, line: int, tmp_path: Path) -> None:
    notes = traits.traps(code(tmp_path, m=text), (3, 13))
    assert [note.partition(": ")[0] for note in notes] == ([f"m.py:{line}"] if line else [])
    assert not line or 'Store data in os.environ["STATE_DIRECTORY"].' in notes[0]


def test_the_configuration_in_the_instance_folder(tmp_path: Path) -> None:
    modules_ = code(tmp_path, m="from flask import Flask\n")
    assert traits.left_out(modules_, tmp_path) == []
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance/config.py").write_text("SECRET_KEY = 'x'\n")
    (note,) = traits.left_out(modules_, tmp_path)
    assert note == (
        "instance/config.py is left out of the package, because it may have secrets. The app finds it if "
        "you copy it to /var/lib/APP/config.py on the Pi."
    )
    assert traits.left_out(code(tmp_path, m="import bottle\n"), tmp_path) == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (
            "Jinja2==2.9.6",
            (
                "jinja2 2.9.6 imports modules that Python 3.10 no longer has. Require a newer jinja2, or "
                "any version."
            ),
        ),
        (
            "SQLAlchemy[asyncio] == 2.0.20",
            (
                "sqlalchemy 2.0.20 imports modules that Python 3.13 no longer has. Require a newer "
                "sqlalchemy, or any version."
            ),
        ),
        (
            "Flask==1.1.2",
            (
                "flask 1.1.2 imports modules that the current Werkzeug no longer has. Require a newer "
                "flask, or any version."
            ),
        ),
        ("Flask>=1.1.2", ""),
        ("Flask==3.0", ""),
        ("Flask==one", ""),
        ("sqlalchemy==1.4.54", ""),
    ],
)
def test_pins(line: str, note: str) -> None:
    found = traits.pins([line], (3, 13))
    assert len(found) == bool(note)
    assert "".join(found).startswith(note)


def test_pins_that_go_together_or_are_for_an_older_python() -> None:
    assert traits.pins(["flask==1.1.4", "werkzeug==1.0.1"], (3, 13)) == []
    assert traits.pins(["sqlalchemy==2.0.20"], (3, 11)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from importlib.metadata import version\nx = version('My.App')", 2),
        ("import pkg_resources\nx = pkg_resources.get_distribution(__name__)", 2),
        ("from importlib.metadata import version\nx = version('other')", 0),
        (
            (
                "try:\n    from importlib.metadata import version as v\nexcept ImportError:\n"
                "    from importlib_metadata import version as v\nx = v(__name__)"
            ),
            5,
        ),
        ("from importlib import metadata\nimport u\nx = u.package_version('my-app')", 3),
        ("x = version('my-app')", 0),
    ],
)
def test_asking_for_its_own_version(text: str, line: int, tmp_path: Path) -> None:
    expected = f"m.py:{line} reads its own version" if line else ""
    assert traits.asks_for_itself(code(tmp_path, m=text), "my-app") == expected


@pytest.mark.parametrize(
    ("text", "required", "found", "where"),
    [
        (
            "import os\nimport imghdr\n",
            (),
            ['standard-imghdr; python_version >= "3.13"'],
            "app.py:2 imports imghdr, which Python 3.13 lacks",
        ),
        (
            "from distutils.util import strtobool\n",
            (),
            ['setuptools; python_version >= "3.12"'],
            "app.py:1 imports distutils, which Python 3.12 lacks",
        ),
        (
            "import pkg_resources\n",
            (),
            ["setuptools<81"],
            "app.py:1 imports pkg_resources, which setuptools had until version 81",
        ),
        ("import pkg_resources\n", ("setuptools",), [], ""),
        ("import cgi, standard\n", ("standard-cgi",), [], ""),
        ("try:\n    import cgi\nexcept ImportError:\n    cgi = None\n", (), [], ""),
        ("import imp\nimport cgi_helper\n", (), [], ""),
    ],
)
def test_packages_that_have_removed_modules(
    text: str, required: Sequence[str], found: list[str], where: str, tmp_path: Path
) -> None:
    restored = traits.restored(code(tmp_path, app=text), (3, 13), required)
    assert [(each.key, each.value, each.where) for each in restored] == (
        [(("requirements",), found, where)] if found else []
    )


def test_modules_that_an_older_python_has(tmp_path: Path) -> None:
    assert traits.restored(code(tmp_path, app="import imghdr, distutils\n"), (3, 11), ()) == []


def test_a_restored_module_is_no_trap(tmp_path: Path) -> None:
    app = code(tmp_path, app="import imghdr, imp\n")
    assert len(traits.traps(app, (3, 13))) == 2
    (note,) = traits.traps(app, (3, 13), restored=True)
    assert "'imp'" in note
