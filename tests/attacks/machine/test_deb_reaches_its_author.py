"""A deb that is tried wants what whoever tries it has: a terminal, an environment, a disk, time, memory."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from rooms import Attack, hostile

from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.machine import Machine
from debonair.errors import MachineError
from debonair.host import output

pytestmark = pytest.mark.boot

CHECKOUT = Path(__file__).parents[3]
TYPE = """#!/usr/bin/python3
import fcntl, sys, termios
for request in (termios.TIOCSTI, termios.TIOCSTI | 1 << 32, 0x541C):
    try:
        for letter in b"owned\\n":
            fcntl.ioctl(0, request, bytes([letter]))
        print("typed")
    except (OSError, OverflowError, ValueError) as refused:
        print("refused", refused)
"""


def test_its_environment(attack: Attack, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tokens in it, by a program in the place of one that a trial calls."""
    monkeypatch.setenv("AUTHORS_TOKEN", "token-of-the-author")
    attack("""#!/bin/sh
[ -e /usr/bin/env.real ] || cp /usr/bin/env /usr/bin/env.real
printf '#!/bin/sh\\nexport -p >>/root/environment\\nexec /usr/bin/env.real "$@"\\n' >/usr/bin/env.new
chmod 755 /usr/bin/env.new
mv /usr/bin/env.new /usr/bin/env
""")
    machine.run(["true"])
    seen = machine.read("/root/environment") or ""
    machine.run(["mv", "/usr/bin/env.real", "/usr/bin/env"])
    assert "PATH" in seen
    assert "token-of-the-author" not in seen


def test_their_keyboard(machine: Machine) -> None:
    """What is typed on a terminal after a trial is run by the shell of whoever tried."""
    machine.write("/root/type", TYPE.encode(), mode=0o755)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *machine.words(["/root/type"])],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output, _ = process.communicate(timeout=60)
    os.set_blocking(theirs, False)
    attributes = termios.tcgetattr(theirs)
    attributes[3] &= ~termios.ICANON
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    try:
        typed = os.read(theirs, 100)
    except BlockingIOError:
        typed = b""
    os.close(ours)
    os.close(theirs)
    assert "refused" in output
    assert "typed" not in output
    assert typed == b""


LISTENS = """#!/usr/bin/python3
import ctypes, errno, socket, sys
def made(family):
    try:
        with socket.socket(family, socket.SOCK_RAW if family == socket.AF_NETLINK else socket.SOCK_STREAM):
            return "made"
    except OSError as refused:
        return errno.errorcode[refused.errno]
libc = ctypes.CDLL(None, use_errno=True)
ring = errno.errorcode.get(ctypes.get_errno()) if libc.syscall(425, 0, 0) < 0 else "made"
families = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_VSOCK, 38)
print(*map(made, families), ring)
"""
REFUSED = "made made made made EAFNOSUPPORT EAFNOSUPPORT ENOSYS"


def test_their_machine_past_its_network(attack: Attack) -> None:
    """By AF_VSOCK, which no network namespace separates, or by a ring that makes sockets unseen."""
    assert attack(LISTENS).strip() == REFUSED


def test_their_machine_from_a_service(machine: Machine) -> None:
    """What process 1 of a booted Debian starts is not entered by the door, and gets no more."""
    if not isinstance(machine, Container):
        return  # without systemd, services are started as the deb's scripts are
    machine.write("/root/listens", LISTENS.encode(), mode=0o755)
    output = machine.run(["systemd-run", "--pipe", "--wait", "--quiet", "/root/listens"]).stdout
    assert output.strip() == REFUSED


def test_their_time(attack: Attack) -> None:
    """By a daemon that keeps the output of apt open."""
    began = time.monotonic()
    attack("""#!/bin/sh
[ -e /proc/self ] || mount -t proc proc /proc
for apt in $(grep -l '^apt-get' /proc/[0-9]*/cmdline | cut -d/ -f3); do
    sleep 100 >/proc/$apt/fd/1 2>&1 &
done
exit 0
""")
    assert time.monotonic() - began < 95


def test_their_memory(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By output without end."""
    monkeypatch.setattr(output.listen, "__kwdefaults__", {"limit": 4 << 20})
    with pytest.raises(MachineError, match="was stopped: it wrote more than 4 MB"):
        machine.run(["yes"])


ESCAPES = r"""#!/bin/sh
printf '\033]0;owned\007\033[2J\302\2331;31mred\n'
printf '\033]0;owned\007\033[2J\n' >&2
exit 1
"""


def test_their_screen(tmp_path: Path) -> None:
    """By what its postinst says as it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "debonair", "try", hostile(tmp_path, ESCAPES)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 10
    assert b"\\x1b]0;owned\\x07" in done.stderr
    assert b"\x1b" not in done.stderr + done.stdout
    assert b"\x07" not in done.stderr + done.stdout
    assert b"\xc2\x9b" not in done.stderr + done.stdout
