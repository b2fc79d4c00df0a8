"""The app's own port in nginx, by which visitors reach it beside other apps, also without mDNS.

Root chooses the port once, on the machine, and writes it into the sites of all releases. A site with ports
that its author chose does not get one.
"""

from __future__ import annotations

import re
from pathlib import Path

PORTS = (*range(81, 87), *range(88, 95), *range(96, 100), *range(8001, 9000))
"""The ports to choose from, the best first; browsers refuse 87 and 95.

Only root can open a port below 1024. If an app, or a person's script, took a port of nginx before nginx
starts, nginx would not start, and all apps would be down.
"""
_USUAL = {"80", "[::]:80"}  # what a site listens on if its author did not choose
_NAMES = "~^[^.]+$"  # the names of any machine at home, if the author did not choose
_LISTEN = re.compile(r"(?m)^((?: *listen [^;\n]+;\n)+)")
_ANY_PORT = re.compile(r"\blisten\s+(?:\S*:)?(\d{1,5})(?=[\s;])")
_MOST = 1_000_000  # characters of a file
_LISTENS = "0A"  # state of a socket in /proc/net/tcp


def added(text: str, port: int) -> str:
    """Return the site ``text`` with lines that make it listen on ``port``, too."""
    why = "    # The port of its own, which no other app here has. Upgrades keep it.\n"
    lines = f"    listen {port};\n    listen [::]:{port};\n"
    first = _LISTEN.sub(rf"\g<1>{why}{lines}", text, count=1)
    head, mark, rest = first.partition(lines)
    return head + mark + _LISTEN.sub(rf"\g<1>{lines}", rest)


def fits(text: str) -> bool:
    """Return whether the author left the ports and names of the site ``text`` as they are by default."""
    found = re.findall(r"(?m)^ *listen ([^;\n]+);$", text)
    return bool(found) and set(found) == _USUAL and names_any(text)


def names_any(text: str) -> bool:
    """Return whether a server of the site ``text`` answers to the names of any machine at home."""
    return re.search(rf"(?m)^[^#\n]*\bserver_name\s[^;]*{re.escape(_NAMES)}", text) is not None


def free(nginx: Path, root: Path = Path("/")) -> int:
    """Return the first port that no site in the folder ``nginx`` names, and on which nothing listens.

    Returns 0 if all are taken. A comment that names a port counts as well.
    """
    taken = listening(root)
    for folder in ("sites-available", "sites-enabled"):
        for file in (nginx / folder).glob("*"):
            taken.update(int(port) for port in _ANY_PORT.findall(_text(file)[:_MOST]))
    return next((port for port in PORTS if port not in taken), 0)


def listening(root: Path = Path("/")) -> set[int]:
    """Return the TCP ports on which any program on this machine listens (proc(5))."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in _text(root / "proc/net" / table).splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == _LISTENS:
                found.add(int(words[1].rpartition(":")[2], 16))
    return found


def recorded(file: Path) -> int:
    """Return the port in ``file``; 0 if it has no valid one."""
    text = _text(file).strip()
    port = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
    return port if 0 < port < 65536 else 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
