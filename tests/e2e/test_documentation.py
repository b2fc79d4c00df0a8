"""Who follows the tutorial or a guide to the letter gets what it says, on this machine and on a Pi."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from debians import EXAMPLES, Boot
from pages import Block, blocks, followed

from debonair.debian.rootfs.container import Container
from debonair.host.cache import Cache

pytestmark = [pytest.mark.boot, pytest.mark.long]

CHECKOUT = Path(__file__).parents[2]
TUTORIAL = CHECKOUT / "docs" / "tutorial" / "first-app.md"
GOING_ON = (CHECKOUT / "docs" / "how-to" / "https-at-home.md",)
"""The guides that begin with the tutorial's app on the Pi."""
IN_A_PROJECT = {
    "ci": EXAMPLES / "hello",
    "debian-upgrade": EXAMPLES / "hello",
    "from-dh-virtualenv": EXAMPLES / "guestbook",
}
"""The guides that begin in the folder of a project."""
DEBIAN = Path(__file__).with_name("dh-virtualenv")
"""The debian/ that the last of them is about."""


class Reader:
    """Somebody with a computer, on which ``home`` is theirs, and a Raspberry Pi that ssh reaches."""

    def __init__(self, home: Path, wheels: Path, boot: Boot, stack: ExitStack) -> None:
        self._home = home
        self._boot = boot
        self._stack = stack
        self._pi: Container | None = None
        self._stocked: set[Path] = set()
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "HOME": str(home),
            # the checkout's own Debonair, until a page installs one
            "PATH": f"{home}/bin:{home}/.local/bin:{os.environ['PATH']}:{Path(sys.executable).parent}",
            "PIP_FIND_LINKS": str(wheels),
            "DEBONAIR_CACHE": str(Cache.of(os.environ).root),
        }
        # What a shell knows from one block to the next: where it is, and what was exported.
        (home / ".exported").touch()
        (home / ".folder").write_text(f"{home}\n")
        (home / ".gitconfig").write_text("[user]\nname = Ada Example\nemail = ada@example.org\n")
        self._program("sudo", 'exec "$@"')

    def follow(self, page: Path) -> None:
        """Write what is to be written, and type what is to be typed."""
        for block in blocks(page):
            if block.file:
                file = self._folder / block.file
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.body)
            elif block.is_command:
                done = self._type(block)
                assert done.returncode == 0, f"{page.name}, line {block.line}:\n{done.stdout}"

    @property
    def _folder(self) -> Path:
        return Path((self._home / ".folder").read_text().strip())

    def _type(self, block: Block) -> subprocess.CompletedProcess[str]:
        if block.place == "pi" or "raspberrypi" in block.body:
            self._reach_the_pi()
        if block.place == "pi":
            return self._run([f"{self._home}/bin/ssh", "pi@raspberrypi.local", f"set -eu\n{block.body}"])
        if block.place == "clone":
            return self._run(["bash", "-euc", f"cd {shlex.quote(str(CHECKOUT))}\n{block.body}"])
        before = f". {self._home}/.exported\ncd {shlex.quote(str(self._folder))}\n"
        after = f"export -p >{self._home}/.exported\npwd >{self._home}/.folder\n"
        return self._run(["bash", "-euc", before + block.body + after])

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self._home,
            env=self._environ,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _reach_the_pi(self) -> None:
        """Boot the Pi if it is off, and give it what its apt would fetch for the debs that are there."""
        if self._pi is None:
            self._pi = self._stack.enter_context(self._boot("trixie", architecture="arm64"))
            self._pi.run(["mkdir", "-p", "/home/pi"])
            self._pi.write("/usr/local/bin/sudo", b'#!/bin/sh\nexec "$@"\n', mode=0o755)
            inside = shlex.join(self._pi.words(["sh", "-c", 'cd /home/pi && eval "$1"', "sh"]))
            network = shlex.join(self._pi.network)
            self._program("ssh", f'shift\nexec {inside} "$*"')
            self._program(
                "scp", f'while [ $# -gt 1 ]; do {inside} "cat >${{1##*/}}" <"$1" || exit; shift; done'
            )
            resolve = "--resolve raspberrypi.local:80:127.0.0.1 --resolve raspberrypi.local:443:127.0.0.1"
            self._program("curl", f'exec {network} /usr/bin/curl {resolve} "$@"')
        for deb in set((self._folder / "dist").glob("*_arm64.deb")) - self._stocked:
            self._boot.bed.stock(self._pi, deb)
            self._stocked.add(deb)

    def _program(self, name: str, text: str) -> None:
        """Put a program in the reader's way that leads where the network would."""
        file = self._home / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with Debonair's own wheel, as a package index would have it."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, CHECKOUT],
        check=True,
    )
    return folder


@pytest.fixture
def reader(tmp_path: Path, wheels: Path, boot: Boot) -> Iterator[Reader]:
    with ExitStack() as stack:
        yield Reader(tmp_path, wheels, boot, stack)


def test_the_tutorial_and_what_goes_on_from_it(reader: Reader) -> None:
    for page in (TUTORIAL, *GOING_ON):
        reader.follow(page)


@pytest.mark.parametrize(
    "page", sorted(set(followed()) - {TUTORIAL, *GOING_ON}), ids=lambda page: page.stem
)
def test_a_page_can_be_followed(page: Path, reader: Reader, tmp_path: Path) -> None:
    if page.stem in IN_A_PROJECT:
        shutil.copytree(IN_A_PROJECT[page.stem], tmp_path, dirs_exist_ok=True)
    if page.stem == "from-dh-virtualenv":
        shutil.copytree(DEBIAN, tmp_path / "debian")
    reader.follow(page)
