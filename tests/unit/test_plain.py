"""Text of others is shown, and commands nothing."""

from __future__ import annotations

import pytest

from debonair.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße\tfrom\nDebian 日本\n", "Grüße\tfrom\nDebian 日本\n"),
        ("lines\r\nof a web page\r\n", "lines\nof a web page\n"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("gone\rnew", "gone\\x0dnew"),
        ("\x9b2J \x7f\b\0", "\\x9b2J \\x7f\\x08\\x00"),
        ("abc\u202etxt.exe\u2066", "abc\\u202etxt.exe\\u2066"),
        ("a\u2028b\vc\fd", "a\\u2028b\\x0bc\\x0cd"),
    ],
)
def test_what_commands_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert plain(text) == shown
