"""A deb that is tried wants to change the host: its kernel, its processes, what it runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooms import Attack

pytestmark = pytest.mark.boot


def test_which_program_gets_cores(attack: Attack) -> None:
    """A pipe in core_pattern is run as root of the host. The value that stands there is written again."""
    loot = attack("""#!/bin/sh
[ -e /proc/sys ] || mount -t proc proc /proc
for flags in bind,rw rw; do mount -o remount,$flags /proc/sys; mount -o remount,$flags /proc; done
mkdir -p /srv/proc && mount -t proc proc /srv/proc
for proc in /proc /srv/proc; do
    pattern=$proc/sys/kernel/core_pattern
    value=$(cat $pattern) && echo "$value" >$pattern && echo written
    [ -e $proc/sysrq-trigger ] && ( : >>$proc/sysrq-trigger ) && echo opened
done
umount /srv/proc
echo tried
exit 0
""")
    assert "tried" in loot
    assert "written" not in loot
    assert "opened" not in loot


@pytest.mark.parametrize(
    ("wants", "call"),
    [
        ("a module", "libc.syscall(313, -1, b'', 0)"),  # finit_module
        ("another kernel", "libc.syscall(320, -1, -1, 0, b'', 0)"),  # kexec_file_load
        ("swap", "libc.swapon(b'/nowhere', 0)"),
        ("the ports of devices", "libc.iopl(0)"),
        ("an accounting file", "libc.acct(b'/nowhere')"),
        ("a program in the kernel", "libc.syscall(321, 5, b'', 0)"),  # bpf
        ("to watch all processors", "libc.syscall(298, b'', -1, 0, -1, 0)"),  # perf_event_open
        ("memory for other's faults", "libc.syscall(323, 0)"),  # userfaultfd
        ("a key of the kernel", "libc.syscall(248, b'user', b'x', b'y', 1, -3)"),  # add_key
        ("rings in the kernel", "libc.syscall(425, 0, 0)"),  # io_uring_setup
    ],
)
def test_what_the_kernel_runs(attack: Attack, wants: str, call: str) -> None:
    """Each call is wrong besides: who may make it is told so (ENOEXEC, EBADF, ENOENT, EFAULT, EINVAL)."""
    loot = attack(f"""#!/usr/bin/python3
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
got = {call}
print(errno.errorcode.get(ctypes.get_errno()) if got < 0 else "done")
""")
    assert loot.strip() in {"EPERM", "ENOSYS"}, f"it wants {wants}"


def test_what_time_it_is(attack: Attack) -> None:
    """The status of the clock is set to what it is."""
    loot = attack("""#!/usr/bin/python3
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
clock = ctypes.create_string_buffer(512)
libc.adjtimex(clock)
ctypes.memset(clock, 0, 4)
clock[0] = 0x10
print("set" if libc.adjtimex(clock) >= 0 else os.strerror(ctypes.get_errno()))
""")
    assert "set" not in loot


@pytest.fixture
def registration() -> Iterator[str]:
    """An entry of binfmt_misc that no file matches, as that of another container's emulator."""
    folder = Path("/proc/sys/fs/binfmt_misc")
    mounted = not (folder / "register").exists()
    if mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", folder], check=True)
    name = f"attacked-{os.getpid()}"
    try:
        (folder / "register").write_text(f":{name}:M::nothing begins so\\x00\\x01::/bin/true:")
        yield name
        (folder / name).write_text("-1")
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


def test_which_programs_are_emulated(attack: Attack, registration: str) -> None:
    loot = attack(f"""#!/bin/sh
[ -e /proc/self ] || mount -t proc proc /proc
mkdir -p /srv/binfmt && mount -t binfmt_misc binfmt_misc /srv/binfmt
echo -1 >/srv/binfmt/{registration}
umount /srv/binfmt
echo tried
exit 0
""")
    assert "tried" in loot
    assert Path("/proc/sys/fs/binfmt_misc", registration).exists()


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def test_which_processes_run(attack: Attack, victim: subprocess.Popen[bytes]) -> None:
    """By its number on the host, as a trial without a pid namespace sees it; and whatever else it sees."""
    loot = attack(f"""#!/bin/sh
kill -TERM {victim.pid} && echo killed
[ -e /proc/self ] || mount -t proc proc /proc
for pid in $(grep -l '^sleep.300' /proc/[0-9]*/cmdline | cut -d/ -f3); do kill $pid && echo killed; done
echo tried
exit 0
""")
    time.sleep(0.1)
    assert "tried" in loot
    assert "killed" not in loot
    assert victim.poll() is None
