"""A deb that is tried wants to read a file of the host: a marker that the test made."""

from __future__ import annotations

from pathlib import Path

import pytest
from rooms import Attack

pytestmark = pytest.mark.boot

SECRET = "the host's secret"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file of the host that root alone may read, in folders as those of root's home are."""
    path = tmp_path / "marker"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


def test_by_leaving_the_chroot(attack: Attack, marker: Path) -> None:
    loot = attack(f"""#!/usr/bin/python3
import os
os.makedirs("/tmp/cell", exist_ok=True)
outside = os.open("/", os.O_RDONLY)
try:
    os.chroot("/tmp/cell")
    os.fchdir(outside)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
except OSError as refused:
    print("refused", refused)
try:
    print(open("{marker}").read())
except OSError as refused:
    print("refused", refused)
sys.stdout.flush()
os._exit(0)
""")
    assert "refused" in loot
    assert SECRET not in loot


def test_by_the_root_of_another_process(attack: Attack, marker: Path) -> None:
    loot = attack(f"""#!/bin/sh
[ -e /proc/self ] || mount -t proc proc /proc
for root in /proc/[0-9]*/root /proc/[0-9]*/cwd; do cat $root{marker}; done
exit 0
""")
    assert SECRET not in loot


def test_by_a_handle_of_its_file_system(attack: Attack, marker: Path) -> None:
    """What is bound from the host leads to all of its file system for who may open by handles."""
    loot = attack(f"""#!/usr/bin/python3
import ctypes, os, re, struct
libc = ctypes.CDLL(None, use_errno=True)
handle = ctypes.create_string_buffer(struct.pack("<IiIII", 8, 1, 2, 0, 0))
places = []
try:
    places = [line.split()[4] for line in open("/proc/self/mountinfo")]
except OSError as refused:
    print("refused", refused)
for place in ["/", *places]:
    try:
        known = os.open(place, os.O_RDONLY)
    except OSError:
        continue
    root = libc.open_by_handle_at(known, handle, os.O_RDONLY | os.O_DIRECTORY)
    if root < 0:
        print("refused", place, os.strerror(ctypes.get_errno()))
        continue
    try:
        print(os.read(os.open("{marker}".lstrip("/"), os.O_RDONLY, dir_fd=root), 100))
    except OSError as refused:
        print("refused", place, refused)
""")
    assert "refused" in loot
    assert SECRET not in loot


def test_by_a_device_node(attack: Attack, marker: Path) -> None:
    """The node of the disk on which the marker is; it is looked at alone."""
    device = marker.stat().st_dev
    loot = attack(f"""#!/usr/bin/python3
import os, stat
for place in ("/root/disk", "/dev/disk", "/tmp/disk"):
    try:
        os.mknod(place, stat.S_IFBLK | 0o600, {device})
        print("made", os.stat(place))
        os.close(os.open(place, os.O_RDONLY))
        print("opened")
    except OSError as refused:
        print("refused", refused)
""")
    assert "refused" in loot
    assert "opened" not in loot
    assert "made" not in loot


@pytest.mark.parametrize(
    "what",
    ["-t devtmpfs devtmpfs", "-t cgroup -o cpuset cgroup", "-t sysfs -o rw sysfs", "-t debugfs debugfs"],
)
def test_by_a_mount_of_the_kernels_own(attack: Attack, what: str) -> None:
    """With the device nodes of the host, its control groups and a release_agent, or what drivers tell."""
    loot = attack(f"""#!/bin/sh
mkdir -p /srv/mounted
mount {what} /srv/mounted || echo refused
for file in /srv/mounted/*/uevent /srv/mounted/release_agent /srv/mounted/kernel/mm/ksm/run \\
    /srv/mounted/sched; do
    [ -w $file ] && echo writable $file
done
for node in /srv/mounted/*; do [ -b $node ] && echo node $node; done
umount /srv/mounted
exit 0
""")
    assert "writable" not in loot
    assert "node" not in loot


def test_by_what_the_kernel_logs(attack: Attack) -> None:
    loot = attack("""#!/usr/bin/python3
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
data = ctypes.create_string_buffer(4096)
got = libc.klogctl(3, data, len(data))
print("read" if got >= 0 else "refused", os.strerror(ctypes.get_errno()))
""")
    assert "read" not in loot
    assert "refused" in loot
