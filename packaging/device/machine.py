"""The machine's own troubles: its power supply, clock, memory and disk.

The kernel, systemd and the firmware report all of it; nothing here is text of the app. If a machine does
not report something, it is left out: a laptop has no under-voltage, and the host of a container keeps the
time.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import call
from person import sudo
from release import Home, Release

_SOON = 5.0  # seconds for the firmware or timedated to answer
_FULL = 2**20  # free bytes below which a disk counts as full
_LOW_DISK, _LOW_PART = 2**30, 20  # free bytes, and the part of a disk, below which space is low
_LOW_MEMORY = 10  # part of the memory below which the kernel soon ends processes
_BITS = {0: "under-voltage", 1: "slowed down", 2: "throttled", 3: "too hot"}
"""The bits of the firmware for now; 16 bits higher are those since the start of the Pi."""
_POWER = "use a stronger power supply or a shorter cable"


@dataclass
class Machine:
    """The machine's state, for programs, and its troubles, for people."""

    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Troubles with which the app cannot work."""
    warnings: list[str] = field(default_factory=list)
    """Troubles with which the app still works."""


def look(home: Home, release: Release | None) -> Machine:
    """Return the state of the machine on which ``release`` is served."""
    found = Machine()
    for part in (_disk, _power, _clock, _memory):
        part(home, release, found)
    return found


def summary(facts: dict[str, Any]) -> str:
    """Return a few words about disk and memory."""
    words = []
    if disk := facts.get("disk"):
        words.append(f"{_size(disk['free'])} of {_size(disk['size'])} disk free")
    if memory := facts.get("memory"):
        words.append(f"{_size(memory['available'])} of {_size(memory['size'])} memory free")
    return ", ".join(words)


def _disk(home: Home, release: Release | None, found: Machine) -> None:
    """Look at the file system of the app's data."""
    del release
    try:
        space, mount = os.statvfs(home.data), _mount(home.data)
    except OSError:
        return
    free, size = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    writable = not space.f_flag & os.ST_RDONLY
    full = free < _FULL or (space.f_files > 0 and space.f_favail == 0)
    found.facts["disk"] = {"path": mount, "free": free, "size": size, "full": full, "writable": writable}
    largest = f"{sudo()}du -xh {mount} | sort -h | tail"
    if not writable:
        found.problems.append(
            f"the disk of {home.data} is read-only, maybe it is broken: {sudo()}dmesg | tail"
        )
    elif full:
        what = "has no room for another file" if free >= _FULL else f"is full ({_size(free)} free)"
        clean = f"{sudo()}apt clean && {sudo()}journalctl --vacuum-size=50M. " if mount == "/" else ""
        found.problems.append(f"the disk of {home.data} {what}: {clean}Find the largest folders: {largest}")
    elif free < _LOW_DISK and free * _LOW_PART < size:
        found.warnings.append(f"the disk of {home.data} has only {_size(free)} free: {largest}")


def _mount(path: Path) -> str:
    path = path.resolve()
    return str(next(folder for folder in (path, *path.parents) if os.path.ismount(folder)))


def _power(home: Home, release: Release | None, found: Machine) -> None:
    """Look at the voltage and the temperature of a Raspberry Pi.

    The firmware's file get_throttled in /sys is deprecated. It is not read, because the kernel would log a
    warning with a stack trace.
    """
    del release
    bits = _throttled(home)
    for name in home.root.glob("sys/class/hwmon/*/name"):
        if _text(name).strip() == "rpi_volt":
            bits = (bits or 0) | (_text(name.with_name("in0_lcrit_alarm")).strip() == "1")
    if bits is None:
        return
    now = [word for bit, word in _BITS.items() if bits >> bit & 1]
    since = [word for bit, word in _BITS.items() if bits >> bit + 16 & 1]
    found.facts["power"] = {"now": now, "since-start": since}
    if "under-voltage" in now:
        found.warnings.append(f"the Pi has too little voltage: {_POWER}")
    elif "under-voltage" in since:
        found.warnings.append(f"the Pi had too little voltage since its start: {_POWER}")
    if slow := [word for word in now if word != "under-voltage"]:
        found.warnings.append(f"the Pi is slow now ({', '.join(slow)}): cool it, or {_POWER}")


