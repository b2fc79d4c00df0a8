"""A deb that is tried where no user namespace is granted: its root is the host's, and may do little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import refusing
from rooms import hostile

pytestmark = pytest.mark.boot

CHECKOUT = Path(__file__).parents[3]
SECRET = "the host's secret"
CONTAINED = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"]
ATTACKS = """#!/usr/bin/python3
import ctypes, errno, os, stat, sys
sys.stdout = open("/root/loot", "w", buffering=1)
libc = ctypes.CDLL(None, use_errno=True)
os.makedirs("/tmp/cell", exist_ok=True)


def leave_by_fchdir():
    outside = os.open("/", os.O_RDONLY)
    os.chroot("/tmp/cell")
    os.fchdir(outside)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    return open("MARKER").read()


def leave_by_dots():
    return open("/" + "../" * 64 + "MARKER").read()


def find_in_a_process():
    found = [open(f"/proc/{pid}/rootMARKER").read() for pid in os.listdir("/proc") if pid.isdigit()]
    return found[0]


def make_the_disk():
    os.mknod("/root/disk", stat.S_IFBLK | 0o600, DEVICE)


def make_the_memory():
    os.mknod("/root/mem", stat.S_IFCHR | 0o600, os.makedev(1, 1))


def read_the_log():
    called(libc.klogctl(3, ctypes.create_string_buffer(4096), 4096))


def mount_something():
    called(libc.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None))


def mount_the_devices():
    called(libc.mount(b"devtmpfs", b"/mnt", b"devtmpfs", 0, None))


def mount_read_write():
    called(libc.mount(None, b"/proc", None, 32, None))


def write_where_cores_go():
    with open("/proc/sys/kernel/core_pattern", "r+") as file:
        told = file.read()
        file.seek(0)
        file.write(told)


def load_a_module():
    called(libc.syscall(313, -1, b"", 0))


def get_a_namespace():
    called(libc.unshare(0x20000))


def keep_a_capability():
    with open("/proc/self/status") as status:
        held = int(next(line.split()[1] for line in status if line.startswith("CapEff:")), 16)
    if held & ~0x800005FB:
        return hex(held)
    raise PermissionError


def trace_the_host():
    called(libc.ptrace(16, PID, 0, 0))


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


for attack in [each for name, each in list(globals().items()) if "_" in name and name[0] != "_"]:
    child = os.fork()
    if not child:
        try:
            print(attack.__name__, "done", attack())
        except BaseException as refused:
            print(attack.__name__, "refused", refused)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    ("privileges", "degree"),
    [([], "in a namespace"), (CONTAINED, "by a plain chroot")],
    ids=["mounts", "none"],
)
def test_it_is_told_and_little_is_left_to_it(privileges: list[str], degree: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.write_text(SECRET)
    script = ATTACKS.replace("MARKER", str(marker)).replace("DEVICE", str(marker.stat().st_dev))
    deb = hostile(tmp_path, script.replace("PID", str(os.getpid())))
    done = subprocess.run(
        [
            *(sys.executable, refusing.__file__, *privileges),
            *(sys.executable, "-m", "debonair", "try", deb, "--", "cat", "/root/loot"),
        ],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"entered {degree}, without systemd" in done.stderr
    assert "Warning: this machine does not allow user namespaces." in done.stderr
    assert "as this machine's real root" in done.stderr
    lines = [line for line in done.stdout.splitlines() if " refused" in line or " done" in line]
    assert len(lines) == 14, done.stdout
    assert [line for line in lines if " done" in line] == []
    assert SECRET not in done.stdout
