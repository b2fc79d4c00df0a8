"""The attacker wants to read, to write or to have removed the publisher's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aptclient import Client
from writer import FolderWriter, Publisher, Writer, edit_head, edit_suite

REFUSED = 11


def secret_of(acme: Publisher) -> Path:
    """Return the private key of acme."""
    folder = acme.folder / "home/config/debonair/repositories/acme/gnupg/private-keys-v1.d"
    return next(folder.iterdir())


def everything(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
@pytest.mark.parametrize("absolute", [True, False])
def test_the_key_as_the_bootstrap_deb(acme: Publisher, folder: FolderWriter, *, absolute: bool) -> None:
    """The head says that the bootstrap deb is kept where the private key is."""
    secret = secret_of(acme)
    where = str(secret) if absolute else f"../{secret.relative_to(acme.folder)}"

    def lead(head: dict[str, Any]) -> None:
        for each in head["bootstrap"].values():
            each["filename"] = where

    edit_head(folder, lead)
    acme.refused("renew")
    assert secret.read_bytes() not in everything(folder.root)
    assert acme.code == REFUSED


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
@pytest.mark.parametrize("where", ["pool/a/acme-archive-keyring", "state/objects", "dists", "bootstrap"])
def test_a_link_to_the_key(acme: Publisher, folder: FolderWriter, where: str) -> None:
    """A file of the repository is a link to the private key."""
    secret = secret_of(acme)
    for path in [path for path in (folder.root / where).rglob("*") if path.is_file()]:
        path.unlink()
        path.symlink_to(secret)
    acme.refused("renew")
    assert acme.code != 0
    acme.refused("bootstrap", "--url", "https://new.example.org")
    copies = [path for path in folder.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert secret.read_bytes() not in [path.read_bytes() for path in copies]
    assert secret.is_file()


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
def test_a_file_outside_is_removed(acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
    """A suite names an old by-hash file that is none: the next change removed it."""
    victim = tmp_path / "victim"
    victim.write_text("precious")

    def lead(suite: dict[str, Any]) -> None:
        paths = [f"../../../{victim.name}", str(victim)]
        suite["old"] = [{"until": 1, "paths": paths}, *({"until": 2, "paths": []} for _ in range(2))]

    edit_suite(folder, "trixie", lead)
    acme.refused("add", acme.deb("1.1"))
    assert victim.is_file()
    assert acme.code == REFUSED


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
@pytest.mark.parametrize("where", ["pool/h", "state", "state/objects", "dists"])
def test_a_folder_outside_is_written(
    acme: Publisher, folder: FolderWriter, tmp_path: Path, where: str
) -> None:
    """A folder of the repository is a link to another of the publisher's."""
    outside = tmp_path / "outside"
    (folder.root / where).rename(outside)
    (folder.root / where).symlink_to(outside)
    before = everything(outside)
    output = acme.refused("add", acme.deb("1.1"))
    code = acme.code
    acme.refused("prune", "--keep", "1", "--older-than", "0d")
    assert everything(outside) == before
    assert code == REFUSED
    assert "is a link" in output


@pytest.mark.parametrize("writer", ["folder", "ssh"], indirect=True)
def test_a_file_of_another_is_linked_in(acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
    """What has a fixed name is a link to a file of the publisher's: it was written over."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("index.html", "index.json", "dists/trixie/Release", "dists/trixie/InRelease", ".lock"):
        (folder.root / name).unlink(missing_ok=True)
        (folder.root / name).symlink_to(victim)
    acme.refused("renew")
    assert victim.read_text() == "precious"


def test_a_head_that_leads_out(acme: Publisher, writer: Writer, client: Client) -> None:
    """In front of each kind of storage: the head leads out of the repository."""

    def lead(head: dict[str, Any]) -> None:
        for each in head["bootstrap"].values():
            each["filename"] = "../../../../../../../../etc/passwd"

    edit_head(writer, lead)
    acme.refused("renew")
    for name in writer.names():
        assert b"root:x:0:0" not in writer.read(name)
    assert acme.code == REFUSED
