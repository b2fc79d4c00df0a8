"""Creates the files and folders that the data of the app lacks: those that its setting 'writable' names.

It runs as the app's user, in the app's sandbox. So it can change only what the app itself can change. It
starts with the files of the release, and leaves everything that exists as it is.

    seed.py APP              for the release that the app's service starts
    seed.py RELEASE DATA     for the release in the folder RELEASE
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path


def seed(release: Path, data: Path) -> list[str]:
    """Create what ``data`` lacks of the data of ``release``; return a sentence for each failure."""
    failures = []
    facts = json.loads((release / "release.json").read_text(encoding="utf-8"))
    for path in facts.get("data", {}).values():
        place = data / path
        try:
            if path and not os.path.lexists(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                _create(place, release / "seed" / path, folder=path.endswith("/"))
        except (OSError, RecursionError) as failed:
            what = getattr(failed, "strerror", None) or failed
            where = getattr(failed, "filename", None) or place
            failures.append(f"{place} cannot be created: {where}: {what}. Move away what is in its place.")
    return failures


def _create(place: Path, source: Path, *, folder: bool) -> None:
    """Create ``place`` from ``source``, whole or not at all, whenever the power fails (fsync(2))."""
    new = place.with_name(f".{place.name}.seed")
    if new.is_dir() and not new.is_symlink():
        shutil.rmtree(new)
    elif os.path.lexists(new):
        new.unlink()
    if source.is_dir():
        shutil.copytree(source, new, copy_function=shutil.copyfile)
    elif source.is_file():
        shutil.copyfile(source, new)
    elif folder:
        new.mkdir()
    else:
        return  # the app creates it
    for path in [*(new.rglob("*") if new.is_dir() else ()), new]:
        if path.is_dir():
            path.chmod(0o700)  # copytree gives it the mode of the original, which anyone may read
    os.sync()  # once: fsync(2) of each file is a commit of the file system's journal for each
    new.rename(place)
    _flush(place.parent)


def _flush(path: Path) -> None:
    # The app may run at the same time, and put a fifo or a link there.
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def main(arguments: list[str]) -> int:
    """Create what the data lacks, for the release that ``arguments`` name; return the exit status."""
    os.umask(0o077)
    if len(arguments) == 1:
        app = arguments[0]
        trying = Path("/run", app, "trying")
        current = Path("/usr/lib", app, "current")
        release, data = (trying if trying.is_symlink() else current).resolve(), Path("/var/lib", app)
    else:
        release, data = map(Path, arguments)
    failures = seed(release, data)
    for failure in failures:
        sys.stderr.write(f"{failure!r}\n" if not failure.isprintable() else f"{failure}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
