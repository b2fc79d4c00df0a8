from __future__ import annotations

import pytest

from debonair.host.terminal import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is: \u00e4\u65e5\U0001f427\n\tx", "as it is: \u00e4\u65e5\U0001f427\n\tx"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("lines\r\nof a web page\r\n", "lines\nof a web page\n"),
        ("over\rwritten\x08", "over\\x0dwritten\\x08"),
        ("\x9b31m\x7f\x00", "\\x9b31m\\x7f\\x00"),
        ("\u202egpj.exe\u2066", "\\u202egpj.exe\\u2066"),
        ("one\u2028two\x85\x0b\x0c", "one\\u2028two\\x85\\x0b\\x0c"),
        (b"caf\xe9".decode(errors="surrogateescape"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
    ],
)
def test_no_order_reaches_a_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown
