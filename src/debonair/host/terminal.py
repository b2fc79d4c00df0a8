"""What is written for people: text of strangers, which no terminal takes for orders.

A deb, a server or a program may hand over what clears a screen, names a window, writes over a line or turns
it around. All text goes out by way of ``plain``, which shows such characters as escapes.
"""

from __future__ import annotations

import re

_ORDERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for the tab and the line break
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing around
    "\u2028\u2029\ufeff\ud800-\udfff]"  # line breaks of another kind, and what is no character
)


def plain(text: str) -> str:
    r"""Return ``text`` with what a terminal obeys shown as an escape: ``\x1b``, ``\u202e``.

    Of bytes that are not UTF-8, which are surrogates in file names, that of the byte is shown. Lines may
    end as in a web page, by ``\r\n``.
    """
    return _ORDERS.sub(_escape, text.replace("\r\n", "\n"))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
