"""A trial wants nothing of another container's, and does not take it away by mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from debonair.debian.apt import host_architecture
from debonair.debian.mirror import mirror
from debonair.debian.rootfs import emulation
from debonair.host.cache import Cache

pytestmark = pytest.mark.boot

FOREIGN = "arm64" if host_architecture() == "amd64" else "armhf"
REGISTER = """
import os, sys
from debonair.host.cache import Cache
from debonair.debian.mirror import mirror
from debonair.debian.rootfs import emulation
cache = Cache.of(os.environ)
with emulation.emulating(sys.argv[1], sys.argv[2], mirror=mirror(os.environ), cache=cache):
    sys.stdout.write("registered\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


def entries() -> set[str]:
    """What is registered on this machine, seen in a mount namespace that ends at once."""
    look = "mount -t binfmt_misc binfmt_misc /mnt && ls /mnt"
    words = ["unshare", "--mount", "sh", "-c", look]
    return set(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split())


def test_the_emulator_of_a_container_with_processes_of_its_own() -> None:
    """Its processes have numbers that mean others, or nobody, on this side."""
    # There the next process gets a number that nobody has out here.
    numbered = 'echo 4000000 >/proc/sys/kernel/ns_last_pid; "$@"; exit'
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-ec", numbered, "sh"]
    argv += [sys.executable, "-c", REGISTER, FOREIGN, host_architecture()]
    before = entries()
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(emulation.__file__).parents[3])},
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "registered\n"
        (theirs,) = entries() - before
        cache = Cache.of(os.environ)
        with emulation.emulating(FOREIGN, host_architecture(), mirror=mirror(os.environ), cache=cache):
            assert theirs in entries()
        assert theirs in entries()
        other.stdin.close()
    assert theirs not in entries()