def _throttled(home: Home) -> int | None:
    """Return the bits that the Pi's firmware reports; None if it is not a Pi, or has no such program."""
    program = home.root / "usr/bin/vcgencmd"
    if not program.exists():
        return None
    status, output = call.call(str(program), "get_throttled", seconds=_SOON)
    reported = re.fullmatch(r"throttled=0x([0-9a-fA-F]{1,8})", output.strip())
    return int(reported[1], 16) if not status and reported else None


def _clock(home: Home, release: Release | None, found: Machine) -> None:
    """Look at the clock: a Pi without a network begins where it was switched off."""
    now, epoch = time.time(), release.epoch if release else 0
    behind = now < epoch
    synchronized = None if _in_container(home) else _synchronized(home)
    found.facts["clock"] = {"now": int(now), "synchronized": synchronized, "behind": behind}
    if behind:
        found.warnings.append(
            f"the clock is wrong: it shows {when(now)}, but this release is from {when(epoch)}: "
            f"check the network, then: {sudo()}timedatectl set-ntp true"
        )
    elif synchronized is False:
        found.warnings.append(
            f"no time server has set the clock, which shows {when(now)}: {sudo()}timedatectl set-ntp true"
        )


def _synchronized(home: Home) -> bool | None:
    """Return whether a time server has set the clock; None if nothing here knows that."""
    if (home.root / "run/systemd/timesync/synchronized").exists():
        return True
    if not call.systemd_runs():
        return None
    answer = call.call("timedatectl", "show", "--property=NTPSynchronized", "--value", seconds=_SOON)
    return {"yes": True, "no": False}.get(answer[1].strip())


def _in_container(home: Home) -> bool:
    return (home.root / "run/systemd/container").exists()


def _memory(home: Home, release: Release | None, found: Machine) -> None:
    """Look at the memory of the machine, and at the processes of the app that the kernel has ended."""
    lines = re.findall(r"(?m)^(MemTotal|MemAvailable): +(\d{1,12}) kB$", _text(home.root / "proc/meminfo"))
    kilobytes = {name: int(digits) for name, digits in lines}
    if len(kilobytes) == 2:
        size, available = (1024 * kilobytes[name] for name in ("MemTotal", "MemAvailable"))
        found.facts["memory"] = {"size": size, "available": available}
        if available * _LOW_MEMORY < size:
            most = "ps -eo rss,user,comm --sort=-rss | head"
            found.warnings.append(f"only {_size(available)} of {_size(size)} memory are free: {most}")
    for unit in (f"{home.package}.service", *(release.commands if release else ())):
        if killed := _killed(home, unit):
            times = "once" if killed == 1 else f"{killed} times"
            found.warnings.append(
                f"the kernel has killed a process of {unit} for lack of memory, {times} since it started: "
                f"{sudo()}journalctl -u {unit}"
            )


def _killed(home: Home, unit: str) -> int:
    """Return how often the kernel has killed a process in the control group of ``unit``."""
    events = _text(home.root / "sys/fs/cgroup/system.slice" / unit / "memory.events")
    return next((int(word) for word in _words(events, "oom_kill")), 0)


def _words(text: str, name: str) -> Iterator[str]:
    yield from re.findall(rf"(?m)^{name} (\d{{1,9}})$", text)


def when(seconds: float) -> str:
    """Return a time of the clock, in seconds since the epoch, as people write it."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _size(number: int) -> str:
    """Return a number of bytes as people write it."""
    if number < 10**9:
        return f"{number / 10**6:.0f} MB"
    return f"{number / 10**9:.{1 if number < 10**10 else 0}f} GB"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
