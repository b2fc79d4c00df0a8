"""A fifo, a device or a folder in the place of a usual file is refused, and stays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from drafts import FLASK, draft, make

from debonair import project
from debonair.errors import ProjectError

SETTINGS = (
    'package = "x"\nversion = "1"\nmaintainer = "A <a@example.org>"\ndescription = "x"\nwsgi = "app:app"\n'
)
KINDS: dict[str, Callable[[Path], None]] = {
    "a fifo": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/null"),
    "a folder": Path.mkdir,
    "a link that leads to no file": lambda path: path.symlink_to("gone"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    ["requirements.txt", "requirements.in", "Pipfile", "setup.cfg", "pylock.toml", "uv.lock", "uv.toml"],
)
def test_init_and_build_refuse_it(kind: str, name: str, tmp_path: Path) -> None:
    make(tmp_path, {"app.py": FLASK})
    KINDS[kind](tmp_path / name)
    before = (tmp_path / name).lstat()
    for settings in (False, True):
        if settings:
            (tmp_path / "debonair.toml").write_text(SETTINGS)
        with pytest.raises(ProjectError) as caught:
            project.load(tmp_path) if settings else draft(tmp_path)
        assert caught.value.message == f"{tmp_path / name} is {kind}, not a file."
        assert name in caught.value.hint
    assert (tmp_path / name).lstat() == before


def test_a_fifo_in_the_place_of_the_settings(tmp_path: Path) -> None:
    make(tmp_path, {"app.py": FLASK})
    os.mkfifo(tmp_path / "debonair.toml")
    with pytest.raises(ProjectError, match=r"debonair\.toml is a fifo"):
        draft(tmp_path)


@pytest.mark.parametrize("name", ["Procfile", "Dockerfile", "app.json", "runtime.txt"])
def test_a_file_of_another_tool(name: str, tmp_path: Path) -> None:
    make(tmp_path, {"app.py": FLASK, "requirements.txt": "flask"})
    (tmp_path / name).mkdir()
    draft(tmp_path)
    (tmp_path / name).rmdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(ProjectError, match=f"{name} is a fifo"):
        draft(tmp_path)
