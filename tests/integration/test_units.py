"""What systemd says of the unit: that it knows every setting, and how much the sandbox leaves open."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from samples import EPOCH, VERSION, sample_project

from debonair import target
from debonair.host.run import run
from debonair.tree.service import render

# trixie's own systemd judges trixie's unit in the tests that boot it; this machine's may be older.
SUITE = "bookworm-amd64"
EXPOSURE = 11  # tenths
UNITS = ("guestbook.service", "guestbook.local.service")
NEEDED = ("sysinit.target", "basic.target", "shutdown.target", "network.target", "multi-user.target")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root that has the service, and as much around it as systemd wants to see."""
    for source in render.render(sample_project(), target.load(SUITE), version=VERSION, epoch=EPOCH):
        if source.kind == "file":
            path = tmp_path / source.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.data)
    units = tmp_path / "usr/lib/systemd/system"
    for name in NEEDED:
        (units / name).write_text(f"[Unit]\nDescription={name}\n")
    lines = [line for name in UNITS for line in (units / name).read_text().splitlines()]
    for line in lines:
        key, _, command = line.partition("=")
        if key.startswith("Exec"):
            program = tmp_path / shlex.split(command.rstrip("\\"))[0].lstrip("+/")
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_knows_every_setting(root: Path, unit: str) -> None:
    done = run(["systemd-analyze", "verify", "--man=no", f"--root={root}", unit], check=False)
    assert done.stderr == ""
    assert done.status == 0


def test_a_wrong_setting_would_be_seen(root: Path) -> None:
    unit = root / "usr/lib/systemd/system/guestbook.service"
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    done = run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", "guestbook.service"], check=False
    )
    assert "ProtectHouse" in done.stderr


def test_the_sandbox(root: Path) -> None:
    unit = root / "usr/lib/systemd/system/guestbook.service"
    judged: list[str | Path] = ["systemd-analyze", "security", "--no-pager", "--offline=yes"]
    judged += [f"--threshold={EXPOSURE}", unit]
    assert run(judged, check=False).status == 0
    unit.write_text(unit.read_text().replace("PrivateUsers=yes\n", ""))
    assert run(judged, check=False).status != 0


def test_the_program_that_publishes_the_name_has_less(root: Path) -> None:
    unit = root / "usr/lib/systemd/system/guestbook.local.service"
    judged: list[str | Path] = ["systemd-analyze", "security", "--no-pager", "--offline=yes"]
    assert run([*judged, f"--threshold={EXPOSURE // 2}", unit], check=False).status == 0
