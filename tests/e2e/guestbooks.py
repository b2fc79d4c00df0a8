"""Guest books of any number of versions, good and broken ones, and those who visit them meanwhile."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import visitor
from debians import EXAMPLES, Builder

from debonair.debian.rootfs.container import Container
from debonair.host import run
from debonair.host.run import Completed

SUITE = "trixie"


@dataclass(frozen=True)
class Guestbooks:
    """Builds versions of the guest book that say on their page which one they are."""

    build: Builder
    folder: Path
    settings: str
    """Lines of ``[tool.debonair]`` that all of them have."""
    suite: str = SUITE
    cpu: str = "amd64"

    def __call__(
        self,
        version: str,
        *,
        settings: str = "",
        uwsgi: str = "",
        edit: Callable[[str], str] = str,
        files: Mapping[str, str] | None = None,
    ) -> Path:
        """Return the deb of ``version``; ``edit`` gets the app's code and returns what it is instead.

        ``settings`` and ``uwsgi`` are further lines of TOML, ``files`` further files of the app's package.
        """
        ignored = shutil.ignore_patterns("dist", "instance")
        project = shutil.copytree(EXAMPLES / "guestbook", self.folder / version, ignore=ignored)
        config = project / "pyproject.toml"
        text = re.sub(r"(?m)^version = .*", f'version = "{version}"', config.read_text())
        text = text.replace("[tool.debonair]\n", f"[tool.debonair]\n{self.settings}\n{settings}\n", 1)
        config.write_text(f"{text}\n[tool.debonair.uwsgi]\n{uwsgi}\n")
        page = project / "guestbook/templates/index.html"
        page.write_text(re.sub("<h1>.*</h1>", f"<h1>{version}</h1>", page.read_text()))
        code = project / "guestbook/__init__.py"
        code.write_text(edit(code.read_text()))
        for name, text in (files or {}).items():
            (project / "guestbook" / name).write_text(text)
        return self.build(project, f"{self.suite}-{self.cpu}")


@dataclass(frozen=True)
class Answers:
    """What a visitor was answered; it grows while the visitor is there."""

    log: Path

    def __call__(self) -> list[tuple[str, int]]:
        """Return the heading of the page (or the key that was signed with) and the status of each."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [(text, status) for text, status in map(json.loads, whole.splitlines())]


@contextmanager
def visiting(machine: Container, what: str, log: Path, *, pause: float = 0.03) -> Iterator[Answers]:
    """Let someone ``read`` or ``sign`` the guest book again and again, until the end of the body."""
    argv = [*machine.network, sys.executable, "-I", visitor.__file__, what, str(pause)]
    process = run.start(argv, output=log)
    try:
        yield Answers(log)
    finally:
        process.kill()
        process.wait()


def installing(machine: Container, deb: Path, *, timeout: float = 120) -> Completed:
    """Install ``deb``, all dependencies of which are there already, within ``timeout`` seconds."""
    machine.copy_in(deb, f"/srv/{deb.name}")
    argv = ["apt-get", "install", "--yes", "--allow-downgrades", "--reinstall", f"/srv/{deb.name}"]
    return machine.run(argv, check=False, timeout=timeout)


def dpkg_state(machine: Container) -> str:
    """Return dpkg's letters for the guest book, such as ``ii``, and its version."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", "guestbook"]
    return machine.run(query, check=False).stdout


def status(machine: Container) -> tuple[int, Mapping[str, Any]]:
    """Return the exit status of ``guestbook status``, and what it says for programs."""
    done = machine.run(["guestbook", "status", "--json"], check=False)
    return done.status, json.loads(done.stdout)
