"""The filter of system calls, evaluated as the kernel does (bpf(4))."""

from __future__ import annotations

import socket
import struct

import pytest
import system_calls

ALLOW, REFUSE, UNKNOWN = system_calls.ALLOW, system_calls.REFUSE, system_calls.UNKNOWN


def answer(code: bytes, arch: int, number: int, argument: int = 0) -> int:
    """Return what the filter says of the call ``number`` of the architecture ``arch``."""
    steps = list(struct.iter_unpack("=HBBI", code))
    at, value = 0, 0
    while True:
        kind, yes, no, operand = steps[at]
        at += 1
        if kind == system_calls.LOAD:
            value = {0: number, 4: arch, system_calls.ARGUMENT: argument}[operand]
        elif kind == system_calls.EQUAL:
            at += yes if value == operand else no
        elif kind == system_calls.AT_LEAST:
            at += yes if value >= operand else no
        else:
            assert kind == system_calls.RETURN
            return int(operand)


CALLS = sorted(set(system_calls.CALLS.values()))


@pytest.mark.parametrize(("arch", "keys", "made", "multiplexed"), CALLS)
def test_keys_rings_and_calls_of_other_architectures_are_refused(
    arch: int, keys: int, made: int, multiplexed: int
) -> None:
    code = system_calls.program(arch, keys, made, multiplexed)
    assert [answer(code, arch, keys + n) for n in range(3)] == [REFUSE] * 3
    assert [answer(code, arch, 425 + n) for n in range(3)] == [REFUSE] * 3
    others = (0, keys - 1, keys + 3, 424, 428, 0xF0005)
    assert [answer(code, arch, number) for number in others] == [ALLOW] * 6
    assert answer(code, arch, system_calls.X32 + keys + 2) == REFUSE
    assert answer(code, next(call[0] for call in CALLS if call[0] != arch), 0) == REFUSE


@pytest.mark.parametrize(("arch", "keys", "made", "multiplexed"), CALLS)
def test_sockets_are_of_four_families_only(arch: int, keys: int, made: int, multiplexed: int) -> None:
    code = system_calls.program(arch, keys, made, multiplexed)
    allowed = [family for family in range(64) if answer(code, arch, made, family) == ALLOW]
    assert allowed == [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK]
    assert answer(code, arch, made, socket.AF_VSOCK) == UNKNOWN
    if multiplexed != system_calls.NONE:
        assert answer(code, arch, multiplexed, 1) == UNKNOWN  # whatever family it is of
        assert answer(code, arch, multiplexed, 8) == ALLOW  # a pair of connected ones


def test_what_is_refused_has_an_error_that_programs_expect() -> None:
    assert REFUSE & 0xFFFF == 1  # EPERM
    assert UNKNOWN & 0xFFFF == 97  # EAFNOSUPPORT
