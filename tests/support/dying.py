"""Debonair that is killed before its n-th operation on the files of a folder.

``python -m dying POINT FOLDER WORDS`` runs ``debonair WORDS``. It counts everything that changes the
folder, and each start of a program. A file that was about to get its name is left half written. If there
are fewer operations than POINT, their number is the last line of standard error.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from debonair.cli import main as cli

CHANGES = frozenset({"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"})


class Countdown:
    """An audit hook (PEP 578): it learns of each operation before that runs."""

    def __init__(self, point: int, folder: Path) -> None:
        self.point, self.folder, self.count = point, str(folder.absolute()), 0

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.counts(event, args):
            return
        self.count += 1
        if self.count != self.point:
            return
        if event in {"os.link", "os.rename"}:
            parent = None if Path(args[0]).is_absolute() else args[2]
            written = os.open(args[0], os.O_WRONLY, dir_fd=parent)
            os.ftruncate(written, os.fstat(written).st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    def counts(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "subprocess.Popen":
            return True
        if event == "open":
            path, _, flags = args
            new = flags & os.O_CREAT or flags & os.O_TMPFILE == os.O_TMPFILE
            return bool(new) and self.within(path)
        return event in CHANGES and any(self.within(each) for each in args[:2])

    def within(self, path: Any) -> bool:
        """Return whether a path is in the folder; a relative one belongs to a descriptor in the folder."""
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "/"
        return text.startswith(self.folder) or not text.startswith("/")


def main() -> None:
    countdown = Countdown(int(sys.argv[1]), Path(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    sys.addaudithook(countdown)
    try:
        cli.main()
    finally:
        sys.stderr.write(f"{countdown.count}\n")


if __name__ == "__main__":
    main()
