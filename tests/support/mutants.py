"""Small changes of small files, for readers that must accept any input; and a measure of their effort."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import strategies as st

CORPUS = Path(__file__).parent.parent / "fuzz"
_TOKENS = (
    b"\n", b"\r", b"\r\n", b"\0", b"\x1b", b"\xe2\x80\xa8", b"\xc2\x85",
    b"\xef\xbb\xbf", b" ", b"\t", b"\\", b"\\\n", b"\"", b"'", b"\"\"\"", b";", b"{", b"}", b"[", b"]",
    b"(", b")", b"<", b">", b"</", b"=", b":", b",", b"-", b"--", b"#", b"%(", b"%d", b"$(", b"${",
    b"@(", b"*a", b"&a", b"<<", b"!!", b"&x;", b"<!", b"..", b"/", b"../", b"/etc/passwd", b"|", b"||",
    b"&&", b"~", b"^", b"0", b"999999999999999999999999999999", b"-1", b"\xd9\xa3", b"true", b"null",
    b"env = A=b\n", b"location / {", b"server {", b"ENV A=b\n", b"FROM x\n", b"-r x\n", b"\\ud800",
    b"\\n", b"\\u0000", b"&#10;", b"\xf0\x9f\x8d\x93",
)  # fmt: skip


_WORD = re.compile(rb"\w+|\s+|.", re.DOTALL)


def _changed(data: bytes, edits: Sequence[tuple[int, int, int, bytes]]) -> bytes:
    """Return ``data`` with words removed, inserted, or repeated, at each place of ``edits``."""
    words = _WORD.findall(data)
    for at, gone, times, new in edits:
        place = at % (len(words) + 1)
        piece = words[place : place + gone]
        words[place : place + gone] = [*piece * times, new]
    return b"".join(words)


def mutants(kind: str) -> st.SearchStrategy[bytes]:
    """Return the possible changes of files of a ``kind``, a folder of the corpus."""
    files = [path.read_bytes() for path in sorted((CORPUS / kind).iterdir())]
    words = sorted({word for data in files for word in _WORD.findall(data)})
    new = st.sampled_from([b"", *_TOKENS, *words])
    edit = st.tuples(st.integers(0, 300), st.integers(0, 6), st.sampled_from((0, 1, 1, 2, 9)), new)
    return st.builds(_changed, st.sampled_from(files), st.lists(edit, min_size=1, max_size=4))


_HOSTILE = (
    "", "/", ".", "..", "../x", "/etc/passwd", "\u00b2", "\u0663", "0", "00", "9" * 30, "-1", "true",
    "a\nb", "a\rb", "a\u2028b", "a\x85b", "\x1b[2J", "\0", "\ud800", "\x7f", "%(a)%(a)", "%(b)",
    "%p%d%", "$(HOME)", "@(exec://x)", "a=b", "=", "A=a\nB=b", "A==", "/x=static", "/x\ny=static",
    "app:app", "app:create_app()", "static", "x" * 5000, '"', "'", "\"'\\", "\\", "a\\", "a;b", "{",
    "}", "#", "a # b", "a ; b", " a ", "1 2 3 4 5 x y", "-1 -1 -1 -1 -1 x\ny", "unix:/run/a.sock",
    "http://[x", "127.0.0.1:80", "python3,x", "a/" * 80, "/" * 200,
)  # fmt: skip
"""Values that a person has chosen."""


def values() -> st.SearchStrategy[str]:
    """Return texts that can be a value."""
    odd = st.text(st.sampled_from("aA1=/.:,;%()${}[]<>#\\\"' \t\n\r\x0b\x1b\u2028\xe9\ud800"), max_size=12)
    return st.sampled_from(_HOSTILE) | odd


def steps(call: Callable[[], Any]) -> tuple[Any, int]:
    """Return the result of ``call``, and its number of steps of Python: no clock is that exact.

    The steps are the lines of Debonair's own code, and all calls.
    """
    count = 0

    def line(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def begin(frame: FrameType, _: str, __: Any) -> Any:
        nonlocal count
        count += 1
        return line if "/debonair/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        return call(), count
    finally:
        sys.settrace(before)
