from __future__ import annotations

import re
from pathlib import Path

import pytest

from debonair import project
from debonair.errors import ProjectError

SETTINGS = """\
package = "notes"
version = "1.0"
maintainer = "Ada <ada@example.org>"
description = "Notes"
wsgi = "app:app"
"""


def load(root: Path, *paths: str, more: str = "") -> tuple[str, ...]:
    (root / "app.py").write_text("app = 1\n")
    listed = ", ".join(f"'{path}'" for path in paths)
    (root / "debonair.toml").write_text(f"{SETTINGS}writable = [{listed}]\n{more}")
    return project.load(root).writable


def test_a_path_is_what_it_is_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "logs.d").mkdir()
    (tmp_path / "counter").touch()
    assert load(tmp_path, "logs.d", "counter") == ("counter", "logs.d/")


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("logs", "logs/"),
        ("./logs//", "logs/"),
        ("static/uploads", "static/uploads/"),
        (".cache", ".cache/"),
        ("app.db", "app.db"),
        ("var/app.sqlite3", "var/app.sqlite3"),
        ("data.d/", "data.d/"),
    ],
)
def test_a_path_that_does_not_exist_yet(path: str, plain: str, tmp_path: Path) -> None:
    assert load(tmp_path, path) == (plain,)


def test_a_path_in_a_writable_folder_is_not_needed(tmp_path: Path) -> None:
    assert load(tmp_path, "data/app.db", "data", "database", "data") == ("data/", "database/")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/var/lib/notes", "is not relative"),
        ("../data", "leads out of the project"),
        ("data/../../x", "leads out of the project"),
        (".", "is the whole project"),
        ("./", "is the whole project"),
        ("", "is the whole project"),
        ("*.db", "is not the path of one file or folder"),
        ("app.py", "is code"),
        ("data/fast.so", "is code"),
        ("x.pyc", "is code"),
    ],
)
def test_what_cannot_lead_to_the_data(path: str, why: str, tmp_path: Path) -> None:
    message = re.escape(f"debonair.toml: 'writable' has '{path}', which {why}")
    with pytest.raises(ProjectError, match=message) as refused:
        load(tmp_path, path)
    assert 'writable = ["logs", "app.db"]' in refused.value.hint


def test_a_file_has_nothing_below_it(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"has 'app.db/x/', but 'app.db' is a file"):
        load(tmp_path, "app.db", "app.db/x")
    (tmp_path / "counter").touch()
    with pytest.raises(ProjectError, match=r"has the folder 'counter/', but counter is a file"):
        load(tmp_path, "counter/")


@pytest.mark.parametrize("path", ["logs", "logs/deep"])
def test_a_link_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "logs").symlink_to("elsewhere")
    with pytest.raises(ProjectError, match="is a link, or in a folder that is one"):
        load(tmp_path, path)


def test_it_needs_the_files_of_a_web_application(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="they come from a wheel") as refused:
        load(tmp_path, "logs", more='install = "wheel"\n')
    assert 'install = "files"' in refused.value.hint
