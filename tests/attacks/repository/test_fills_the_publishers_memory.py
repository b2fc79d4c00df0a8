"""The attacker wants a publisher to read without end: a sparse file has many bytes and takes no room."""

from __future__ import annotations

import hashlib
import sys

import pytest
from publisher import environment
from writer import FolderWriter, Publisher, Writer

from debonair.host import run

REFUSED = 11
LARGE = 20 << 30
MEMORY = 1500 << 20
"""Bytes that a publisher of this small repository has for itself; it takes a fifth."""
SHOWN = (
    "dists/trixie/InRelease",
    "dists/trixie/Release",
    "dists/trixie/Release.gpg",
    "dists/trixie/main/binary-amd64/Packages",
    "dists/trixie/main/binary-amd64/Packages.xz",
    "dists/trixie/main/Contents-amd64.xz",
    "index.html",
    "index.json",
    "bootstrap/acme-trixie.deb",
    "acme-archive-keyring.gpg",
)
"""Files that a publisher writes under fixed names."""


def little(acme: Publisher, *words: str) -> run.Completed:
    """Type a command on a machine with little memory."""
    program = [sys.executable, "-m", "debonair", "repo", *words, "--repository", acme.address]
    return run.run(["prlimit", f"--as={MEMORY}", *program], env=environment(), check=False)


def kept(writer: Writer) -> str:
    """Return the by-hash file of the index for amd64."""
    digest = hashlib.sha256(writer.read("dists/trixie/main/binary-amd64/Packages.xz")).hexdigest()
    return f"dists/trixie/main/binary-amd64/by-hash/SHA256/{digest}"


@pytest.mark.parametrize(
    ("writer", "path"),
    [
        *(("folder", path) for path in (*SHOWN, "by-hash")),
        *(("ssh", path) for path in ("dists/trixie/InRelease", "index.html", "by-hash")),
    ],
    indirect=["writer"],
)
def test_a_large_file(acme: Publisher, writer: FolderWriter, path: str) -> None:
    """It is named by ``verify``, and replaced by the next signing."""
    path = kept(writer) if path == "by-hash" else path
    with (writer.root / path).open("wb") as file:
        file.truncate(LARGE)
    done = little(acme, "verify")
    assert "Traceback" not in done.stderr
    assert path in done.stderr
    assert done.status == REFUSED
    done = little(acme, "renew")
    assert done.status == 0, done.stderr
    done = little(acme, "verify")
    assert done.status == 0, done.stderr


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
def test_a_large_deb(acme: Publisher, writer: FolderWriter) -> None:
    """It is named by ``verify``, and replaced by adding the deb again."""
    (path,) = (name for name in writer.names() if name.startswith("pool/h/"))
    with (writer.root / path).open("wb") as file:
        file.truncate(LARGE)
    done = little(acme, "verify")
    assert path in done.stderr
    assert done.status == REFUSED
    assert little(acme, "add", str(acme.deb("1.0"))).status == 0
    assert little(acme, "verify").status == 0


@pytest.mark.parametrize("writer", ["bucket"], indirect=True)
def test_a_large_object(acme: Publisher, writer: Writer) -> None:
    """In front of a bucket: what is larger than it can be is replaced without being read."""
    for path in SHOWN:
        writer.write(path, b"x" * (2 << 20))
    output = acme.refused("verify")
    assert acme.code == REFUSED
    assert "dists/trixie/InRelease is larger than" in output
    acme.repo("renew")
    assert "suites are healthy" in acme.repo("verify")
