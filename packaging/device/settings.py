#!/usr/bin/python3 -IB
"""Creates the app's settings on this machine, with a SECRET_KEY. Called by dpkg's postinst.

It never changes a key that is set. It creates a missing one: at the first installation, and where a power
cut has left the file empty.
"""

from __future__ import annotations

import grp
import os
import secrets
import stat
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment
from durable import flush
from person import sudo
from release import Home
from text import say

_NEW = """\
# Variables for {0}, one a line: NAME=value (systemd.exec(5), EnvironmentFile).
# After a change: sudo {0} restart

# What sessions are signed with. Whoever has it can forge them.
SECRET_KEY={1}
"""
_KEY_BYTES = 32
_MODE = 0o640


def ensure(file: Path, package: str, group: int) -> list[str]:
    """Ensure that the settings in ``file`` have a SECRET_KEY; create the file, readable for ``group``.

    Returns sentences about what was changed for safety. Raises ``OSError``, also for a file that is not
    UTF-8.
    """
    if not file.parent.is_dir():
        file.parent.mkdir(mode=0o755)
        flush(file.parent.parent)
    lines = guard(file, group) if file.exists() else []
    text = environment.read(file) if file.exists() else ""
    key = secrets.token_hex(_KEY_BYTES)
    if not text.strip("\0 \t\r\n"):
        target = file.resolve()
        environment.replace(target, _NEW.format(package, key), mode=_MODE, user=0, group=group)
    elif not environment.parse(text).get("SECRET_KEY"):
        environment.write(file, {"SECRET_KEY": key})
    return lines


def guard(file: Path, group: int) -> list[str]:
    """Allow only root to change ``file``, and only ``group`` to read it too; return what was changed."""
    number = os.open(file, os.O_RDONLY)
    try:
        found = os.fstat(number)
        mode = stat.S_IMODE(found.st_mode)
        open_to_group = found.st_gid != group and mode & stat.S_IRGRP
        if found.st_uid == 0 and not mode & ~_MODE and not open_to_group:
            return []
        os.fchown(number, 0, group)
        os.fchmod(number, mode & _MODE | stat.S_IRGRP)
    finally:
        os.close(number)
    was = f"mode {mode:o}, user {found.st_uid}, group {found.st_gid}"
    return [f"others could read or change {file} ({was}). Now only root and the app can read it."]


def main(home: Home, group: str) -> int:
    """Create the settings of the app in ``home``. Return 0, or 1 after printing the problem."""
    file = home.root / "etc" / home.package / "env"
    try:
        for line in ensure(file, home.package, grp.getgrnam(group).gr_gid):
            say(f"{home.package}: {line}")
    except (OSError, ValueError, KeyError) as broken:
        say(f"{home.package}: {file} was left as it is: {broken}", error=True)
        say(f"{home.package}: set SECRET_KEY in it, then run: {sudo()}{home.package} restart", error=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Home.of(Path(__file__)), sys.argv[1]))
