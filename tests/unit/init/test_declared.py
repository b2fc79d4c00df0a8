"""Where a project declares its requirements, and which of them only Debian can provide."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import FLASK, draft, make


class TestElsewhere:
    @pytest.mark.parametrize(
        "name",
        ["src/requirements.txt", "backend/requirements.in", "requirements-prod.txt", "conf/reqs.txt"],
    )
    def test_one_is_included(self, name: str, tmp_path: Path) -> None:
        files = {
            "src/hub/__init__.py": FLASK,
            "src/hub/more.py": "import axes\n",
            name: "flask\ndjango-axes\n",
        }
        found = draft(make(tmp_path, files))
        assert found.requirements.splitlines()[1:] == [f"-r {name}"]
        needs = next(each for each in found.findings if each.name == "requirements")
        assert (needs.value, needs.where) == (["flask", "django-axes"], name)
        assert any(note.startswith(f"{name} lists the app's requirements.") for note in found.notes)

    def test_several_are_named(self, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "a/requirements.txt": "flask\n", "b/requirements.txt": "django\n"}
        found = draft(make(tmp_path, files))
        assert not found.requirements
        assert (
            "The project has several requirements files: a/requirements.txt, b/requirements.txt. Choose "
            "one, and write its name into requirements.txt: -r a/requirements.txt"
        ) in found.notes

    def test_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"app.py": FLASK, "a/requirements.txt": "\n../lib\n"}))
        assert not found.requirements
        assert any(note.startswith("a/requirements.txt, line 2: '../lib'") for note in found.notes)

    def test_a_lock_is_not_included(self, tmp_path: Path) -> None:
        lock = "flask==3.0 --hash=sha256:00\n"
        found = draft(make(tmp_path, {"app.py": FLASK, "a/requirements.txt": lock}))
        assert not found.requirements
        assert any("Move it: mv a/requirements.txt ." in note for note in found.notes)

    @pytest.mark.parametrize(
        "name", ["venv/requirements.txt", "docs/requirements.txt", "requirements-dev.txt"]
    )
    def test_of_something_else(self, name: str, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"app.py": FLASK, name: "sphinx\n"}))
        assert "flask  # app.py:1 imports flask" in found.requirements


class TestOfDebian:
    @pytest.mark.parametrize(
        ("files", "where", "name"),
        [
            ({"requirements.txt": "flask\nPicamera2>=0.3\n"}, "requirements.txt, line 2", "picamera2"),
            ({"requirements.in": "# ours\n\nrpi.libcamera\n"}, "requirements.in, line 3", "rpi-libcamera"),
            (
                {"pyproject.toml": "[project]\nname = 'x'\ndependencies = ['picamera2[gui]']\n"},
                "pyproject.toml",
                "picamera2",
            ),
        ],
    )
    def test_one_is_named(self, files: dict[str, str], where: str, name: str, tmp_path: Path) -> None:
        app = f"{FLASK}from picamera2 import Picamera2\nimport libcamera\n"
        found = draft(make(tmp_path, {"app.py": app, **files}))
        note = next(
            note for note in found.notes if note.startswith(f"{where}: The package leaves out {name}")
        )
        assert f"The Debian package python3-{name.removeprefix('rpi-')} replaces it." in note
        settings = {each.key: each.value for each in found.findings}
        assert settings["depends",] == ["python3-libcamera", "python3-picamera2"]
        assert settings["system-site-packages",] is True

    def test_one_that_nothing_imports(self, tmp_path: Path) -> None:
        found = draft(make(tmp_path, {"app.py": FLASK, "requirements.txt": "flask\nRPi.GPIO\n"}))
        assert (
            "requirements.txt, line 2: rpi-gpio does not work from the package index. Remove that line. "
            'The Debian package replaces it: depends = ["python3-rpi-lgpio"], system-site-packages = true'
        ) in found.notes

    def test_one_of_the_index_stays(self, tmp_path: Path) -> None:
        files = {"app.py": f"{FLASK}import smbus2\n", "requirements.txt": "smbus2\n"}
        found = draft(make(tmp_path, files))
        assert not [note for note in found.notes if "package index" in note]
        assert ("depends",) not in {each.key for each in found.findings}


class TestOfUwsgi:
    @pytest.mark.parametrize("requirement", ["uWSGI==2.0.21", "uwsgi", "pyuwsgi>=2"])
    def test_it_is_said(self, requirement: str, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "requirements.txt": f"flask\n{requirement}\n"}
        found = draft(make(tmp_path, files))
        name = "pyuwsgi" if "pyuwsgi" in requirement else "uwsgi"
        assert (
            f"requirements.txt, line 2: The package leaves out {name}, because Debian's uWSGI serves the "
            "app. You can remove that line."
        ) in found.notes

    @pytest.mark.parametrize("name", ["gunicorn", "waitress"])
    def test_a_server_that_is_not_used(self, name: str, tmp_path: Path) -> None:
        files = {"app.py": FLASK, "requirements.txt": f"flask\n\n{name}==20\n"}
        assert (
            f"requirements.txt, line 3: Debian's uWSGI serves the app, so the package does not need "
            f"{name}. You can remove that line."
        ) in draft(make(tmp_path, files)).notes
        make(tmp_path, {"app.py": f"{FLASK}import {name}.app\n"})
        assert not [note for note in draft(tmp_path).notes if "does not need" in note]

    def test_of_another_server(self, tmp_path: Path) -> None:
        files = {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "uwsgi\n"}
        assert not [note for note in draft(make(tmp_path, files)).notes if "leaves out" in note]
