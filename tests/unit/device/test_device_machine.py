"""The troubles of the machine itself, each as the kernel, systemd or the firmware reports it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import call
import machine
import pi
import pytest
from machine import Machine
from release import Home, Release

GB = 10**9
NOW = 1_790_000_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A machine with a large disk and a clock, and nothing else that it reports."""
    disk(monkeypatch, free=20 * GB)
    monkeypatch.setattr("time.time", lambda: NOW)
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == "/")
    return pi.home(tmp_path)


@pytest.fixture
def release(home: Home) -> Release:
    return pi.serve(home, "1.0", epoch=NOW - 5)


def disk(monkeypatch: pytest.MonkeyPatch, *, free: int, inodes: int = 9, flags: int = 0) -> None:
    found = SimpleNamespace(
        f_bavail=free // 1000,
        f_frsize=1000,
        f_blocks=30 * GB // 1000,
        f_files=10,
        f_favail=inodes,
        f_flag=flags,
    )
    monkeypatch.setattr(os, "statvfs", lambda _: found)


def file(home: Home, name: str, text: str) -> None:
    path = home.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_machine_without_troubles_has_a_few_words(home: Home, release: Release) -> None:
    file(home, "proc/meminfo", "MemTotal:        927000 kB\nMemFree: 1 kB\nMemAvailable:    500000 kB\n")
    found = machine.look(home, release)
    assert found.problems == found.warnings == []
    assert found.facts == {
        "disk": {"path": "/", "free": 20 * GB, "size": 30 * GB, "full": False, "writable": True},
        "clock": {"now": NOW, "synchronized": None, "behind": False},
        "memory": {"size": 927000 * 1024, "available": 500000 * 1024},
    }
    assert machine.summary(found.facts) == "20 GB of 30 GB disk free, 512 MB of 949 MB memory free"
    assert machine.summary({}) == ""


