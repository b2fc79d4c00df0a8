"""A stranger's project, just cloned, and ``debonair`` run in it as its author would, within limits.

The limits end an attack that succeeds. The kernel kills a process that fills the memory or spins, and this
module ends one that waits forever. A defence that holds reports the attack long before.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MEMORY = 1 << 30
_SECONDS_OF_CPU = 10
_SECONDS = 600
_WRITTEN = 1 << 20  # bytes
APP = "from flask import Flask\n\napp = Flask(__name__)\n"


@dataclass(frozen=True)
class Held:
    """The output of ``debonair``, and the files that it wrote."""

    status: int
    output: str
    written: str


@dataclass(frozen=True)
class Victim:
    """The folder of the project, and one beside it that the project must not touch."""

    root: Path
    outside: Path

    def put(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def init(self, *, reads_all: bool = True, seconds: float = _SECONDS) -> Held:
        """Run ``debonair init``; it must end by itself, with files or with an error in words.

        Without ``reads_all`` modes count for root, too.
        """
        bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        before = [] if reads_all or os.geteuid() else bound
        words = ["-m", "debonair", "init", "--yes", str(self.root)]
        return self._held(self._run(words, before, seconds=seconds))

    def debonair(self, *words: str) -> Held:
        """Run a verb of ``debonair`` in the project's folder."""
        return self._held(self._run(["-m", "debonair", *words]))

    def python(self, program: str, *, seconds: float = _SECONDS) -> str:
        """Run a ``program`` of Python within the same limits, with the project's folder as its argument."""
        done = self._run(["-c", program, str(self.root)], seconds=seconds)
        return self._held(done).output

    def load(self) -> str:
        """Return the project as ``debonair build`` reads it, or the error that it ends with."""
        return self.python(
            "import sys; from pathlib import Path; from debonair import errors\n"
            "from debonair import project\n"
            "try: print(project.load(Path(sys.argv[1])))\n"
            "except errors.Error as error: print(error.message)\n"
        )

    def lock(self) -> str:
        """Return the error with which ``debonair build`` reads the project's lock."""
        return self.python(
            "import os, sys; from pathlib import Path; from debonair import errors\n"
            "from debonair import lock, wheels\n"
            "from debonair import project\n"
            "from debonair import target\n"
            "from debonair.host.cache import Cache\n"
            "root = Path(sys.argv[1])\n"
            "meant, kept = [target.load('trixie-arm64')], Cache(root.parent / 'cache')\n"
            "try: lock.ensure(project.load(root), meant, kept, os.environ, describe=wheels.describe)\n"
            "except errors.Error as error: print(error.message)\n"
        )

    def _run(
        self, words: list[str], before: Sequence[str] = (), *, seconds: float = _SECONDS
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, *words],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            cwd=self.root,
            preexec_fn=_limits,
            env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "NO_COLOR": "1"},
        )

    def _held(self, done: subprocess.CompletedProcess[str]) -> Held:
        output = done.stdout + done.stderr
        assert "Traceback" not in output, output[-3000:]
        assert done.returncode >= 0, f"killed by signal {-done.returncode}"
        if done.returncode:
            assert re.search(r"^Error: ", done.stderr, re.MULTILINE), output[-3000:]
        written = "".join(
            path.read_text()
            for name in ("debonair.toml", "pyproject.toml", "requirements.txt")
            # 'init' did not write a file that an attacker made larger than memory
            if (path := self.root / name).is_file() and path.stat().st_size <= _WRITTEN
        )
        return Held(done.returncode, output, written)


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS_OF_CPU, _SECONDS_OF_CPU))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
