"""SQLite itself is the judge: a copy is opened, and asked for what had been committed."""

from __future__ import annotations

import sqlite3
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


def test_a_database_in_use_is_copied_whole(tmp_path: Path, in_use: sqlite3.Connection) -> None:
    assert (tmp_path / "app.db-wal").stat().st_size > 10_000
    (copy,) = backup.back_up(tmp_path)
    assert copy.parent == tmp_path / "backups"
    assert copy.name.startswith("app.db.2026")
    assert rows(copy) == 1000
    in_use.commit()  # it goes on


def test_only_who_owns_them_sees_the_copies(tmp_path: Path, in_use: sqlite3.Connection) -> None:
    backup.back_up(tmp_path)
    assert (tmp_path / "backups").stat().st_mode & 0o777 == 0o700


def test_the_last_few_stay(tmp_path: Path) -> None:
    make(tmp_path / "app.db")
    make(tmp_path / "app.db.2")
    made = [copy for _ in range(7) for copy in backup.back_up(tmp_path)]
    assert sorted((tmp_path / "backups").iterdir()) == sorted(made[-10:])


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("SQLite it is not")
    (tmp_path / "empty.db").touch()
    make(tmp_path.parent / "elsewhere.db")
    (tmp_path / "link.db").symlink_to(tmp_path.parent / "elsewhere.db")
    assert backup.back_up(tmp_path) == []
    assert not (tmp_path / "backups").exists()


def test_one_that_cannot_be_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "app.db")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert backup.back_up(tmp_path) == []


def test_each_folder_may_have_one_of_the_same_name(tmp_path: Path) -> None:
    for name in ("a/x.db", "a-x.db", "x.db", "[1].db"):
        make(tmp_path / name)
    copies = backup.back_up(tmp_path)
    assert len(set(copies)) == 4
    names = {str(path.relative_to(tmp_path / "backups")).rpartition(".")[0] for path in copies}
    assert names == {"a/x.db", "a-x.db", "x.db", "[1].db"}
    assert all(rows(copy) == 0 for copy in copies)


def test_half_a_copy_that_a_cut_left_goes(tmp_path: Path) -> None:
    make(tmp_path / "app.db")
    half = tmp_path / "backups/old/app.db.20250101T000000Z.half"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"SQLite format 3\0")
    assert len(backup.back_up(tmp_path)) == 1
    assert not half.exists()


def test_copies_are_not_copied(tmp_path: Path) -> None:
    make(tmp_path / "app.db")
    backup.back_up(tmp_path)
    assert len(backup.back_up(tmp_path)) == 1


def test_a_database_that_is_broken_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        backup.back_up(tmp_path)
    assert {path.suffix for path in (tmp_path / "backups").iterdir()} <= {".half"}