def test_nothing_may_be_served_or_readable(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(os, "statvfs", refuse)
    found = machine.look(home, None)
    assert (found.problems, found.warnings) == ([], [])
    assert list(found.facts) == ["clock"]


class TestDisk:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"free": 0}, "is full (0 MB free): sudo apt clean && sudo journalctl --vacuum-size=50M. Find"),
            ({"free": 20 * GB, "inodes": 0}, "has no room for another file: sudo apt clean"),
            ({"free": 20 * GB, "flags": os.ST_RDONLY}, "is read-only, maybe it is broken: sudo dmesg"),
        ],
    )
    def test_the_app_cannot_write(
        self,
        home: Home,
        release: Release,
        given: dict[str, Any],
        expected: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        disk(monkeypatch, **given)
        (problem,) = machine.look(home, release).problems
        assert problem.startswith(f"the disk of {home.data} {expected}")

    def test_a_little_is_left(self, home: Home, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
        disk(monkeypatch, free=GB)
        found = machine.look(home, release)
        expected = f"the disk of {home.data} has only 1.0 GB free: sudo du -xh / | sort -h | tail"
        assert (found.problems, found.warnings) == ([], [expected])

    def test_another_disk_is_not_cleaned_by_apt(
        self, home: Home, release: Release, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk(monkeypatch, free=0)
        monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == home.data)
        (problem,) = machine.look(home, release).problems
        assert problem.endswith(
            f"free): Find the largest folders: sudo du -xh {home.data} | sort -h | tail"
        )


class TestPower:
    def sensor(self, home: Home, alarm: str) -> None:
        file(home, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
        file(home, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
        file(home, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm)

    def test_the_kernel_has_a_sensor(self, home: Home, release: Release) -> None:
        self.sensor(home, "0\n")
        assert machine.look(home, release).warnings == []
        self.sensor(home, "1\n")
        found = machine.look(home, release)
        assert found.facts["power"] == {"now": ["under-voltage"], "since-start": []}
        assert found.warnings == [
            "the Pi has too little voltage: use a stronger power supply or a shorter cable"
        ]

    @pytest.mark.parametrize(
        ("answer", "warnings"),
        [
            ("throttled=0x0\n", []),
            ("throttled=0x50000\n", ["the Pi had too little voltage since its start: "]),
            (
                "throttled=0x50005\n",
                ["the Pi has too little voltage: ", "the Pi is slow now (throttled): "],
            ),
            ("throttled=0xe0008\n", ["the Pi is slow now (too hot): cool it, or "]),
            ("VCHI initialization failed\n", []),
        ],
    )
    def test_the_firmware_reports_more(
        self,
        home: Home,
        release: Release,
        answer: str,
        warnings: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file(home, "usr/bin/vcgencmd", "")
        monkeypatch.setattr(call, "call", lambda *_, **__: (0, answer))
        found = machine.look(home, release).warnings
        assert len(found) == len(warnings)
        assert all(one.startswith(start) for one, start in zip(found, warnings, strict=True))

    def test_the_deprecated_file_is_not_read(
        self, home: Home, release: Release, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file(home, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
        assert "power" not in machine.look(home, release).facts
        monkeypatch.setattr(call, "call", lambda *_, **__: (255, ""))
        file(home, "usr/bin/vcgencmd", "")
        assert "power" not in machine.look(home, release).facts


class TestClock:
    @pytest.fixture(autouse=True)
    def timedated(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """What timedatectl answers."""
        found = {"says": "no\n"}
        monkeypatch.setattr(call, "systemd_runs", lambda: True)
        monkeypatch.setattr(call, "call", lambda *_, **__: (0, found["says"]))
        return found

    def look(self, home: Home, release: Release) -> Machine:
        return machine.look(home, release)

    def test_no_time_server_has_set_it(
        self, home: Home, release: Release, timedated: dict[str, str]
    ) -> None:
        (warning,) = self.look(home, release).warnings
        assert warning.startswith("no time server has set the clock, which shows 2026-09-2")
        assert warning.endswith(": sudo timedatectl set-ntp true")
        timedated["says"] = "yes\n"
        assert self.look(home, release).warnings == []
        timedated["says"] = "Failed to connect to bus\n"
        assert self.look(home, release).facts["clock"]["synchronized"] is None

    @pytest.mark.parametrize("name", ["run/systemd/timesync/synchronized", "run/systemd/container"])
    def test_systemd_has_set_it_or_the_host_does(self, home: Home, release: Release, name: str) -> None:
        file(home, name, "")
        assert self.look(home, release).warnings == []

    def test_it_is_before_the_release(self, home: Home) -> None:
        release = pi.serve(home, "1.1", epoch=NOW + 1)
        file(home, "run/systemd/timesync/synchronized", "")
        found = self.look(home, release)
        assert found.facts["clock"]["behind"] is True
        (warning,) = found.warnings
        assert warning.startswith("the clock is wrong: it shows 2026-09-2")


class TestMemory:
    def test_little_is_left(self, home: Home, release: Release) -> None:
        file(home, "proc/meminfo", "MemTotal:     440000 kB\nMemAvailable:    40000 kB\n")
        (warning,) = machine.look(home, release).warnings
        assert warning == ("only 41 MB of 451 MB memory are free: ps -eo rss,user,comm --sort=-rss | head")

    @pytest.mark.parametrize(("count", "words"), [(0, ""), (1, "once"), (3, "3 times")])
    def test_the_kernel_has_killed_a_process(self, home: Home, count: int, words: str) -> None:
        release = pi.serve(home, "1.1", workers=["mails"], epoch=0)
        file(
            home,
            "sys/fs/cgroup/system.slice/guestbook-mails.service/memory.events",
            f"low 0\noom 2\noom_kill {count}\noom_group_kill 0\n",
        )
        found = machine.look(home, release).warnings
        assert len(found) == bool(count)
        if count:
            assert (
                f"killed a process of guestbook-mails.service for lack of memory, {words} since" in found[0]
            )
