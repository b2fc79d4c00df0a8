"""A repository from its first hour to a rollback, as a story of commands and their results.

Everything is real: the commands are those of the README, the machine is a booted Debian, its apt and its
unattended-upgrades are Debian's own. Only the network is the machine's loopback.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.container import Container
from debonair.errors import Error
from debonair.host.cache import Cache
from debonair.trial import Site, healthy

ROOT = Path(__file__).parents[2]
SUITE = "trixie"
ADDRESS = "http://127.0.0.1:8080"
GREETING = "Hello from a Raspberry Pi!"


def main() -> None:
    """Tell the story; the exit status is that of the first failure."""
    with tempfile.TemporaryDirectory(prefix="debonair-demo.") as folder:
        try:
            story(Path(folder))
        except Error as wrong:
            sys.exit(f"Error: {wrong.message}\n{wrong.hint}")


def story(folder: Path) -> None:
    """Follow an author, whose files are in ``folder``, and a Pi."""
    author = Author(folder)
    chapter("An author makes a repository, and publishes an app")
    author.types("init", "apt", "--name", "acme", "--url", ADDRESS)
    author.publishes("1.0", GREETING)
    line = author.types("bootstrap")

    bed = Bed(Cache.of(os.environ), os.environ)
    with bed.boot(SUITE) as pi, serving(pi, author):
        bed.stock(pi, author.built("1.0", GREETING), "unattended-upgrades")
        chapter("A new Pi follows it by that one line, and installs the app")
        types(pi, line.strip(), shown="(the line above)")
        types(pi, "apt-get install -y hello-pi unattended-upgrades")
        opens(pi)

        chapter("A new release goes to a tenth of the machines; this one is not among them yet")
        author.publishes("1.1", "Hello from release 1.1!", "--percent", "10")
        pi.write("/etc/machine-id", b"cafe" * 8 + b"\n")
        types(pi, "apt-get update && apt upgrade -y")
        opens(pi)

        chapter("All is well there, so it goes to everybody, who take it by night without being asked")
        author.types("rollout", "hello-pi", "1.1", "--percent", "100")
        types(pi, "apt-get update && unattended-upgrade")
        opens(pi)

        chapter("Somebody complains: it is taken back, and every machine with it")
        author.types("rollback", "hello-pi")
        types(pi, "apt-get update && unattended-upgrade")
        opens(pi)
        author.types("history")
        author.types("verify")


@dataclass(frozen=True)
class Author:
    """The publisher, at a prompt in ``folder``."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the variables of the author's shell."""
        variables = {"XDG_CONFIG_HOME": str(self.folder / "config"), "DEBONAIR_REPOSITORY": "apt"}
        return {**os.environ, **variables, "DEBONAIR_PUBLISHER": "ada@laptop"}

    def types(self, *words: str) -> str:
        """Run ``debonair repo`` and show it; return its output."""
        return self._runs("repo", *words)

    def publishes(self, version: str, greeting: str, *more: str) -> None:
        """Build a release of the app and publish it."""
        deb = self.built(version, greeting)
        self._runs("repo", "add", str(deb.relative_to(self.folder)), *more)

    def built(self, version: str, greeting: str) -> Path:
        """Return the deb of a release whose page shows ``greeting``."""
        out = self.folder / "dist"
        found = sorted(out.glob(f"hello-pi_{version}-*.deb"))
        if not found:
            project = self.folder / "hello"
            shutil.copytree(ROOT / "examples/hello", project, dirs_exist_ok=True)
            settings = project / "debonair.toml"
            text = settings.read_text()
            settings.write_text(re.sub("(?m)^version = .*", f'version = "{version}"', text))
            code = project / "app.py"
            code.write_text(re.sub("Hello from [^!]*!", greeting, code.read_text()))
            self._runs("build", "hello", "--target", f"{SUITE}-{host_architecture()}", "--out", "dist")
            found = sorted(out.glob(f"hello-pi_{version}-*.deb"))
        return found[0]

    def _runs(self, *words: str) -> str:
        print(f"\n  ada@laptop$ debonair {shlex.join(words)}", flush=True)
        argv = [sys.executable, "-m", "debonair", *words]
        done = subprocess.run(
            argv, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        indented(done.stdout + done.stderr)
        if done.returncode:
            sys.exit(done.returncode)
        return done.stdout


@contextmanager
def serving(pi: Container, author: Author) -> Iterator[None]:
    """Serve the author's repository in the network of ``pi`` while the body runs."""
    argv = [*pi.network, sys.executable, "-m", "debonair", "repo", "serve"]
    with subprocess.Popen(
        argv, cwd=author.folder, env=author.environment, stderr=subprocess.PIPE
    ) as server:
        try:
            if server.stderr is None or b" serves " not in server.stderr.readline():
                sys.exit("the repository is not served")
            yield
        finally:
            server.terminate()


def types(pi: Container, command: str, *, shown: str = "") -> None:
    """Run a shell ``command`` on ``pi`` as root, who needs no sudo, and show the changes by apt."""
    print(f"\n  root@pi# {shown or command}", flush=True)
    done = pi.run(["bash", "-c", 'sudo() { "$@"; }; ' + command], check=False)
    indented("\n".join(line for line in done.stdout.splitlines() if NEWS_OF_APT.match(line)))
    if done.status:
        indented(done.stdout + done.stderr)
        sys.exit(done.status)


NEWS_OF_APT = re.compile(
    r"Setting up (acme|hello-pi|unattended)|hello-pi: |Get:.*(InRelease|hello-pi)"
    r"|.*[Dd]eferred due to phasing|.*(DOWNGRADED|upgraded,)"
)
"""The lines of apt and dpkg that the story is about."""


def opens(pi: Container) -> None:
    """Open the app's page on ``pi`` and show it."""
    deadline = time.monotonic() + 15
    text = healthy(pi, "hello-pi", Site()).text
    while "nginx" in text and time.monotonic() < deadline:  # nginx loads its new site in a moment
        time.sleep(0.1)
        text = healthy(pi, "hello-pi", Site()).text
    print("\n  root@pi# curl http://127.0.0.1/", flush=True)
    indented(text)
    version = pi.run(["dpkg-query", "-W", "-f", "${Version}", "hello-pi"]).stdout
    indented(f"(hello-pi {version})")


def chapter(title: str) -> None:
    """Start a part of the story."""
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


def indented(text: str) -> None:
    """Show the output of a command."""
    for line in text.rstrip().splitlines():
        print(f"    {line}", flush=True)


if __name__ == "__main__":
    main()
