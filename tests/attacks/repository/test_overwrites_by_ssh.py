"""The attacker may write in the folder, and wants another file of the publisher's account there changed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from debonair.errors import Error
from debonair.repository.storage import ssh
from debonair.repository.storage.protocol import Conflict

KEYS = b"ssh-ed25519 AAAA the publisher's own key\n"
PROGRAMS = (
    "mktemp", "head", "sha256sum", "readlink", "chmod", "sync",
    "ln", "touch", "flock", "stat", "mv", "mkdir",
)  # fmt: skip
NAMES = ("unfinished", "lock")
SSH = """#!/bin/sh
for command; do :; done
PATH={bin}/slow:$PATH exec sh -c "$command"
"""
WRAPPER = """#!/bin/sh
PATH=/usr/bin:/bin
lead() {{ [ -z "$1" ] || {{ ln -sfT "$2" "$1.led" && mv -fT "$1.led" "$1"; }}; }}
swap() {{
	case {what} in
	unfinished)
		find {root} -name '.new.*' ! -name '*.led' -type f | while read -r name; do
			lead "$name" {goal}
		done
		;;
	lock) lead {root}/.lock {goal} ;;
	esac
}}
[ {when} = after ] || swap
{program} "$@" | tee {bin}/output
[ {when} = before ] || swap
[ {program}{what} != mktempunfinished ] || lead "$(cat {bin}/output)" {goal}
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssh.Remote:
    """A folder of another machine, which is this one."""
    (tmp_path / "bin/slow").mkdir(parents=True)
    script = tmp_path / "bin/ssh"
    script.write_text(SSH.format(bin=script.parent))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return ssh.open_(f"shelf:{tmp_path}/apt")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_name_that_is_swapped(
    shelf: ssh.Remote, tmp_path: Path, program: str, when: str, what: str, *, there: bool
) -> None:
    """Whatever program runs, an unfinished file or the lock becomes a link to the account's own file."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    goal = home / "authorized_keys"
    if there:
        goal.write_bytes(KEYS)
        goal.chmod(0o600)
        os.utime(goal, (1, 1))
    assert shelf.add("pool/h/hello", b"1")
    shelf.replace("dists/Release", b"1", None)
    shelf = ssh.open_(str(shelf))  # its script begins anew, and meets the attacker
    wrapper = tmp_path / "bin/slow" / program
    wrapper.write_text(
        WRAPPER.format(
            bin=tmp_path / "bin", root=tmp_path / "apt", goal=goal, program=program, when=when, what=what
        )
    )
    wrapper.chmod(0o755)
    found = shelf.read("dists/Release", 1 << 20)
    assert found is not None
    for _ in range(2):
        with suppress(Error):
            shelf.add("pool/h/world", b"2")
        with suppress(Error, Conflict):
            shelf.replace("dists/Release", b"3", found.tag)
    for name in tmp_path.rglob(".new.*"):
        assert name.is_symlink(), "it is the attacker's own"
        name.unlink()
    assert goal.exists() == there
    if there:
        assert goal.read_bytes() == KEYS
        assert (goal.stat().st_mode & 0o777, goal.stat().st_mtime) == (0o600, 1)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_nothing_is_swapped(shelf: ssh.Remote, tmp_path: Path, umask: int) -> None:
    """The same connection does what it must do while nobody interferes, whatever the account's umask."""
    before = os.umask(umask)
    try:
        assert shelf.add("pool/h/hello", b"1")
        assert not shelf.add("pool/h/hello", b"1")
        shelf.replace("dists/Release", b"1", None)
    finally:
        os.umask(before)
    for name in ("pool/h/hello", "dists/Release"):
        assert (tmp_path / "apt" / name).read_bytes() == b"1"
        assert (tmp_path / "apt" / name).stat().st_mode & 0o777 == 0o644
    assert not list(tmp_path.rglob(".new.*"))
