"""Text for people, in which a stranger's text cannot control the terminal, and without passwords.

A deb, a server or a program may send characters that clear the screen, rename the window, overwrite a line
or reverse its direction. All output passes through ``plain``, which shows such characters as escapes. An
address may have a password, which must not reach the log of a CI job, so ``plain`` hides it.
"""

from __future__ import annotations

import re

_ORDERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, except the tab and the line break
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # characters that reverse the direction of writing
    "\u2028\u2029\ufeff\ud800-\udfff]"  # other line breaks, and code points that are not characters
)
_SECRET = re.compile(
    r"(\b(?:https?|ftp)://)[^\s/?#]+@"  # a name alone may be a token, as on GitHub
    r"|(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/?#:@]*:[^\s/?#]*@",  # but an account of ssh is not secret
    re.IGNORECASE,
)


def plain(text: str) -> str:
    r"""Return ``text`` with characters that control a terminal as escapes: ``\x1b``, ``\u202e``.

    A byte that is not UTF-8 (a surrogate in a file name) becomes the escape of that byte. Lines may end by
    ``\r\n``, as in a web page. ``****`` replaces the name and password in an address.
    """
    return _ORDERS.sub(_escape, _SECRET.sub(r"\1\2****@", text.replace("\r\n", "\n")))


def line(text: str) -> str:
    r"""Return ``text`` like ``plain``, on one line: a line break is ``\n``, so that it begins no line."""
    return plain(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
