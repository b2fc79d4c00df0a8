from __future__ import annotations

import os
from pathlib import Path

import environment
import pytest
import settings
from release import Home

GROUP = os.getgid()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings of an app are; who runs the tests may give files to nobody."""
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc/guestbook/env"


def ensured(file: Path) -> str:
    settings.ensure(file, "guestbook", GROUP)
    return file.read_text()


def key(text: str) -> str:
    return environment.parse(text)["SECRET_KEY"]


def test_a_first_install_makes_them(file: Path) -> None:
    text = ensured(file)
    assert "guestbook restart" in text
    assert len(key(text)) == 64
    assert file.stat().st_mode & 0o777 == 0o640
    assert ensured(file) == text
    assert [one.name for one in file.parent.iterdir()] == ["env"]


def test_one_that_others_may_read_is_closed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _, *whom: given.append(whom))
    file.parent.mkdir()
    file.write_text("SECRET_KEY=x\n")
    file.chmod(0o664)
    (message,) = settings.ensure(file, "guestbook", GROUP + 1)
    assert "others could read or change" in message
    assert "mode 664" in message
    assert file.stat().st_mode & 0o777 == 0o640
    assert given == [(0, GROUP + 1)]


def test_one_that_only_root_may_read_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    file.write_text("SECRET_KEY=x\n")
    file.chmod(0o600)
    own = file.stat()
    owned_by_root = os.stat_result((own.st_mode, *own[1:4], 0, *own[5:]))
    monkeypatch.setattr(os, "fstat", lambda _: owned_by_root)
    assert settings.guard(file, GROUP + 1) == []
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lost", ["", "\n", "\0" * 512])
def test_what_a_power_cut_has_emptied_is_made_again(file: Path, lost: str) -> None:
    file.parent.mkdir()
    file.write_text(lost)
    assert len(key(ensured(file))) == 64


@pytest.mark.parametrize(
    "text", ["A=1\n", "A=1\nSECRET_KEY=\n", "SECRET_KEY=''\nA=1", '# SECRET_KEY=x\nA="1"\nSECRET_KEY=""\n']
)
def test_a_key_is_made_where_none_is_set(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    found = ensured(file)
    assert len(key(found)) == 64
    assert environment.parse(found)["A"] == "1"
    assert ensured(file) == found


@pytest.mark.parametrize(
    "text", ["SECRET_KEY=x\n", " SECRET_KEY = 'mine' # \n", 'A=1\nSECRET_KEY="a\nb"\n']
)
def test_a_key_that_is_set_stays(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    before = file.stat().st_ino
    assert ensured(file) == text
    assert file.stat().st_ino == before


def test_a_link_of_the_admins_stays_one(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("A=1\n")
    file.parent.mkdir()
    file.symlink_to(kept)
    assert len(key(ensured(file))) == 64
    assert file.is_symlink()
    assert "A=1" in kept.read_text()


def test_bytes_come_before_names_on_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[str] = []
    move, sync = Path.replace, os.fsync

    def fsync(number: int) -> None:
        did.append(str(Path(f"/proc/self/fd/{number}").readlink()))
        sync(number)

    def replace(one: Path, other: Path) -> Path:
        did.append("rename")
        return move(one, other)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    ensured(file)
    assert did == [str(file.parents[1]), str(file.with_name(".env.new")), "rename", str(file.parent)]
    did.clear()
    environment.write(file, {"A": "2"})
    assert did == [str(file.with_name(".env.new")), "rename", str(file.parent)]


@pytest.mark.parametrize("group", ["no-such-group", "root"])
def test_what_goes_wrong_is_said(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], group: str
) -> None:
    file.parent.mkdir()
    file.write_bytes(b"\xff=1\n")
    assert settings.main(Home("guestbook", tmp_path), group) == 1
    assert "guestbook: set SECRET_KEY in it" in capsys.readouterr().err
    assert file.read_bytes() == b"\xff=1\n"
