"""How a repository reaches a booted Debian: by ``repo serve``, by nginx, from a bucket, from a private one.

A loopback is all the network that the Debian has, so that who serves is on it too. Who publishes is not.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from debians import Boot
from publisher import environment, repo
from s3 import READER, S3

from debonair.debian.apt import Suite
from debonair.debian.mirror import mirror
from debonair.debian.rootfs.container import Container

LOGIN, PASSWORD = "pi", "s3cret"
_LOGINS = "/etc/nginx/apt.logins"
_S3, _GATEWAY = 9000, 9001
_SITE = """
server {
    listen 8090;
    root /srv/apt;
    location /state/ { return 404; }
    location / { auth_basic "apt"; auth_basic_user_file /etc/nginx/apt.logins; }
}
"""
"""The one of docs/explanation/repository.md, for those who know the password alone."""
_BEFORE_A_BUCKET = """
server {
    listen 8091;
    location /state/ { return 404; }
    location / {
        auth_basic "apt"; auth_basic_user_file /etc/nginx/apt.logins;
        proxy_pass http://127.0.0.1:9001;
    }
}
"""
"""The one of docs/explanation/repository.md for a bucket that only its own accounts may read."""


@dataclass(frozen=True)
class Site:
    """A repository that a Debian can reach."""

    place: str
    """Where it is written: what ``--repository`` gets."""
    url: str
    """Where it is read."""
    login: str = ""
    """The name that its readers say, with ``PASSWORD``; empty if anybody may read."""
    deliver: Callable[[], None] = lambda: None
    """Brings what was published to where it is served from."""

    def repo(self, *words: str | Path) -> str:
        """Run ``debonair repo`` with it; return what that said."""
        output = repo(*words, "-r", self.place)
        self.deliver()
        return output

    def bootstrap(self, machine: Container) -> None:
        """Type the line that the author of the app was shown, as root, who needs no sudo."""
        login = ["--login", self.login] if self.login else []
        line = 'sudo() { "$@"; }; ' + self.repo("bootstrap", *login)
        if self.login:
            assert machine.run(["bash", "-c", line], stdin=b"wrong\n", check=False).status != 0
        machine.run(["bash", "-c", line], stdin=f"{PASSWORD}\n".encode())

    def status(self, machine: Container, path: str, *options: str) -> str:
        """Ask for ``path`` with ``options`` of curl; return the status of the answer."""
        asked = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *options]
        return machine.run([*asked, f"{self.url}/{path}"]).stdout


Server = Callable[[Container, Path, S3], AbstractContextManager[Site]]
"""Makes a repository, in the folder or in a bucket, and serves it to a Debian."""


def made(place: str, url: str, login: str = "", deliver: Callable[[], None] = lambda: None) -> Site:
    """Make a repository that is to be read at ``url``."""
    repo("init", place, "--name", "acme", "--url", url)
    deliver()
    return Site(place, url, login, deliver)


@contextmanager
def serve(machine: Container, folder: Path, s3: S3) -> Iterator[Site]:
    """Serve a folder by ``debonair repo serve``."""
    root = folder / "serve"
    site = made(str(root), "http://127.0.0.1:8080")
    with served(machine, root):
        yield site


@contextmanager
def served(machine: Container, root: Path, *words: str | Path) -> Iterator[None]:
    """Run ``debonair repo serve`` in the network of ``machine``, on port 8080."""
    argv = [*machine.network, sys.executable, "-m", "debonair", "repo", "serve", "-r", root, *words]
    with subprocess.Popen(argv, env=environment(), stderr=subprocess.PIPE) as server:
        try:
            assert server.stderr
            assert b"http://127.0.0.1:8080/ serves" in server.stderr.readline()
            yield
        finally:
            server.terminate()


@contextmanager
def serve_to_logins(machine: Container, folder: Path, s3: S3) -> Iterator[Site]:
    """Serve a folder by ``debonair repo serve --logins``."""
    root, logins = folder / "logins", folder / "logins.txt"
    site = made(str(root), "http://127.0.0.1:8080", LOGIN)
    logins.write_text(f"{LOGIN}:{PASSWORD}\n")
    with served(machine, root, "--logins", logins):
        yield site


@contextmanager
def nginx(machine: Container, folder: Path, s3: S3) -> Iterator[Site]:
    """Let Debian's nginx serve a folder to those who know the password."""
    root = folder / "apt"

    def copy() -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(root, "apt")
        machine.run(["tar", "--extract", "--directory", "/srv"], stdin=packed.getvalue())

    site = made(str(root), "http://127.0.0.1:8090", LOGIN, copy)
    with _site(machine, _SITE):
        yield site


