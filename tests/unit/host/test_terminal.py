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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "line 1: '--extra-index-url https://ada:s3cret@wheels.example.org/simple' sets",
            "line 1: '--extra-index-url https://****@wheels.example.org/simple' sets",
        ),
        ("x @ git+https://ghp_token@example.org/a.git@v1", "x @ git+https://****@example.org/a.git@v1"),
        ("GIT+HTTPS://:p@ss:w@example.org", "GIT+HTTPS://****@example.org"),
        ("ssh://ada:pw@pi.example:22/srv ftp://a:b@c", "ssh://****@pi.example:22/srv ftp://****@c"),
        ("redis://:pw@localhost:6379/0", "redis://****@localhost:6379/0"),
        ("git+ssh://git@example.org/a.git@v1", "git+ssh://git@example.org/a.git@v1"),
        ("https://example.org/@ada?to=ada@example.org", "https://example.org/@ada?to=ada@example.org"),
        ("http://localhost:8080 and ada@example.org", "http://localhost:8080 and ada@example.org"),
    ],
)
def test_no_password_reaches_a_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert plain(shown) == shown
