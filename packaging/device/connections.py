"""The connections to a socket of an app that has a web server of its own, from the kernel's table."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

WAITING, ACCEPTED = b"02", b"03"
"""The states of a connection in /proc/net/unix."""
_UNIX = re.compile(rb"(?m)^[0-9a-f]{8,16}:(?: [0-9A-F]{8}){3} [0-9A-F]{4} ([0-9A-F]{2}) +(\d+) (/.*)$")
"""A line of /proc/net/unix: state, inode and path."""


def states(sock: Path, pids: list[int]) -> list[bytes]:
    """Return the states of all connections to ``sock``, on which the processes ``pids`` listen (proc(5)).

    The name of an abstract socket may contain line breaks (unix(7)). So everybody can add lines to that
    table. A line counts as an accepted connection only if one of ``pids`` holds its socket. A forged
    connection that waits makes a switch wait, for a limited time.
    """
    found, held = [], set[str]()
    for pid in pids[:1]:  # each network namespace has its own table
        with suppress(OSError):
            table = Path(f"/proc/{pid}/net/unix").read_bytes()
            for state, inode, name in _UNIX.findall(table):
                if name == os.fsencode(sock):
                    held = held or _held(pids)
                    if state != ACCEPTED or inode.decode() in held:
                        found.append(state)
    return found


def _held(pids: list[int]) -> set[str]:
    """Return the inodes of the sockets that the processes ``pids`` hold."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    kind, _, inode = str(entry.readlink()).partition(":")
                    if kind == "socket":
                        found.add(inode.strip("[]"))
    return found
