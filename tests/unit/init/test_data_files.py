"""What the package leaves out of the folders that an app writes, and what it ships as the first data."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import FLASK, draft, make

from debonair import project
from debonair.init import model
from debonair.init.model import Draft
from debonair.tree import app_files

APP = f"{FLASK}import os\nos.makedirs('{{0}}', exist_ok=True)\n"


def found(root: Path, folder: str, *paths: str, **files: str) -> tuple[Draft, list[str]]:
    """Return the proposal for an app that writes ``folder``, and its files that ship."""
    texts = {
        "app.py": APP.format(folder),
        "requirements.txt": "flask\n",
        **dict.fromkeys(paths, "x"),
        **files,
    }
    proposed = draft(make(root, texts))
    model.write(proposed)
    shipped = [file.path for file in app_files.collect(project.load(root))]
    return proposed, [path for path in shipped if path.startswith(f"{folder}/")]


@pytest.mark.parametrize("folder", ["media", "static/uploads", "logs", "user_uploads", "var/cache", "tmp"])
def test_the_data_of_one_machine_is_left_out(folder: str, tmp_path: Path) -> None:
    proposed, shipped = found(tmp_path, folder, f"{folder}/2024/a.jpg", f"{folder}/b.txt")
    assert shipped == []
    (note,) = (
        note for note in proposed.notes if note.startswith(f"The package leaves out 2 files in {folder}, ")
    )
    assert f"remove /{folder}/* from 'exclude'" in note
    assert project.load(tmp_path).writable == (f"{folder}/",)


def test_other_folders_are_the_first_data_and_that_is_said(tmp_path: Path) -> None:
    proposed, shipped = found(tmp_path, "scores", "scores/best.json")
    assert shipped == ["scores/best.json"]
    (note,) = (note for note in proposed.notes if note.startswith("The package has 1 file in scores, "))
    assert 'exclude = ["/scores/*"]' in note


def test_what_git_ignores_is_left_out(tmp_path: Path) -> None:
    ignored = {".gitignore": "scores/*\n!/scores/.keep\n"}
    proposed, shipped = found(tmp_path, "scores", "scores/best.json", **ignored)
    assert shipped == []
    assert any("because git ignores them" in note for note in proposed.notes)


def test_an_empty_folder_needs_no_word(tmp_path: Path) -> None:
    proposed, _ = found(tmp_path, "media", "media/.gitkeep", "media/a.log", "media/__pycache__/x")
    assert not any("in media" in note for note in proposed.notes)
    assert not any(each.key == ("exclude",) for each in proposed.findings)


def test_a_file_with_secrets_is_excluded_as_well(tmp_path: Path) -> None:
    ini = {"uwsgi.ini": "[uwsgi]\nmodule = app:app\nenv = API_TOKEN=swordfish\n"}
    proposed, shipped = found(tmp_path, "media", "media/a.jpg", **ini)
    (exclude,) = (each.value for each in proposed.findings if each.key == ("exclude",))
    assert exclude == ["/uwsgi.ini", "/media/*"]
    assert shipped == []


@pytest.mark.parametrize(
    "name",
    [
        "debug.log", "a/error.log.1", "app.db-wal", "app.sqlite3-journal", "web.pid", "nohup.out",
        "celerybeat-schedule.db", "celerybeat-schedule",
    ],
)  # fmt: skip
def test_files_of_earlier_runs_are_left_out(name: str, tmp_path: Path) -> None:
    found(tmp_path, "scores", name, "a/login.html")
    shipped = [file.path for file in app_files.collect(project.load(tmp_path))]
    assert name not in shipped
    assert "a/login.html" in shipped


def test_nginx_cannot_serve_a_folder_that_the_app_writes(tmp_path: Path) -> None:
    site = (
        "server {\n  location /media/ { alias /home/pi/x/media/; }\n"
        "  location /static/ { alias /home/pi/x/static/; }\n"
        "  location / { proxy_pass http://[::1]:8000; }\n}\n"
    )
    files = {"book.nginx": site, "static/a.css": ""}
    proposed, _ = found(tmp_path, "media", "media/a.jpg", **files)
    assert project.load(tmp_path).static == {"/static/": "static"}
    (note,) = (note for note in proposed.notes if "nginx served" in note)
    assert note.startswith("book.nginx:2: nginx served /media/ from media, which the app writes. ")
