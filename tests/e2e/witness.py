"""Says as JSON what is to be seen of the guest book in the files of this machine; it is run as root."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

LIB, ETC, NGINX = Path("/usr/lib/guestbook"), Path("/etc/guestbook"), Path("/etc/nginx")
EMPEROR = Path("/etc/uwsgi-emperor/vassals")
SUMS = Path("/var/lib/dpkg/info/guestbook.md5sums")
UNITS = Path("/var/lib/systemd/deb-systemd-helper-enabled")
BOOK = Path("/var/lib/guestbook/guestbook.sqlite3")
EMPTY = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def text(path: Path) -> str:
    """Return what is in a file, nothing if there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def key(env: Path) -> str:
    """Return the secret key that the settings in a file have, empty for none."""
    return "".join(re.findall("^SECRET_KEY=(.*)", text(env), re.MULTILINE))


def content(path: Path) -> str:
    """Return what tells the content of a file, or of a link, from any other."""
    return str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()


def own() -> list[Path]:
    """Return the files and links that are there for the app."""
    found = [
        path for place in (LIB, ETC) for path in place.rglob("*") if path.is_symlink() or path.is_file()
    ]
    shared = [(NGINX, "sites-*/guestbook"), (EMPEROR, "*guestbook*"), (UNITS, "guestbook*.dsh-also")]
    return [*found, *(path for place, pattern in shared for path in place.glob(pattern))]


def emptied(files: list[Path]) -> Iterator[str]:
    """Yield the files that have no bytes, or none but zeros, and are meant to have some."""
    meant = {
        line[34:].rpartition("/dist/")[2] for line in text(SUMS).splitlines() if line.startswith(EMPTY)
    }
    for path in files:
        name = re.sub("^/usr/lib/guestbook/(dist|releases/[^/]*)/", "", str(path))
        if (
            path.is_file()
            and not path.read_bytes().strip(b"\0")
            and not {path.name, name} & {*meant, ".lock", ".served"}
        ):
            yield str(path)


def book() -> dict[str, Any]:
    """Return what the guest book has: entries in their order, and the versions that prepared it."""
    if not BOOK.exists():
        return {"integrity": "ok", "entries": [], "prepared": []}
    with closing(sqlite3.connect(BOOK)) as data:
        return {
            "integrity": data.execute("PRAGMA integrity_check").fetchone()[0],
            "entries": [row[0] for row in data.execute("SELECT message FROM entry ORDER BY id")],
            "prepared": [row[0] for row in data.execute("SELECT version FROM prepared")],
        }


def main() -> None:
    files = own()
    etc = [path for path in Path("/etc").rglob("*") if path.is_symlink() or path.is_file()]
    seen = {
        "files": [str(path) for path in files],
        "bytes": {str(path): content(path) for path in {*files, *etc}},
        "empty": list(emptied(files)),
        "left": [
            path for path in map(str, files) if re.search(r"\.dpkg-|/releases/\.\S+\.(new|old)/", path)
        ],
        "key": key(ETC / "env"),
    }
    json.dump({**seen, **book()}, sys.stdout)


if __name__ == "__main__":
    main()
