"""The variables that an app reads, and that nothing gives a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import FLASK, draft, make

READS = "The code reads these variables, which have no value: "


def notes(root: Path, files: dict[str, str]) -> list[str]:
    found = draft(make(root / "Shop", {"app.py": FLASK, "requirements.txt": "flask\n", **files})).notes
    return [note for note in found if "env set" in note]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nx = os.environ['MAIL']",
        "import os\nx = os.environ.get('MAIL')",
        "import os as o\nx = o.getenv('MAIL', None)",
        "from os import environ as e\ndef f(): return e['MAIL']",
        "from os import getenv\nx = getenv(key := 'MAIL') or getenv('MAIL')",
        "from decouple import config\nx = config('MAIL')",
        "import environ\nenv = environ.Env(DEBUG=(bool, False))\nx = env.str('MAIL')",
        "from environs import Env\nenv = Env()\nx = env('MAIL')",
    ],
)
def test_one_without_a_value(code: str, tmp_path: Path) -> None:
    line = code.count("\n") + 1
    assert notes(tmp_path, {"mail.py": code}) == [
        f"{READS}MAIL (mail.py:{line}). Set them on the Pi: sudo shop env set MAIL=VALUE"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nx = os.environ.get('MAIL', 'localhost')",
        "import os\nx = os.environ.get('MAIL') or 'localhost'",
        "import os\nos.environ['MAIL'] = 'x'\ny = os.environ['MAIL']",
        "import os\nos.environ.setdefault('MAIL', 'x')\ny = os.environ['MAIL']",
        "from decouple import config\nx = config('MAIL', default=False, cast=bool)",
        "import os\nx = os.environ['STATE_DIRECTORY'], os.environ['SECRET_KEY']",
        "import os\nx = os.environ.get('FLASK_ENV')",
        "x = settings.get('MAIL'), name['MAIL']",
    ],
)
def test_one_that_needs_none(code: str, tmp_path: Path) -> None:
    assert notes(tmp_path, {"mail.py": code}) == []


def test_one_that_another_file_sets(tmp_path: Path) -> None:
    files = {
        "mail.py": "import os\nx = os.environ['MAIL']\n",
        "uwsgi.ini": "[uwsgi]\nenv = MAIL=localhost\n",
    }
    assert notes(tmp_path, files) == []


def test_those_of_files(tmp_path: Path) -> None:
    files = {
        ".env": "# ours\nexport API_TOKEN=swordfish\nMAIL = localhost\nDEBUG=1\n",
        ".env.example": "OTHER=\n",
        "mail.py": "import os\nx = os.environ['MAIL']\n",
    }
    assert notes(tmp_path, files) == [
        f"{READS}MAIL (mail.py:2). Set them on the Pi: sudo shop env set MAIL=VALUE",
        (
            "These variables are not in the package: API_TOKEN (.env:2), OTHER (.env.example:1). Set them "
            "on the Pi: sudo shop env set API_TOKEN=VALUE OTHER=VALUE"
        ),
    ]


def test_many(tmp_path: Path) -> None:
    code = "import os\n" + "".join(f"x = os.environ['V{number}']\n" for number in range(20))
    (note,) = notes(tmp_path, {"mail.py": code})
    assert "V11 (mail.py:13) and 8 more. Set" in note
    assert note.count("=VALUE") == 12
