"""Which rights are left to a command inside, and in which order they are given up; nothing is entered."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from debonair.debian.rootfs import enter


class Left(BaseException):
    """A process that leaves at once, with its status."""


class Kernel:
    """Stands in for libc, libseccomp and what ``os`` asks of the kernel, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses: set[str] = set()
        self.refuses_filter_once = False

    def __getattr__(self, name: str) -> Any:
        def asked(*words: object) -> int:
            self.asked.append(
                " ".join([name, *(str(word) for word in words if isinstance(word, int | str))])
            )
            if name == "seccomp_load" and self.refuses_filter_once:
                self.refuses_filter_once = False
                return -1
            return -1 if name in self.refuses else 0

        return asked

    def capget(self, head: object, sets: Any) -> int:
        assert head
        sets[0:6] = [0xFFFFFFFF, 0xFFFFFFFF, 0xFF, 0x1FF, 0x1FF, 0]
        return 0

    def capset(self, head: object, sets: Any) -> int:
        assert head
        self.asked.append("capset " + " ".join(f"{part:x}" for part in sets))
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(enter, "_libc", made)
    monkeypatch.setattr(enter, "_rules", lambda: (made, "rules"))
    for name in ("chroot", "chdir", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, getattr(made, name))

    def execute(path: str, words: list[str], environment: dict[str, str]) -> NoReturn:
        made.asked.append(f"execve {path} {words} {sorted(environment)}")
        raise (
            FileNotFoundError if path.startswith("/usr/local") else PermissionError(13, "Permission denied")
        )

    def leave(status: int) -> NoReturn:
        raise Left(status)

    monkeypatch.setattr(os, "execve", execute)
    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(os, "fork", lambda: 0)
    return made


def entered(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["enter.py", *words])
    return enter.main()


def test_rights_are_given_up_before_anything_runs(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Left, match="127"):
        entered(monkeypatch, "root=/r", "bound=c3", "--", "env", "-i")
    asked = kernel.asked
    assert asked[:2] == ["chroot /r", "chdir /"]
    dropped = {int(line.split()[2]) for line in asked if line.startswith("prctl 24 ")}
    assert dropped == set(range(64)) - {0, 1, 6, 7}
    order = ["setresuid", "prctl 24", "seccomp_load", "capset", "execve"]
    places = [next(place for place, line in enumerate(asked) if line.startswith(each)) for each in order]
    assert places == sorted(places)
    assert "capset c3 c3 0 0 0 0" in asked, "nothing is inheritable, which root's next program would have"
    assert asked[-1] == "execve /bin/env ['env', '-i'] ['HOME', 'LANG', 'PATH', 'TERM']"


def test_namespaces_are_entered_first(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getpid()
    with pytest.raises(Left, match="127"):
        entered(monkeypatch, f"pid={me}", "spaces=user,mnt,pid", "--", "/bin/true")
    entries = [int(line.split()[2]) for line in kernel.asked if line.startswith("setns ")]
    assert entries == [0x10000000, 0x20000, 0x20000000]
    assert "prctl 1 9 0 0 0" in kernel.asked, "it ends with whoever entered"
    assert not any(line.startswith("chroot") for line in kernel.asked)
    assert kernel.asked[-1].startswith("execve /bin/true ")


def test_without_a_right_to_forbid_there_are_no_setuid_programs(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.refuses_filter_once = True
    with pytest.raises(Left, match="127"):
        entered(monkeypatch, "bound=c3", "--", "/bin/true")
    assert [line.split()[0] for line in kernel.asked if "seccomp" in line] == [
        "seccomp_load",
        "seccomp_attr_set",
        "seccomp_load",
    ]


@pytest.mark.parametrize("refused", ["seccomp_load", "setns"])
def test_what_is_refused_is_not_done_without(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    kernel.refuses.add(refused)
    ctypes.set_errno(errno.EPERM)
    with pytest.raises(PermissionError):
        entered(monkeypatch, f"pid={os.getpid()}", "spaces=mnt", "bound=c3", "--", "/bin/true")
    assert not any(line.startswith("execve") for line in kernel.asked)


@pytest.mark.parametrize(("waited", "status"), [(3 << 8, 3), (0, 0), (9, 137)])
def test_the_status_is_that_of_the_command(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, waited: int, status: int
) -> None:
    stopped, ended = (SimpleNamespace(si_code=code) for code in (os.CLD_STOPPED, os.CLD_EXITED))
    states = [stopped, None, stopped, stopped, ended]
    monkeypatch.setattr(os, "fork", lambda: 8)
    monkeypatch.setattr(os, "waitid", lambda *_: states.pop(0))
    monkeypatch.setattr(os, "waitpid", lambda *_: (8, waited))
    monkeypatch.setattr(os, "kill", kernel.kill)
    assert entered(monkeypatch, f"pid={os.getpid()}", "spaces=pid", "--", "/bin/true") == status
    stops = [line for line in kernel.asked if line.startswith("kill")]
    assert stops == [f"kill {os.getpid()} 19", "kill 8 18"], "it stops once, and goes on"


def test_it_outlives_its_command(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """At SIGTERM, it ends the command and reaps it; otherwise a slow init would have to."""

    def wait(*_: object) -> SimpleNamespace:
        if not any(line.startswith("kill") for line in kernel.asked):
            signal.raise_signal(signal.SIGTERM)
        return SimpleNamespace(si_code=os.CLD_KILLED)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(os, "fork", lambda: 8)
    monkeypatch.setattr(os, "waitid", wait)
    monkeypatch.setattr(os, "waitpid", lambda *_: (8, signal.SIGKILL))
    monkeypatch.setattr(os, "kill", kernel.kill)
    try:
        assert entered(monkeypatch, f"pid={os.getpid()}", "spaces=pid", "--", "/bin/true") == 137
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [line for line in kernel.asked if line.startswith("kill")] == ["kill 8 9"]


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
