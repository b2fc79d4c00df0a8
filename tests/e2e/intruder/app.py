"""An app that was broken into: each of its pages tries something, and says what came of it.

``/read?/etc/passwd`` answers ``OK`` and what it got, or the name of the error, such as ``EACCES``.
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

KEPT: list[bytearray] = []


def read(path: str) -> str:
    return Path(path).read_bytes().decode(errors="replace")


def write(path: str) -> str:
    with Path(path).open("a") as file:
        file.write("# the intruder was here\n")
    return ""


def make(path: str) -> str:
    Path(path).touch()
    return ""


def names(path: str) -> str:
    return " ".join(sorted(one.name for one in Path(path).iterdir()))


def mode(path: str) -> str:
    """Make a file that whoever runs it becomes this app by."""
    Path(path).touch()
    Path(path).chmod(0o4755)
    return ""


def connect(path: str) -> str:
    """Connect to a socket: a path, or a host and a port with a colon between."""
    host, colon, port = path.rpartition(":")
    with socket.socket(socket.AF_INET if colon else socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect((host, int(port)) if colon else path)
    return ""


def run(words: str) -> str:
    """Run a command, without a shell."""
    argv = words.split("+")
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def become(user: str) -> str:
    os.setuid(int(user))
    return ""


def end(pid: str) -> str:
    os.kill(int(pid), 0)
    return ""


def mount(place: str) -> str:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", place.encode(), b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")
    return ""


def privileges(_: str) -> str:
    """The lines of proc_pid_status(5) that say what this process may become."""
    wanted = ("Uid:", "NoNewPrivs:", "Seccomp:", "CapEff:", "CapPrm:", "CapBnd:")
    return "\n".join(line for line in read("/proc/self/status").splitlines() if line.startswith(wanted))


def variable(name: str) -> str:
    return os.environ[name]


def grow(megabytes: str) -> str:
    """Take memory and keep it; say which process has it."""
    KEPT.append(bytearray(b"x" * (int(megabytes) << 20)))
    return str(os.getpid())


def hoard(megabytes: str) -> str:
    """Take memory and do not answer while it is held."""
    taken = bytearray(b"x" * (int(megabytes) << 20))
    time.sleep(50)
    return str(len(taken))


PAGES = (
    read, write, make, names, mode, connect, run, become, end, mount, privileges, variable, grow, hoard,
)  # fmt: skip


def app(environ: Mapping[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    page = {f"/{one.__name__}": one for one in PAGES}.get(environ["PATH_INFO"])
    try:
        answer = f"OK {page(unquote(environ['QUERY_STRING'])) if page else ''}"
    except OSError as refused:
        answer = errno.errorcode.get(refused.errno or 0, repr(refused))
    except Exception as other:  # whatever it is, the test is told
        answer = repr(other)
    start("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [answer.encode()]
