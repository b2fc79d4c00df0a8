"""The files of other tools that ``init`` finds by itself, and those that it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from debonair.errors import ProjectError
from debonair.init.imports import files

SECTIONS = "[base]\nharakiri = 30\n[dev]\nini = :base\n[production]\nini = :base\nprocesses = 4\n"


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mon.xml", "<?xml version='1.0'?>\n<uwsgi>\n<harakiri>7</harakiri></uwsgi>"),
        ("hub.yaml", "# ours\nuwsgi:\n  harakiri: 7\n"),
        ("hub.yml", "'uwsgi':\n  harakiri: 7\n"),
        ("hub.json", '{\n "uwsgi": {"harakiri": "7"}}'),
        ("hub.conf", "; ours\n[uwsgi]\nharakiri = 7\n"),
        ("conf/hub", "[uwsgi]\nharakiri = 7\n"),
        ("hub.ini", "[uwsgi]\nharakiri = 7\n"),
    ],
)
def test_the_contents_tell_the_kind(name: str, text: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, text)
    assert files.find(tmp_path) == [path]
    assert files.read(path, tmp_path).settings == {"uwsgi": {"harakiri": 7}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pom.xml", "<project><name>uwsgi</name></project>"),
        ("stack.yaml", "services:\n  uwsgi:\n    image: x\n"),
        ("package.json", '{"dependencies": {"uwsgi": "1"}}'),
        ("LICENSE", "server {}\n[uwsgi]\n"),
        ("app.conf", "[program:app]\n"),
    ],
)
def test_files_of_other_kinds(name: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, name, text)
    assert files.find(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("conf/uwsgi.ini", "[uwsgi]\n{% if x %}\n", "conf/uwsgi.ini:2: '{% if x %}' is not an option"),
        ("nginx.conf", "server {\n {% if x %}\n listen 80;\n {% endif %}\n}", "nginx.conf:2: a { is on"),
        ("site.conf", "server {\n content_by_lua_block { ngx.say('}') }\n}", "site.conf:2: "),
        ("uwsgi.ini", SECTIONS, "Name the section to import: debonair init --import uwsgi.ini:production"),
        ("Procfile", "no", "Procfile, line 1: 'no' is not of the form NAME: COMMAND."),
    ],
)
def test_a_file_that_cannot_be_read(name: str, text: str, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, text)
    found, notes = files.imported(tmp_path, [])
    assert not found.settings
    assert len(notes) == 1
    assert notes[0].startswith(f"{name} was left out, because it cannot be imported. ")
    assert reason in notes[0]
    with pytest.raises(ProjectError):
        files.imported(tmp_path, [path])


@pytest.mark.parametrize(
    ("section", "options"),
    [("production", {"harakiri": 30, "processes": 4}), ("dev", {"harakiri": 30})],
)
def test_a_section_is_named(section: str, options: dict[str, int], tmp_path: Path) -> None:
    write(tmp_path, "uwsgi.ini", SECTIONS)
    found, notes = files.imported(tmp_path, [tmp_path / f"uwsgi.ini:{section}"])
    assert found.settings == {"uwsgi": options}
    assert not notes
    with pytest.raises(ProjectError, match="no section"):
        files.imported(tmp_path, [tmp_path / "uwsgi.ini:gone"])


@pytest.mark.parametrize("line", ["uwsgi --ini uwsgi.ini:production", "uwsgi uwsgi.ini:production"])
def test_a_start_line_names_a_section(line: str, tmp_path: Path) -> None:
    write(tmp_path, "uwsgi.ini", SECTIONS)
    write(tmp_path, "Procfile", f"web: {line}\n")
    found, notes = files.imported(tmp_path, [])
    assert found.settings == {"uwsgi": {"harakiri": 30, "processes": 4}}
    assert not notes


def test_a_line_passes_websockets(tmp_path: Path) -> None:
    write(tmp_path, "Procfile", "web: uwsgi --http :8000 --http-websockets -w app:app\n")
    found, _ = files.imported(tmp_path, [])
    assert "websockets" in found.when_served_by["uwsgi"][0]


def test_a_hundred_files_are_read_at_most(tmp_path: Path) -> None:
    """Each may include sixteen others, so more would take minutes."""
    for number in range(102):
        (tmp_path / f"{number:03}.ini").write_text("[uwsgi]\nmodule = app:app\n")
    found, notes = files.imported(tmp_path, [])
    assert len({account.file for account in found.accounts}) == 100
    (note,) = notes
    assert note.startswith("2 of 102 files of other tools were not read, such as 000.ini.")
    assert note.endswith("debonair init --import 000.ini")
    found, notes = files.imported(tmp_path, [tmp_path / "000.ini"])
    assert len({account.file for account in found.accounts}) == 101
    assert notes[0].startswith("1 of 102 files of other tools were not read, such as 001.ini.")
