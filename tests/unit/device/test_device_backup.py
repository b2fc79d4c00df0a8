"""SQLite itself is the judge: a copy is opened, and asked for what had been committed."""

from __future__ import annotations

import os
import runpy
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import backup
import pytest

MAGIC = b"SQLite format 3\0"


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
    return [copy for copy, _ in backup.back_up(data, data.parent / folder, 60)]


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


def test_attempts_after_a_refusal_do_not_remove_the_last_good_copy(tmp_path: Path) -> None:
    data, copies = tmp_path / "data", tmp_path / "copies"
    make(data / "a.db")
    ((first, _),) = backup.back_up(data, copies, 60)
    for _ in range(2 * backup._KEPT):
        ((last, _),) = backup.back_up(data, copies, 60, after_refusal=True)
    assert first.exists()
    assert last.exists()
    assert len(list(copies.iterdir())) == backup._KEPT


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

    monkeypatch.setattr(backup, "_opened", refuse)
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
    bad, good = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
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
        ((copy, problem),) = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
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


@pytest.fixture
def hollow(tmp_path: Path) -> Path:
    """A database, and one of 8 GB that is nearly all holes."""
    make(tmp_path / "data/app.db")
    with (tmp_path / "data/hollow.db").open("wb") as file:
        file.write(MAGIC)
        file.truncate(8 * 10**9)
    return tmp_path / "data/hollow.db"


def test_what_is_all_holes_is_not_copied(tmp_path: Path, hollow: Path) -> None:
    (good, _), (path, problem) = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
    assert [found.name for found in (tmp_path / "copies").iterdir()] == [good.name]
    assert (path, problem) == (
        hollow,
        f"{hollow} was not copied: it is a sparse file, most of which is empty.",
    )


def test_a_file_system_that_compresses_makes_no_holes(
    tmp_path: Path, hollow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hollow.write_bytes(MAGIC + bytes(10**6))
    blocks = os.stat_result([*hollow.stat()[:6], 10**6, 0, 0, 0], {"st_blocks": 8})
    monkeypatch.setattr(os, "fstat", lambda _: blocks)
    assert [problem for _, problem in backup.back_up(tmp_path / "data", tmp_path / "copies", 60)][1]
    assert len(list((tmp_path / "copies").glob("hollow.db.*"))) == 1


def test_what_is_larger_than_the_free_space_is_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "data/app.db")
    usage = type(shutil.disk_usage(tmp_path))(10**9, 10**9 - 2**28, 2**28)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    ((path, problem),) = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
    assert (path.name, problem) == (
        "app.db",
        f"{path} was not copied: less than 268 MB of the disk would stay free.",
    )
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["d.half", "app.db.000001.20260102T030406Z.half", "app.db.000001.20260102T030406Z"]
)
def test_no_name_of_a_folder_prevents_a_copy(tmp_path: Path, name: str) -> None:
    """The folder is among the copies too, where it is no copy, and not half of one."""
    data = tmp_path / "data"
    make(data / "app.db")
    make(data / name / "x")
    first, second = copied(data), copied(data)
    assert [path.name.partition(".0000")[0] for path in second] == [
        path.name.partition(".0000")[0] for path in first
    ]
    assert all(rows(path) == 0 for path in (*first, *second) if path.parent == tmp_path / "copies" / name)
    assert rows(second[-1]) == 0


def test_a_name_that_is_too_long_is_reported(tmp_path: Path) -> None:
    make(tmp_path / "data/app.db")
    long = tmp_path / "data" / ("x" * 240)
    long.write_bytes(MAGIC)
    (good, _), bad = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
    assert rows(good) == 0
    assert bad == (long, f"{long} was not copied: File name too long.")


def test_all_locks_together_cost_one_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_LOCKED", 0.5)
    with ExitStack() as stack:
        for number in range(5):
            path = tmp_path / f"data/{number}.db"
            make(path)
            holder = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            holder.execute("begin exclusive")
        began = time.monotonic()
        found = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
        assert time.monotonic() - began < 3
    assert len(found) == 5
    assert all("(it is locked)" in problem for _, problem in found)


def test_there_is_a_time_for_all_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        make(tmp_path / f"data/{name}.db")
    real = backup._copied

    def slow(path: Path, *rest: Any) -> str:
        monkeypatch.setattr(time, "monotonic", lambda: 10**9)
        return real(path, *rest)

    monkeypatch.setattr(backup, "_copied", slow)
    ((path, problem),) = backup.back_up(tmp_path / "data", tmp_path / "copies", 60)
    assert path.name == "a.db"
    assert problem == f"{path} and what follows it were not copied within 60 seconds."
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_fifo_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "app.db")
    with pytest.raises(OSError, match="not a regular file"):
        backup._opened(tmp_path / "app.db")


def test_the_name_of_a_file_makes_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x\npuppet: all is well\u2028\x85\x1b[2J").write_bytes(b"SQLite format 3\0")
    monkeypatch.setattr(sys, "argv", ["backup.py", str(tmp_path / "data"), str(tmp_path / "copies"), "60"])
    runpy.run_path(backup.__file__, run_name="__main__")
    stdout = capsys.readouterr().out
    assert stdout.count("\n") == 1
    assert r"x\npuppet: all is well\u2028\x85\x1b[2J" in stdout
