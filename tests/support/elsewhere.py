"""A publisher on another machine: the same keys, and a home of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from writer import Publisher


class Elsewhere(Publisher):
    """Types ``debonair repo`` with another home, to which the keys were copied."""

    def __init__(self, other: Publisher, home: Path, name: str = "acme") -> None:
        super().__init__(home)
        self.address = other.address
        ours = Path(os.environ["XDG_CONFIG_HOME"]) / "debonair/repositories" / name
        # gpg's agent may still be closing its sockets
        shutil.copytree(
            ours, home / "config/debonair/repositories" / name, ignore=shutil.ignore_patterns("S.*")
        )
        if name:
            self.repo("trust", "--name", name)

    def repo(self, *words: str | Path, code: int = 0) -> str:
        with self._home():
            return super().repo(*words, code=code)

    def refused(self, *words: str | Path) -> str:
        with self._home():
            return super().refused(*words)

    @contextmanager
    def _home(self) -> Iterator[None]:
        before = os.environ["XDG_CONFIG_HOME"]
        os.environ["XDG_CONFIG_HOME"] = str(self.folder / "config")
        try:
            yield
        finally:
            os.environ["XDG_CONFIG_HOME"] = before
