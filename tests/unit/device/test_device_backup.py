"""SQLite itself is the judge: a copy is opened, and asked for what had been committed."""

from __future__ import annotations

import runpy
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import backup
import pytest


class Time:
    """A datetime that is a second later each time it is asked."""

    now_ = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    @classmethod
    def now(cls, _: object) -> datetime:
        cls.now_ += timedelta(seconds=1)
        return cls.now_


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "datetime", Time)


@pytest.fixture
def in_use(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database in WAL mode, of which a part is in the log, a part not committed, and a reader reads."""
    with closing(sqlite3.connect(tmp_path / "app.db")) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma wal_autocheckpoint = 0")
        database.execute("create table entry (name text)")
        database.executemany("insert into entry values (?)", [(f"ada {n}",) for n in range(1000)])
        database.commit()
        database.execute("insert into entry values ('not committed')")
        yield database


def rows(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("select count(*) from entry where name like 'not%'").fetchone() == (0,)
        return int(database.execute("select count(*) from entry").fetchone()[0])


def make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table entry (name text)")
        database.commit()


def copied(data: Path, folder: str = "copies") -> list[Path]:
    """Back up ``data`` beside it; return the copies."""
    return [copy for copy, _ in backup.back_up(data, data.parent / folder)]


def test_a_database_in_use_is_copied_whole(tmp_path: Path, in_use: sqlite3.Connection) -> None:
    assert (tmp_path / "app.db-wal").stat().st_size > 10_000
    (copy,) = copied(tmp_path)
    assert copy.parent == tmp_path.parent / "copies"
    assert copy.name.startswith("app.db.000001.2026")
    assert rows(copy) == 1000
    in_use.commit()  # it goes on


def test_only_who_owns_them_sees_the_copies(tmp_path: Path) -> None:
    make(tmp_path / "data/a/b/app.db")
    (copy,) = copied(tmp_path / "data")
    assert copy.parent.stat().st_mode & 0o777 == 0o700


def test_the_last_few_stay_whatever_the_clock_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "data/app.db")
    make(tmp_path / "data/app.db.2")
    made = [copy for _ in range(7) for copy in copied(tmp_path / "data")]
    assert sorted((tmp_path / "copies").iterdir()) == sorted(made[-10:])
    monkeypatch.setattr(Time, "now_", datetime(1970, 1, 1, tzinfo=UTC))
    new = copied(tmp_path / "data")
    assert sorted((tmp_path / "copies").iterdir()) == sorted([*made[-8:], *new])


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "notes.db").write_text("SQLite it is not")
    (data / "empty.db").touch()
    make(tmp_path / "elsewhere.db")
    (data / "link.db").symlink_to(tmp_path / "elsewhere.db")
    assert copied(data) == []
    assert not (tmp_path / "copies").exists()


def test_one_that_cannot_be_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "app.db")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert copied(tmp_path) == []


def test_each_folder_may_have_one_of_the_same_name(tmp_path: Path) -> None:
    for name in ("a/x.db", "a-x.db", "x.db", "[1].db"):
        make(tmp_path / "data" / name)
    copies = copied(tmp_path / "data")
    assert len(set(copies)) == 4
    names = {str(path.relative_to(tmp_path / "copies")).rsplit(".", 2)[0] for path in copies}
    assert names == {"a/x.db", "a-x.db", "x.db", "[1].db"}
    assert all(rows(copy) == 0 for copy in copies)


def test_half_a_copy_that_a_cut_left_goes(tmp_path: Path) -> None:
    make(tmp_path / "data/app.db")
    half = tmp_path / "copies/old/app.db.000001.20250101T000000Z.half"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"SQLite format 3\0")
    (tmp_path / "copies/app.half").mkdir()  # for the copies of a folder that the app named so
    assert len(copied(tmp_path / "data")) == 1
    assert not half.exists()


def test_copies_of_the_time_when_they_lay_among_the_data_are_not_copied(tmp_path: Path) -> None:
    make(tmp_path / "data/app.db")
    make(tmp_path / "data/backups/app.db.20250101T000000Z")
    assert len(copied(tmp_path / "data")) == 1


def test_what_only_begins_like_a_database_is_named_and_copied_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"SQLite format 3\0" + b"rubbish" * 1000
    make(tmp_path / "data/good.db")
    (tmp_path / "data/bad.db").write_bytes(data)
    bad, good = backup.back_up(tmp_path / "data", tmp_path / "copies")
    assert bad[0].read_bytes() == data
    assert bad[1].startswith(f"SQLite cannot copy {tmp_path}/data/bad.db (")
    assert good[1] == ""


def test_one_that_is_locked_is_named_and_copied_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "data/app.db")
    monkeypatch.setattr(backup, "_LOCKED", 0.5)
    with closing(sqlite3.connect(tmp_path / "data/app.db", isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        ((copy, problem),) = backup.back_up(tmp_path / "data", tmp_path / "copies")
    assert "is locked" in problem
    assert copy.read_bytes() == (tmp_path / "data/app.db").read_bytes()


def test_folders_without_end_are_looked_into_to_some_depth(tmp_path: Path) -> None:
    make(tmp_path / "data/app.db")
    inner = tmp_path / "data"
    for _ in range(200):
        inner = inner / "d"
    inner.mkdir(parents=True)
    make(inner / "deep.db")
    (copy,) = copied(tmp_path / "data")
    assert copy.name.startswith("app.db.")


def test_what_is_all_holes_and_larger_than_the_disk_is_not_copied(tmp_path: Path) -> None:
    make(tmp_path / "data/app.db")
    with (tmp_path / "data/hollow.db").open("wb") as file:
        file.write(b"SQLite format 3\0")
        file.truncate(shutil.disk_usage(tmp_path).free + 10**9)
    (good, _), (hollow, problem) = backup.back_up(tmp_path / "data", tmp_path / "copies")
    assert good.parent == tmp_path / "copies"
    assert "it was not copied" in problem
    assert [path.name for path in (tmp_path / "copies").iterdir()] == [good.name]
    assert hollow == tmp_path / "data/hollow.db"


def test_the_name_of_a_file_makes_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x\npuppet: all is well\u2028\x85\x1b[2J").write_bytes(b"SQLite format 3\0")
    monkeypatch.setattr(sys, "argv", ["backup.py", str(tmp_path / "data"), str(tmp_path / "copies")])
    runpy.run_path(backup.__file__, run_name="__main__")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert r"x\npuppet: all is well\u2028\x85\x1b[2J" in said
