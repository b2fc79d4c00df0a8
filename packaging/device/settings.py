#!/usr/bin/python3 -IB
"""Creates the app's settings on this machine, with a SECRET_KEY. Called by dpkg's postinst.

It never changes a key that is set. It creates a missing one: at the first installation, and where a power
cut has left the file empty.
"""

from __future__ import annotations

import grp
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment
from release import Home, flush

_NEW = """\
# Variables for {0}, one a line: NAME=value (systemd.exec(5), EnvironmentFile).
# After a change: {0} restart

# What sessions are signed with. Whoever has it can forge them.
SECRET_KEY={1}
"""
_KEY_BYTES = 32


def ensure(file: Path, package: str, group: int) -> None:
    """Ensure that the settings in ``file`` have a SECRET_KEY; create the file, readable for ``group``.

    Raises ``OSError``, and ``ValueError`` for a file that is not UTF-8.
    """
    if not file.parent.is_dir():
        file.parent.mkdir(mode=0o755)
        flush(file.parent.parent)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    key = secrets.token_hex(_KEY_BYTES)
    if not text.strip("\0 \t\r\n"):
        target = file.resolve()
        environment.replace(target, _NEW.format(package, key), mode=0o640, user=0, group=group)
    elif not environment.parse(text).get("SECRET_KEY"):
        environment.write(file, {"SECRET_KEY": key})


def main(home: Home, group: str) -> int:
    """Create the settings of the app in ``home``. Return 0, or 1 after printing the problem."""
    file = home.root / "etc" / home.package / "env"
    try:
        ensure(file, home.package, grp.getgrnam(group).gr_gid)
    except (OSError, ValueError, KeyError) as broken:
        print(f"{home.package}: {file} was left as it is: {broken}", file=sys.stderr)
        print(
            f"{home.package}: set SECRET_KEY in it, then run: {home.package} restart",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Home.of(Path(__file__)), sys.argv[1]))
