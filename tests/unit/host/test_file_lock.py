"""Locks on files, between threads as between processes."""

from __future__ import annotations

import fcntl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from debonair.errors import MachineError
from debonair.host.file_lock import exclusive, lock_of, making


def test_one_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    with exclusive(path), path.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_it_exists_only_while_it_is_held(tmp_path: Path) -> None:
    with making(tmp_path / "x"):
        assert lock_of(tmp_path / "x").exists()
    assert not list(tmp_path.iterdir())


def test_who_waited_holds_the_file_that_others_will_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def hold() -> bool:
        with exclusive(path):
            return path.exists()

    with ThreadPoolExecutor(4) as pool:
        with exclusive(path):
            jobs = [pool.submit(hold) for _ in range(4)]
            time.sleep(0.2)  # all of them wait for the file that this holder removes
        assert [job.result() for job in jobs] == [True] * 4
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(MachineError, match="a file, not a folder"),
        exclusive(tmp_path / "file/x"),
    ):
        pass
