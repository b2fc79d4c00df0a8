"""What an app wrote, as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from text import printable, tail


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain\ttext, äöü 中文", "plain\ttext, äöü 中文"),
        ("\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"),
        ("a\u202eb\u2028c\x85d", "a\\u202eb\\u2028c\\x85d"),
        ("\r\n\b", "\\r\\n\\x08"),
        ("\ud800", "\\ud800"),
        ("\ufffd", "\ufffd"),
        ("x" * 400, "x" * 400),
        ("x" * 5_000_000, "x" * 400 + "..."),
    ],
)
def test_nothing_of_it_controls_a_terminal(given: str, shown: str) -> None:
    assert printable(given) == shown


def test_of_much_output_the_end_is_kept() -> None:
    assert tail("\n".join(map(str, range(50)))) == "\n".join(map(str, range(30, 50)))


def test_requests_are_not_kept_beside_anything_else() -> None:
    requests = ["[pid: 7|app: 0|req: 1/1] GET / => generated 9 bytes (HTTP/1.1 500)"] * 30
    assert tail("\n".join(["no file", *requests])) == "no file"
    assert tail("\n".join(requests)) == "\n".join(requests[:20])


def test_of_a_traceback_all_is_kept_and_nothing_before_it() -> None:
    output = "noise\nTraceback (most recent call last):\n  x\nValueError: no\r\n"
    assert tail(output) == "Traceback (most recent call last):\n  x\nValueError: no"


def test_a_traceback_is_kept_though_the_program_was_started_again() -> None:
    lines = ["Traceback (most recent call last):", *["  x"] * 40, "ValueError: no", *["again"] * 40]
    kept = tail("\n".join(lines)).splitlines()
    assert len(kept) == 20
    assert kept[-5:] == ["ValueError: no", *["again"] * 4]


def test_of_a_traceback_that_is_cut_the_end_is_kept() -> None:
    assert tail("Traceback (most recent call last):\n  x") == "Traceback (most recent call last):\n  x"


def test_a_line_separator_makes_no_line() -> None:
    assert tail("one\u2028two\x0bthree") == "one\\u2028two\\x0bthree"


@pytest.mark.parametrize(
    ("log", "kept"),
    [
        (
            "bind",
            [
                "error removing unix socket, unlink(): Permission denied [core/socket.c line 198]",
                "bind(): Permission denied [core/socket.c line 230]",
                "unlink(): Permission denied [core/uwsgi.c line 1667]",
            ],
        ),
        ("exits", ["boom"]),
    ],
)
def test_of_a_log_of_uwsgi_the_reason_is_kept(log: str, kept: list[str]) -> None:
    output = (Path(__file__).parent / f"logs/{log}.txt").read_text()
    assert tail(output).split("\n") == kept


def test_a_log_without_a_reason_is_kept() -> None:
    output = (Path(__file__).parent / "logs/serves.txt").read_text()
    assert tail(output) == output.strip()


@pytest.mark.parametrize(
    "line",
    [
        "subprocess 23085 exited with code 1",
        "unable to load configuration from /etc/notes/uwsgi.ini",
        "!!! UNABLE to load uWSGI plugin: python3_plugin.so: cannot open shared object file !!!",
        "*** no app loaded. going in full dynamic mode ***",
        "unable to load app 0 (mountpoint='') (callable not found or import error)",
        "DAMN ! worker 1 (pid: 7) died, killed by signal 9 :( trying respawn ...",
        "os: the app's own words",
        "chdir(): No such file or directory [core/uwsgi.c line 2674]",
        "worker 1 killed successfully (pid: 9)",
    ],
)
def test_a_line_with_a_reason_is_no_chatter(line: str) -> None:
    assert tail(f"thunder lock: disabled (you can enable it with --thunder-lock)\n{line}") == line
