"""The attacker wants to get something signed that the publisher never published."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aptclient import Client
from writer import FolderWriter, Publisher, Writer, edit_head, facts_of, put_back, snapshot

from debonair.host import run

EVIL = b"these are the attacker's bytes"
REFUSED = 11


def lose_indices(writer: Writer) -> None:
    """Let the next change make all indices anew, from what the state says."""
    for name in writer.names():
        if "/by-hash/" in name:
            writer.remove(name)


def signers(writer: Writer, path: str, folder: Path, keyring: bytes) -> str:
    """Return what gpgv says of a signed file, by a keyring."""
    (folder / "ring").write_bytes(keyring)
    (folder / "signed").write_bytes(writer.read(path))
    done = run.run(
        ["gpgv", "--keyring", folder / "ring", "--status-fd", "1", folder / "signed"], check=False
    )
    return done.stdout


def test_edited_facts(acme: Publisher, writer: Writer, client: Client) -> None:
    """The facts of a deb name another by its right hash: ``renew`` signed them, ``verify`` was content."""
    (path,) = facts_of(writer, "hello")
    facts = json.loads(writer.read(path))
    digest = hashlib.sha256(EVIL).hexdigest()
    stanza = facts["stanza"].replace(facts["sha256"], digest).replace("Version: 1.0-1", "Version: 6.6-6")
    writer.write(path, json.dumps({**facts, "stanza": stanza}).encode())
    lose_indices(writer)
    output = acme.refused("renew")
    assert digest not in writer.read("dists/trixie/main/binary-amd64/Packages").decode()
    client.update()
    assert client.would("install", "hello") == ["hello 1.0-1+deb13"]
    assert acme.code == REFUSED
    assert "was changed: its bytes are not those that were written." in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_edited_head(acme: Publisher, writer: Writer) -> None:
    """The head names documents of the attacker's own."""
    edit_head(writer, lambda head: head.update(url="https://evil.example.org", valid_days=3650))
    output = acme.refused("renew")
    assert b"evil" not in writer.read("dists/trixie/InRelease")
    assert acme.code == REFUSED
    assert "state/head.json is not signed by a key that this machine trusts for 'acme'" in output


def test_a_head_without_a_signature(acme: Publisher, writer: Writer) -> None:
    """The head is one of the version before, which had no signature."""
    document = json.loads(writer.read("state/head.json"))
    inner = json.loads(document.get("signed", "{}")) or document
    writer.write("state/head.json", json.dumps({**inner, "format": 1, "valid_days": 3650}).encode())
    before = writer.read("dists/trixie/InRelease")
    output = acme.refused("renew")
    assert writer.read("dists/trixie/InRelease") == before
    assert acme.code == REFUSED
    assert "state/head.json is not signed" in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_another_name_by_another_key(
    acme: Publisher, writer: Writer, publisher: Publisher, tmp_path: Path
) -> None:
    """The publisher keeps another repository too: the head of acme takes its name and its key."""
    other = Publisher(tmp_path)
    other.folder = tmp_path / "other"
    other.begin("beta", str(tmp_path / "beta"))
    beta = FolderWriter(tmp_path / "beta", other.address)
    document = json.loads(beta.read("state/head.json"))
    head = json.loads(document["signed"]) if "signed" in document else document
    edit_head(writer, lambda ours: ours.update(name="beta", keys=head["keys"]))
    output = acme.refused("renew")
    keyring = beta.read("beta-archive-keyring.gpg")
    assert "VALIDSIG" not in signers(writer, "dists/trixie/InRelease", tmp_path, keyring)
    assert acme.code == REFUSED
    assert "is not signed by a key that this machine trusts for 'acme'" in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_the_whole_of_another_repository(acme: Publisher, writer: Writer, tmp_path: Path) -> None:
    """All files of beta are put in acme's place: what is published next was beta's, by beta's key."""
    other = Publisher(tmp_path)
    other.folder = tmp_path / "other"
    other.begin("beta", str(tmp_path / "beta"))
    beta = FolderWriter(tmp_path / "beta", other.address)
    put_back(writer, snapshot(beta))
    output = acme.refused("add", acme.deb("2.0", "for-acme"))
    assert "for-acme" not in writer.read("dists/trixie/main/binary-amd64/Packages").decode()
    assert acme.code == REFUSED
    assert "is not signed by a key that this machine trusts for 'acme'" in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_a_repository_of_the_same_key(acme: Publisher, writer: Writer, tmp_path: Path) -> None:
    """Two repositories share a key of the publisher's own; one's head is put in the other's place."""
    home = tmp_path / "home/config/debonair/repositories/acme/gnupg"
    sockets = shutil.ignore_patterns("S.*")  # of gpg-agent, which may still run
    shutil.copytree(home, tmp_path / "home/.gnupg", ignore=sockets)
    (tmp_path / "home/.gnupg").chmod(0o700)
    fingerprint = next(word for word in acme.repo("verify").split() if len(word) == 40)
    both = {}
    for name in ("one", "two"):
        both[name] = Publisher(tmp_path)
        both[name].folder = tmp_path / f"debs-{name}"
        both[name].begin(name, str(tmp_path / name), "--key", fingerprint)
    one = FolderWriter(tmp_path / "one", both["one"].address)
    put_back(one, snapshot(FolderWriter(tmp_path / "two", both["two"].address)))
    output = both["one"].refused("add", both["one"].deb("2.0", "for-one"))
    assert "for-one" not in one.read("dists/trixie/main/binary-amd64/Packages").decode()
    assert both["one"].code == REFUSED
    assert "is the head of 'two', but this machine knows the repository there as 'one'." in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
@pytest.mark.parametrize("kind", ["suite", "chunk"])
def test_an_edited_document(acme: Publisher, writer: Writer, kind: str) -> None:
    """A document of the state is edited where it lies."""
    mark = {"suite": b'"pieces"', "chunk": b'"highest"'}[kind]
    for name in writer.names():
        if name.startswith("state/objects/") and mark in (data := writer.read(name)):
            writer.write(name, data.replace(b"1.0-1+deb13", b"6.6-6+deb13").replace(b"trixie", b"sid"))
    before = writer.read("dists/trixie/InRelease")
    output = acme.refused("add", acme.deb("1.1"))
    assert writer.read("dists/trixie/InRelease") == before
    assert acme.code == REFUSED
    assert "was changed: its bytes are not those that were written." in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_keys_of_the_attackers_own(acme: Publisher, writer: Writer, tmp_path: Path) -> None:
    """Another public key stands in the head: the next bootstrap deb gave it to all machines."""
    other = Publisher(tmp_path)
    other.begin("beta", str(tmp_path / "beta"))
    document = (tmp_path / "beta/state/head.json").read_text()
    head = json.loads(document)
    (stranger,) = (json.loads(head["signed"]) if "signed" in head else head)["keys"]

    def both(head: dict[str, Any]) -> None:
        (ours,) = head["keys"]
        head["keys"] = [ours, ours | {"public": stranger["public"]}]

    edit_head(writer, both)
    output = acme.refused("bootstrap", "--url", "https://new.example.org")
    key = (tmp_path / "beta/beta-archive-keyring.gpg").read_bytes()
    assert key not in writer.read("acme-archive-keyring.gpg")
    assert acme.code == REFUSED
    assert "is not signed" in output
