"""The filter of system calls, evaluated as the kernel does (bpf(4))."""

from __future__ import annotations

import struct

import forget
import pytest


def answer(code: bytes, arch: int, number: int) -> int:
    """Return what the filter says of the call ``number`` of the architecture ``arch``."""
    steps = list(struct.iter_unpack("=HBBI", code))
    at, value = 0, 0
    while True:
        kind, yes, no, operand = steps[at]
        at += 1
        if kind == forget.LOAD:
            value = {0: number, 4: arch}[operand]
        elif kind == forget.EQUAL:
            at += yes if value == operand else no
        elif kind == forget.AT_LEAST:
            at += yes if value >= operand else no
        else:
            assert kind == forget.RETURN
            return int(operand)


@pytest.mark.parametrize(("arch", "first"), sorted(set(forget.CALLS.values())))
def test_three_calls_are_refused_and_those_of_other_architectures(arch: int, first: int) -> None:
    code = forget.program(arch, first)
    assert [answer(code, arch, first + n) for n in range(3)] == [forget.REFUSE] * 3
    assert [answer(code, arch, number) for number in (0, first - 1, first + 3, 0xF0005)] == [
        forget.ALLOW
    ] * 4
    assert answer(code, arch, forget.X32 + first + 2) == forget.REFUSE
    other = next(each for each, _ in forget.CALLS.values() if each != arch)
    assert answer(code, other, 0) == forget.REFUSE


def test_what_is_refused_is_not_permitted() -> None:
    assert forget.REFUSE & 0xFFFF == 1  # EPERM
