#!/usr/bin/python3 -ISB
"""Prints options of uWSGI that fit the machine: how many processes of the app it carries, and their bounds.

uWSGI runs it each time that it reads the configuration of a release, as the app's user: the card may be in
another board by then. It asks the kernel alone, as its sandbox shows it nothing of the machine in /proc. It
imports next to nothing, as a sleeping app does not wake before it has ended, on the slowest board too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

_MOST = 4  # processes; who wants more of them says so
_ROOM = 96 * 2**20  # bytes for a process: an app with its libraries takes half of that, and grows
_UNITS = "KMGT"
_NAMES = ("processes", "workers", "p")  # of uWSGI's option, which has three


def main(argv: list[str]) -> None:
    """Print the options for the app ``argv[0]``, as limits.py of the build asks for them.

    ``argv[1]`` is the number that its author chose, or ``auto``; ``argv[2]`` its memory-max, if it has one;
    ``argv[3]``, if it is there, says that uWSGI may replace a worker in good order.
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
    """Return how many processes a machine carries that has so many ``cores``, and ``memory`` in bytes.

    One for each core, as Python computes on one at a time, if it has room: in half of the machine's memory,
    and in no more than ``bound`` bytes, which 0 leaves open. It is one at least.
    """
    mine = min(memory // 2, bound or memory)
    return max(1, min(cores, mine // _ROOM, _MOST))


def bounds(share: int, *, gracefully: bool) -> Iterator[str]:
    """Yield the options that keep a worker within its ``share`` of the memory, in bytes.

    One that has more is ended; ``gracefully``, one that comes near to it is replaced before, when it has
    answered. uWSGI counts in megabytes. ``limit-as`` is no way: it counts what threads reserve and never
    touch.
    """
    megabytes = max(share >> 20, 2)
    yield f"evil-reload-on-rss = {megabytes}"
    yield "mem-collector-freq = 3"
    if gracefully:
        yield f"reload-on-rss = {megabytes * 3 // 4}"


def size(text: str, memory: int) -> int:
    """Return the bytes that ``text`` means as MemoryMax= of systemd, on a machine with ``memory`` bytes."""
    if text.endswith("%"):
        return memory * int(text[:-1]) // 100
    unit = _UNITS.find(text[-1]) + 1
    return int(text[:-1] if unit else text) << 10 * unit


def asked(text: str) -> int:
    """Return the number of processes that the admin's options of uWSGI ask for, 0 if they do not."""
    found = 0
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() in _NAMES:
            found = int(value) if value.strip().isdecimal() else 0
    return found


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:  # noqa: PTH123 - pathlib takes long
            return opened.read()
    except OSError:  # there is none, as a rule; one that may not be read stops uWSGI itself
        return ""


if __name__ == "__main__":
    main(sys.argv[1:])
