"""What an app wrote, as a person reads it."""

from __future__ import annotations

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
    said = ["Traceback (most recent call last):", *["  x"] * 40, "ValueError: no", *["again"] * 40]
    kept = tail("\n".join(said)).splitlines()
    assert len(kept) == 20
    assert kept[-5:] == ["ValueError: no", *["again"] * 4]


def test_of_a_traceback_that_is_cut_the_end_is_kept() -> None:
    assert tail("Traceback (most recent call last):\n  x") == "Traceback (most recent call last):\n  x"


def test_a_line_separator_makes_no_line() -> None:
    assert tail("one\u2028two\x0bthree") == "one\\u2028two\\x0bthree"
