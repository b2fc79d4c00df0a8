from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from debonair.deb import reader_pool
from debonair.errors import Error, PackageError, ProjectError

DEB = Path("x.deb")


def answer(*pieces: bytes) -> tuple[reader_pool._Answer, list[bool]]:
    got = reader_pool._Answer()
    return got, [got.add(piece) for piece in pieces]


@pytest.mark.parametrize("step", [1, 3, 100])
def test_an_answer_comes_in_pieces(step: int) -> None:
    text = b"%d 3\n" % len(b'{"found": "ok"}') + b'{"found": "ok"}abc'
    got, could = answer(*[text[at : at + step] for at in range(0, len(text), step)])
    assert got.whole
    assert all(could)
    assert got.parts() == ({"found": "ok"}, b"abc")


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"2 0\n{}", b""],
        [b"2 0\n{}x"],
        [b"-2 0\n"],
        [b"2\n{}"],
        [b"x" * 65],
        [b"1" * 20 + b" 1\n"],
        [b"%d 0\n" % ((1 << 28) + 1)],
    ],
)
def test_what_is_no_answer(pieces: list[bytes]) -> None:
    assert not answer(*pieces)[1][-1]


@pytest.mark.parametrize("text", [b"2 0\n{]", b"2 0\n\xff\xff", b"100000 0\n" + b"[" * 100_000])
def test_an_answer_that_cannot_be_read_says_nothing(text: bytes) -> None:
    got, _ = answer(text)
    assert got.whole
    assert got.parts() == ({}, b"")


def test_what_was_found() -> None:
    assert reader_pool.found(DEB, {"found": 3}) == 3


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            {"unfit": ["it is cut", "Fetch it again."]},
            PackageError,
            "is not a usable Debian package: it is cut.",
        ),
        ({"error": ["ProjectError", "wrong", ""]}, ProjectError, "wrong"),
        ({"error": ["Path", "wrong", ""]}, PackageError, "wrong"),
        ({"error": ["system", "wrong", ""]}, PackageError, "wrong"),
        (
            {"broken": "KeyError: 1"},
            PackageError,
            "was refused: the process that read it failed: KeyError: 1",
        ),
        ({}, PackageError, "its answer is not valid"),
        ([], PackageError, "its answer is not valid"),
        ({"unfit": "x"}, PackageError, "its answer is not valid"),
        ({"error": [1, 2, 3]}, PackageError, "its answer is not valid"),
    ],
)
def test_a_refusal(answer: Any, kind: type[Error], text: str) -> None:
    with pytest.raises(Error) as refused:
        reader_pool.found(DEB, answer)
    assert type(refused.value) is kind
    assert text in refused.value.message
