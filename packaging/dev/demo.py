"""The guest book from its source to a broken release that is refused, as commands and their output.

Everything is real: the commands are those of the README, and the machine is a booted Debian.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from debonair.debian.apt import host_architecture

GUESTBOOK = Path(__file__).parents[2] / "examples/guestbook"
HEADING = "<h1>Guest book</h1>"


def main() -> None:
    """Tell the story; the exit status is that of the first failure."""
    architecture = host_architecture()
    with tempfile.TemporaryDirectory(prefix="debonair-demo.") as place:
        folder = Path(place)
        project = shutil.copytree(
            GUESTBOOK, folder / "guestbook", ignore=shutil.ignore_patterns("dist", "__pycache__")
        )
        build = ["build", "guestbook", "-t", f"trixie-{architecture}", "-o", "."]
        says("Build a Flask app, a guest book:")
        types(folder, *build)
        edits(project / "pyproject.toml", 'version = "1.0"', 'version = "1.1"')
        edits(project / "guestbook/templates/index.html", HEADING, "<h1>Guest book, second edition</h1>")
        says("Change its heading and its version, and build again:")
        types(folder, *build)
        says("Upgrade it under load, then try a broken release:")
        types(folder, "try", "guestbook_1.1*.deb", "--upgrade-from", "guestbook_1.0*.deb", "--break")


def edits(file: Path, text: str, other: str) -> None:
    """Replace ``text`` in ``file``."""
    before = file.read_text()
    if text not in before:
        sys.exit(f"{file} does not contain {text}")
    file.write_text(before.replace(text, other))


def says(text: str) -> None:
    """Announce the next command."""
    print(f"\n# {text}", flush=True)


def types(folder: Path, *words: str) -> None:
    """Run ``debonair`` in ``folder`` on this terminal, below its command line, as a shell does."""
    columns = shutil.get_terminal_size().columns - len(" \\")
    parts = textwrap.wrap(f"$ debonair {' '.join(words)}", columns, break_on_hyphens=False)
    line = " \\\n    ".join(parts)
    print(f"\x1b[1m{line}\x1b[0m" if sys.stdout.isatty() else line, flush=True)
    argv = [sys.executable, "-m", "debonair"]
    for word in words:
        argv += [path.name for path in folder.glob(word)] if "*" in word else [word]
    done = subprocess.run(argv, cwd=folder, env={**os.environ, "PYTHONSAFEPATH": "1"}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
