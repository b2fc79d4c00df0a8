from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest
import seed

PATHS = {
    "app/instance": "",
    "app/logs": "logs/",
    "app/static/up": "static/up/",
    "app/app.db": "app.db",
    "app/start.db": "start.db",
}


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What the data had whenever it was written to the disk."""
    found: list[list[str]] = []
    data = tmp_path / "data"
    monkeypatch.setattr(
        os, "sync", lambda: found.append(sorted(str(path.relative_to(data)) for path in data.rglob("*")))
    )
    return found


@pytest.fixture(autouse=True)
def umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    found.mkdir()
    return found


def release(tmp_path: Path, *, data: dict[str, str] | None = None) -> Path:
    folder = tmp_path / "release"
    (folder / "seed/static/up/deep").mkdir(parents=True)
    (folder / "seed/static/up/deep/logo.png").write_text("logo")
    (folder / "seed/start.db").write_text("rows")
    facts = {} if data == {} else {"data": data or PATHS}
    (folder / "release.json").write_text(json.dumps(facts))
    return folder


def test_what_the_data_lacks(tmp_path: Path, data: Path) -> None:
    seed.main([str(release(tmp_path)), str(data)])
    found = {str(path.relative_to(data)): stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}
    assert found == {
        "logs": 0o700,
        "static": 0o700,
        "static/up": 0o700,
        "static/up/deep": 0o700,
        "static/up/deep/logo.png": 0o600,
        "start.db": 0o600,
    }
    assert (data / "start.db").read_text() == "rows"


def test_all_files_of_a_path_are_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, data: Path, synced: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write for all of them: an SD card needs milliseconds for each."""
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    seed.main([str(release(tmp_path, data={"app/up": "static/up/"})), str(data)])
    (found,) = synced
    assert "static/.up.seed/deep/logo.png" in found
    assert "static/up" not in found
    assert len(flushed) == 1  # the folder with the new name


def test_what_exists_stays_as_it_is(tmp_path: Path, data: Path) -> None:
    (data / "static/up").mkdir(parents=True)
    (data / "start.db").write_text("mine")
    (data / "logs").symlink_to("/nowhere")  # the owner's: a disk that is not there now
    seed.main([str(release(tmp_path)), str(data)])
    assert list((data / "static/up").iterdir()) == []  # the owner has deleted the logo
    assert (data / "start.db").read_text() == "mine"
    assert (data / "logs").is_symlink()


def test_a_power_cut_leaves_no_half_of_it(tmp_path: Path, data: Path) -> None:
    (data / "static/.up.seed/deep").mkdir(parents=True)
    (data / ".start.db.seed").write_text("ro")
    seed.main([str(release(tmp_path)), str(data)])
    assert (data / "static/up/deep/logo.png").read_text() == "logo"
    assert (data / "start.db").read_text() == "rows"
    assert not list(data.rglob(".*"))


def test_a_release_without_such_data(tmp_path: Path, data: Path) -> None:
    seed.main([str(release(tmp_path, data={})), str(data)])
    assert list(data.iterdir()) == []


def test_sqlite_follows_a_link_to_a_database_that_does_not_exist_yet(tmp_path: Path, data: Path) -> None:
    link = tmp_path / "app.db"
    link.symlink_to(data / "app.db")
    connection = sqlite3.connect(link)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    # All three are beside the database itself, and nothing is beside the link.
    assert {path.name for path in data.iterdir()} == {"app.db", "app.db-wal", "app.db-shm"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("app.db")] == ["app.db"]
    connection.close()


@pytest.mark.parametrize("kind", ["file", "link", "deep"])
def test_a_failure_is_named_and_the_rest_is_created(
    kind: str, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "file":
        (data / "static").write_text("in its place")
    elif kind == "link":
        (data / "static").symlink_to("nowhere")
    else:
        (data / "static").mkdir()
        (data / "static/.up.seed").mkdir(mode=0o500)
        (data / "static/.up.seed/x").symlink_to("x")
        (data / "static").chmod(0o700)
    status = seed.main([str(release(tmp_path)), str(data)])
    assert (data / "start.db").read_text() == "rows"
    assert (data / "logs").is_dir()
    told = capsys.readouterr().err
    assert status == (kind != "deep")
    assert (f"{data}/static/up cannot be created: " in told) == (kind != "deep")
