from __future__ import annotations

import json

import pytest

from debonair.errors import LockError
from debonair.wheels import backend_program
from debonair.wheels.backend_program import Answer


def test_an_answer() -> None:
    assert backend_program.answer(b'{"asked": ["cffi"]}') == Answer(("cffi",))
    assert backend_program.answer('{"asked": [], "wheel": "p.whl"}') == Answer((), "p.whl")


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b'{"asked": "cffi"}', b'{"asked": [], "wheel": 1}'])
def test_an_answer_of_another_form(data: bytes) -> None:
    with pytest.raises(LockError, match="exited without a result"):
        backend_program.answer(data)


def test_too_many_requests() -> None:
    with pytest.raises(LockError, match="requests 101 packages"):
        backend_program.answer(json.dumps({"asked": ["x"] * 101}))
