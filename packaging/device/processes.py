#!/usr/bin/python3 -ISB
"""Prints options of uWSGI that fit the machine: the number of the app's processes, and their limits.

uWSGI runs it each time that it reads the configuration of a release, as the app's user. Somebody may have
put the card into another board since the last start. It asks only the kernel, because its sandbox hides the
machine's /proc. It imports almost nothing, because a sleeping app wakes only after this program has ended,
even on the slowest board.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

_MOST = 4  # processes; an author who needs more sets the number
_ROOM = 96 * 2**20  # bytes for a process: an app with its libraries takes half of that, and grows
_UNITS = "KMGT"
_NAMES = ("processes", "workers", "p")  # of uWSGI's option, which has three names


def main(argv: list[str]) -> None:
    """Print the options for the app ``argv[0]``, with the arguments from limits.py of the build.

    ``argv[1]`` is the number that its author chose, or ``auto``. ``argv[2]`` is its memory-max, if it has
    one. ``argv[3]``, if present, means that uWSGI may replace a worker gracefully.
    """
    app, number, memory_max = argv[0], argv[1], "".join(argv[2:3])
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    bound = size(memory_max, memory) if memory_max else 0
    chosen = asked(_text(f"/etc/{app}/vassal.ini")) or (0 if number == "auto" else int(number))
    count = chosen or carried(cores, memory, bound)
    print("[uwsgi]")
    if number == "auto":
        print(f"processes = {count}")
    if bound:
        for line in bounds(bound // count, gracefully=len(argv) > 3):
            print(line)


def carried(cores: int, memory: int, bound: int = 0) -> int:
    """Return the number of processes for a machine with ``cores`` and ``memory`` in bytes.

    It is one process for each core, because Python computes on one core at a time. They must fit into half
    of the machine's memory, and into ``bound`` bytes, if that is not 0. There is at least one.
    """
    mine = min(memory // 2, bound or memory)
    return max(1, min(cores, mine // _ROOM, _MOST))


def bounds(share: int, *, gracefully: bool) -> Iterator[str]:
    """Yield the options that keep a worker within its ``share`` of the memory, in bytes.

    A worker with more memory is killed. With ``gracefully``, a worker near its share is replaced before
    that, between two requests. uWSGI counts in megabytes. ``limit-as`` does not work, because it counts
    memory that threads reserve and never touch.
    """
    megabytes = max(share >> 20, 2)
    yield f"evil-reload-on-rss = {megabytes}"
    yield "mem-collector-freq = 3"
    if gracefully:
        yield f"reload-on-rss = {megabytes * 3 // 4}"


def size(text: str, memory: int) -> int:
    """Return the bytes of ``text``, a value of systemd's MemoryMax=, on a machine with ``memory`` bytes."""
    if text.endswith("%"):
        return memory * int(text[:-1]) // 100
    unit = _UNITS.find(text[-1]) + 1
    return int(text[:-1] if unit else text) << 10 * unit


def asked(text: str) -> int:
    """Return the number of processes in the admin's options of uWSGI, 0 if they set none."""
    found = 0
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() in _NAMES:
            found = int(value) if value.strip().isdecimal() else 0
    return found


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:  # noqa: PTH123 - pathlib takes long to import
            return opened.read()
    except OSError:  # usually the file does not exist; if it is unreadable, uWSGI itself reports that
        return ""


if __name__ == "__main__":
    main(sys.argv[1:])
