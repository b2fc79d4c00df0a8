"""Show what an app answers while apt still waits for it to become healthy."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from debonair.debian.rootfs.machine import Machine, reply
from debonair.host import interruption, run
from debonair.host.progress import say
from debonair.trial import watch
from debonair.trial.page_text import first_lines
from debonair.trial.site import FIRST_LINES, indented

_POLL = 0.3  # seconds
_ENDS_WITHIN = 15.0


@contextmanager
def shown(machine: Machine, package: str) -> Iterator[None]:
    """Print an error that the new app ``package`` answers while the body installs it."""
    machine.write("/srv/watch.py", Path(watch.__file__).read_bytes())
    with tempfile.TemporaryDirectory(prefix="debonair-watch.") as folder:
        output, ended = Path(folder) / "answer", Event()
        words = machine.words(["python3", "-IB", "/srv/watch.py", package])
        watcher = run.start(words, output=output, stdin=subprocess.PIPE)
        reader = Thread(target=_read, args=(output, ended), daemon=True)
        reader.start()
        try:
            yield
        finally:
            if watcher.stdin:
                watcher.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                watcher.wait(interruption.patience(_ENDS_WITHIN))
            if watcher.poll() is None:
                run.end(watcher)
            ended.set()
            reader.join()


def _read(output: Path, ended: Event) -> None:
    """Wait for an answer in the file ``output``, and print it."""
    last = False
    while not last:
        last = ended.wait(_POLL)
        if text := answer(output.read_text(errors="replace")):
            say(text)
            return


def answer(output: str) -> str:
    """Return the answer in the ``output`` of the watcher as lines for people, empty if there is none."""
    line, newline, _ = output.partition("\n")
    try:
        found = reply(bytes.fromhex(line), 0) if newline else None
    except ValueError:  # a Debian without Python 3, or with a broken one
        return ""
    if found is None:
        return ""
    head = f"The health page answers {found.status} {found.reason}".rstrip()
    lines = indented(first_lines(found, FIRST_LINES))
    return f"{head}; apt waits for it to become healthy.\n{lines}"
