"""What is entered with: the rights that are left, as far as it is seen without entering."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

import pytest

from debonair.trial import enter


def test_what_a_process_gave_up_nobody_gets_back() -> None:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (told,) = (line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    assert enter._bounding_set(str(os.getpid())) == int(told, 16)


def test_the_calls_that_are_forbidden_are_known_here() -> None:
    library, rules = enter._rules()
    known = [
        name
        for names in enter.FORBIDDEN.values()
        for name in names
        if library.seccomp_syscall_resolve_name(name.encode()) != -1
    ]
    assert {"bpf", "finit_module", "open_by_handle_at", "io_uring_setup", "adjtimex"} <= set(known)
    assert rules.value
    library.seccomp_release(rules)


def test_what_the_kernel_refuses_is_an_error() -> None:
    ctypes.set_errno(errno.EPERM)
    with pytest.raises(PermissionError):
        enter._check(-1)
    enter._check(0)
