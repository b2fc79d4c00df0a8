"""How many processes of an app a machine carries, and what each of them gets."""

from __future__ import annotations

import os
from pathlib import Path

import processes
import pytest

MIB = 2**20


@pytest.mark.parametrize(
    ("board", "cores", "megabytes", "count"),
    [
        # what the kernel and the GPU leave of a board's memory, about
        ("1 A", 1, 228, 1),
        ("Zero, Zero W", 1, 427, 1),
        ("1 B+", 1, 427, 1),
        ("Zero 2 W", 4, 416, 2),
        ("3 A+", 4, 416, 2),
        ("2 B", 4, 921, 4),
        ("3 B+", 4, 905, 4),
        ("4 B with 1 GB", 4, 905, 4),
        ("4 B with 2 GB", 4, 1849, 4),
        ("4 B with 8 GB", 4, 7810, 4),
        ("5 with 2 GB", 4, 2010, 4),
        ("5 with 16 GB", 4, 16210, 4),
        ("none: a small virtual machine", 2, 100, 1),
        ("none: a laptop", 16, 32000, 4),
    ],
)
def test_boards(board: str, cores: int, megabytes: int, count: int) -> None:
    assert processes.carried(cores, megabytes * MIB) == count, board


@pytest.mark.parametrize(("bound", "count"), [(64, 1), (100, 1), (200, 2), (300, 3), (400, 4), (9000, 4)])
def test_no_more_than_what_the_author_lets_it_have(bound: int, count: int) -> None:
    assert processes.carried(4, 4000 * MIB, bound * MIB) == count
    assert processes.carried(4, 416 * MIB, bound * MIB) == min(count, 2)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("2K", 2048),
        ("200M", 200 * MIB),
        ("1G", 1024 * MIB),
        ("1T", MIB * MIB),
        ("40%", 400 * MIB),
        ("100%", 1000 * MIB),
    ],
)
def test_sizes_are_systemds(text: str, size: int) -> None:
    assert processes.size(text, 1000 * MIB) == size


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("[uwsgi]\nprocesses = 3\n", 3),
        ("[uwsgi]\nprocesses=3\r\nthreads = 8", 3),
        ("[uwsgi]\nworkers = 2\np = 5", 5),
        ("; processes = 3\n#workers = 3", 0),
        ("processes = 3\nprocesses = %k", 0),
        ("processes = many", 0),
        ("processes", 0),
    ],
)
def test_what_an_admin_asks_for(text: str, number: int) -> None:
    assert processes.asked(text) == number


class Board:
    """A machine, and what is printed on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.cores, self.megabytes = 4, 4000
        self.admin: dict[str, str] = {}
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(self.cores)))
        monkeypatch.setattr(os, "sysconf", self.sysconf)
        monkeypatch.setattr(processes, "_text", lambda file: self.admin.get(file, ""))

    def sysconf(self, name: str) -> int:
        """A page of a Pi 5 is 16 kB."""
        return {"SC_PAGE_SIZE": 16384, "SC_PHYS_PAGES": self.megabytes * MIB // 16384}[name]

    def __call__(self, *argv: str) -> list[str]:
        processes.main(["guestbook", *argv])
        first, *lines = self.capsys.readouterr().out.splitlines()
        assert first == "[uwsgi]"
        return lines


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Board:
    return Board(monkeypatch, capsys)


def test_the_machine_decides(board: Board) -> None:
    assert board("auto") == ["processes = 4"]
    board.megabytes = 416
    assert board("auto") == ["processes = 2"]
    board.cores = 1
    assert board("auto") == ["processes = 1"]


def test_each_gets_its_share(board: Board) -> None:
    ended = ["evil-reload-on-rss = 100", "mem-collector-freq = 3"]
    assert board("auto", "400M") == ["processes = 4", *ended]
    assert board("auto", "400M", "gracefully") == ["processes = 4", *ended, "reload-on-rss = 75"]
    board.megabytes = 500
    assert board("auto", "200M") == ["processes = 2", *ended]
    assert board("auto", "40%") == ["processes = 2", *ended]
    board.cores = 1
    assert board("auto", "20%") == ["processes = 1", *ended]


def test_the_authors_number_is_kept_and_shares_too(board: Board) -> None:
    assert board("8", "400M") == ["evil-reload-on-rss = 50", "mem-collector-freq = 3"]
    assert board("8", "1M")[0] == "evil-reload-on-rss = 2"
    assert board("1", "1T")[0] == f"evil-reload-on-rss = {MIB}"


def test_the_admins_number_shares_too(board: Board) -> None:
    board.admin = {"/etc/guestbook/vassal.ini": "[uwsgi]\nprocesses = 5\n"}
    ended = ["evil-reload-on-rss = 80", "mem-collector-freq = 3"]
    assert board("auto", "400M") == ["processes = 5", *ended]
    assert board("2", "400M") == ended
    assert board("auto") == ["processes = 5"]


def test_a_file_of_an_admin_is_read_if_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "vassal.ini"
    assert processes._text(str(file)) == ""
    file.write_bytes(b"[uwsgi]\n; \xff\nprocesses = 3\n")
    assert processes.asked(processes._text(str(file))) == 3