@contextmanager
def bucket(machine: Container, folder: Path, s3: S3) -> Iterator[Site]:
    """Let anybody read a bucket, as it is."""
    site = made(f"s3://fleet/{machine.suite}", f"http://127.0.0.1:{_S3}/fleet/{machine.suite}")
    with s3.within(machine.network, _S3):
        yield site


@contextmanager
def private_bucket(machine: Container, folder: Path, s3: S3) -> Iterator[Site]:
    """Let Debian's nginx serve a bucket to those who know the password; rclone reads that by its keys."""
    site = made(f"s3://vault/{machine.suite}", "http://127.0.0.1:8091", LOGIN)
    bucket = Site(site.place, f"http://127.0.0.1:{_S3}/vault/{machine.suite}")
    key, secret = s3.user(f"nginx-{machine.suite}", READER)
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": f"http://127.0.0.1:{_S3}",
        "ACCESS_KEY_ID": key,
        "SECRET_ACCESS_KEY": secret,
    }
    unit = ["systemd-run", "--quiet", "--unit=gateway"]
    unit += [f"--setenv=RCLONE_CONFIG_BUCKET_{name}={value}" for name, value in settings.items()]
    unit += ["rclone", "serve", "http", f"bucket:vault/{machine.suite}", "--addr", f"127.0.0.1:{_GATEWAY}"]
    unit += ["--read-only", "--use-server-modtime", "--dir-cache-time", "0"]
    _rclone(machine)
    with s3.within(machine.network, _S3), _site(machine, _BEFORE_A_BUCKET):
        machine.run(unit)
        try:
            assert bucket.status(machine, "index.html") == "403", "nobody reads it without keys"
            up = ["--retry", "10", "--retry-connrefused"]
            gateway = Site(site.place, f"http://127.0.0.1:{_GATEWAY}")
            assert gateway.status(machine, "index.html", *up) == "200"
            yield site
        finally:
            machine.run(["systemctl", "stop", "gateway"])


@contextmanager
def _site(machine: Container, text: str) -> Iterator[None]:
    """Give Debian's nginx a site."""
    machine.write(_LOGINS, f"{LOGIN}:{{PLAIN}}{PASSWORD}\n".encode())
    machine.write("/etc/nginx/sites-enabled/apt", text.encode())
    machine.run(["systemctl", "reload-or-restart", "nginx"])
    yield
    machine.run(["rm", "/etc/nginx/sites-enabled/apt"])


def _rclone(machine: Container) -> None:
    """Install Debian 12's rclone, which runs on later ones too; Debian 14 has none yet."""
    bed = Boot().bed
    oldest = Suite.of("bookworm", machine.architecture, mirror=mirror(os.environ), cache=bed.cache)
    with tempfile.TemporaryDirectory() as folder:
        status = Path(folder) / "status"
        status.write_text(machine.run(["cat", "/var/lib/dpkg/status"]).stdout)
        (deb,) = oldest.fetch(["rclone"], status=status)
    machine.copy_in(deb, "/srv/rclone.deb")
    machine.run(["dpkg", "--install", "/srv/rclone.deb"])


SERVERS: tuple[Server, ...] = (serve, serve_to_logins, nginx, bucket, private_bucket)
