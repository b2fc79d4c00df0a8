from __future__ import annotations

import os
from pathlib import Path

import environment
import pi
import pytest


def test_variables_are_read_as_systemd_reads_them() -> None:
    text = (
        "# A=no\n; B=no\n\n C = plain words  \nD='single $x \\ '\n"
        'E="dou\\"ble \\\\ \\n"\nF=a\\ b\nG=one\\\ntwo\nH=\nI=\'x\' "y"z\'\nnot a line\nJ=it\'s\n'
        "K=\"two\nlines\"\nL=a\\ \nM=a\\\\ \nexport N=no\nO=''\nP=x # y\r\nQ=last"
    )
    assert environment.parse(text) == {
        "C": "plain words",
        "D": "single $x \\ ",
        "E": 'dou"ble \\ \\n',
        "F": "a b",
        "G": "onetwo",
        "H": "",
        "I": "xyz'",
        "J": "it's",
        "K": "two\nlines",
        "L": "a ",
        "M": "a\\",
        "O": "",
        "P": "x # y",
        "Q": "last",
    }


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        " two  blanks ",
        'a "b"',
        "it's",
        "a\\b\\",
        "$HOME `id` \\$x",
        "a#b;c",
        "é€",
        "\\n",
        "\\",
    ],
)
def test_what_is_written_is_what_is_read(tmp_path: Path, value: str) -> None:
    file = tmp_path / "env"
    file.write_text("OTHER=1\n")
    environment.write(file, {"NAME": value})
    assert environment.parse(file.read_text()) == {"OTHER": "1", "NAME": value}


def test_what_is_not_set_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(
        "# NAME=comment\n\n  KEY = 'a  b'  \nNAME=old\n"
        'PEM="one\nNAME=not me\n"\nNAMED=1\nnonsense\nNAME=twice'
    )
    environment.write(file, {"NAME": "new", "MORE": "x"})
    assert file.read_text() == (
        "# NAME=comment\n\n  KEY = 'a  b'  \n"
        'PEM="one\nNAME=not me\n"\nNAMED=1\nnonsense\n'
        'NAME="new"\nMORE="x"\n'
    )


def test_a_value_of_several_lines_is_replaced_in_whole(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text('A=1\nPEM="one\ntwo=3\n"\nLONG=a\\\nb\nZ=1')
    environment.write(file, {"PEM": "x", "LONG": "y"})
    assert file.read_text() == 'A=1\nPEM="x"\nLONG="y"\nZ=1'


def test_the_file_stays_as_private_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owners: list[tuple[int, int]] = []
    file = tmp_path / "env"
    file.write_text("")
    file.chmod(0o640)
    (tmp_path / ".env.new").write_text("left by a cut")
    monkeypatch.setattr(os, "chown", lambda _, *owner: owners.append(owner))
    before = file.stat()
    environment.write(file, {"A": "1"})
    assert file.read_text() == 'A="1"\n'
    assert file.stat().st_mode == before.st_mode
    assert owners == [(before.st_uid, before.st_gid)]
    assert list(tmp_path.iterdir()) == [file]


def test_the_admin_is_stronger_than_the_author(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release = pi.serve(pi.home(tmp_path), "1.0")
    file = tmp_path / "env"
    file.write_text("SECRET_KEY=abc\nGREETING=bye\n")
    monkeypatch.setattr(environment, "Path", lambda _: file)
    found = environment.variables(release, {"TERM": "xterm", "PYTHONPATH": "/evil", "DISPLAY": ":0"})
    assert found["SECRET_KEY"] == "abc"
    assert found["GREETING"] == "bye"
    assert found["FLASK_APP"] == f"{release.folder}/app/guestbook:create_app()"
    assert found["PYTHONNOUSERSITE"] == "1"
    assert found["STATE_DIRECTORY"] == "/var/lib/guestbook"
    assert found["PATH"].startswith(f"{release.folder}/venv/bin:")
    assert found["PYTHONPATH"] == f"{release.folder}/app"
    assert found["TERM"] == "xterm"
    assert "DISPLAY" not in found


def test_without_a_file_there_is_what_the_author_said(tmp_path: Path) -> None:
    release = pi.serve(pi.home(tmp_path), "1.0", import_path=[])
    assert not Path("/etc/guestbook").exists()
    found = environment.variables(release, {})
    assert found["GREETING"] == "hello"
    assert "PYTHONPATH" not in found
    assert found["FLASK_APP"] == f"{release.folder}/venv/guestbook:create_app()"
