"""``debonair repo`` as a user types it, in this process or in its own, and a server of its result."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from debonair.cli import main as cli
from debonair.repository import http_server


def repo(*words: str | Path, code: int = 0) -> str:
    """Run ``debonair repo``; return its output."""
    done = CliRunner().invoke(cli.main, ["repo", *map(str, words)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def environment() -> dict[str, str]:
    """Return the variables by which a process finds this Debonair, and the modules of the tests."""
    source = Path(cli.__file__).parents[2]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), str(Path(__file__).parent)])}


def started(*words: str | Path, program: tuple[str, ...] = ("debonair",)) -> subprocess.Popen[str]:
    """Start ``debonair repo`` as a process, or another module with the same words."""
    return subprocess.Popen(
        [sys.executable, "-m", *program, "repo", *map(str, words)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(root: Path, accounts: frozenset[str] = frozenset()) -> Iterator[tuple[str, list[str]]]:
    """Serve ``root`` on the loopback; yield the address and the log."""
    log: list[str] = []
    with http_server.server(root, "127.0.0.1", 0, accounts=accounts, log=log.append) as bound:
        thread = threading.Thread(target=bound.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.server_port}", log
        finally:
            bound.shutdown()
            thread.join()
