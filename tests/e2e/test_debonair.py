"""Debonair's own deb: installed in a Debian, it builds there."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from debians import EXAMPLES, Boot, Builder

from debonair import trial
from debonair.debian.rootfs.container import Container
from debonair.host.cache import Cache

pytestmark = pytest.mark.boot


def put(machine: Container, source: Path, destination: str) -> None:
    """Copy a folder of this machine to one inside, which is made."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(source, arcname=".", filter=lambda info: None if "/." in info.name[1:] else info)
    machine.run(["mkdir", "-p", destination])
    machine.run(["tar", "--extract", "--directory", destination], stdin=packed.getvalue())


def test_the_own_deb_builds_where_it_is_installed(build: Builder, boot: Boot, own: Path) -> None:
    here = build("guestbook", "trixie-arm64")  # and with that, all wheels are in the cache
    with boot("trixie") as machine:
        trial.install(boot.bed, machine, own)
        put(machine, EXAMPLES / "guestbook", "/srv/guestbook")
        cache = Cache.of(os.environ)
        for folder in ("wheels", "locks"):  # there is no network inside
            put(machine, cache.root / folder, f"/root/.cache/debonair/{folder}")
        version = machine.run(["debonair", "--version"]).stdout
        assert version.startswith("debonair, version ")
        refused = machine.run(["debonair", "repo", "list", "-r", "az://fleet"], check=False).stderr
        assert "There are no credentials for az://fleet" in refused, "and it knows how to ask for them"
        machine.run(["debonair", "build", "/srv/guestbook", "--target", "trixie-arm64"])
        listed = machine.run(["dpkg-deb", "--contents", f"/srv/guestbook/dist/{here.name}"]).stdout
        assert "./usr/lib/guestbook/dist/venv/lib/python3.13/site-packages/flask/__init__.py" in listed
        assert "_speedups.cpython-313-aarch64-linux-gnu.so" in listed
        machine.run(["apt-get", "purge", "--yes", "debonair"])
        assert machine.run(["ls", "-d", "/usr/lib/debonair"], check=False).status != 0
