"""The attacker wants machines to go back to a release with a known hole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aptclient import Client
from elsewhere import Elsewhere
from publisher import repo
from writer import HEAD, FolderWriter, Publisher, Writer, put_back, snapshot

REFUSED = 11


def test_an_old_head(acme: Publisher, writer: Writer, client: Client) -> None:
    """The old head is put back: the next change signed the old release anew, and the fleet followed."""
    client.preferences.write_text("Package: *\nPin: release o=acme\nPin-Priority: 1001\n")
    old = writer.read(HEAD)
    acme.add("1.1")
    assert client.update() == ""
    writer.write(HEAD, old)
    output = acme.refused("renew")
    client.update()
    assert client.would("install", "hello") == ["hello 1.1-1+deb13"]
    assert acme.code == REFUSED
    assert (
        "has change 2, but this machine has already seen change 3: someone has put an old state there."
        in output
    )
    assert "debonair repo trust" in output


def test_everything_old(acme: Publisher, writer: Writer) -> None:
    """The whole storage is what it was, as from a backup."""
    before = snapshot(writer)
    acme.add("1.1")
    put_back(writer, before)
    output = acme.refused("add", acme.deb("2.0", "other"))
    assert "other" not in writer.read("dists/trixie/main/binary-amd64/Packages").decode()
    assert acme.code == REFUSED
    assert (
        "has change 2, but this machine has already seen change 3: someone has put an old state there."
        in output
    )


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_a_branch_of_the_same_generation(acme: Publisher, folder: Writer, tmp_path: Path) -> None:
    """Two publishers were led to sign two changes of one number; whoever knows one refuses the other."""
    before = snapshot(folder)
    acme.add("1.1")
    mine = snapshot(folder)
    put_back(folder, before)
    bob = bob_of(acme, tmp_path)
    bob.add("1.2")  # to him the attacker shows what acme was before
    output = acme.refused("renew")
    assert acme.code == REFUSED
    assert "has another change 3 than this machine has seen" in output
    bob.add("1.3")  # now his branch has the higher number
    output = acme.refused("renew")
    assert acme.code == REFUSED
    assert "has another change 3 than this machine has seen" in output
    put_back(folder, mine)
    acme.repo("renew")
    assert "hello 1.1-1" in acme.repo("history")


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_a_history_that_is_cut_off(acme: Publisher, folder: Writer, tmp_path: Path) -> None:
    """What came since cannot be followed to what was seen: it may be another branch."""
    bob = bob_of(acme, tmp_path)
    for version in ("1.1", "1.2"):
        bob.add(version)
    for name in folder.names():
        if name.startswith("state/history/000003"):
            folder.remove(name)
    output = acme.refused("renew")
    assert acme.code == REFUSED
    assert "is missing" in output


def test_an_honest_publisher_elsewhere(acme: Publisher, writer: Writer, tmp_path: Path) -> None:
    """Not an attack: what others published since is seen, and known from then on."""
    bob = bob_of(acme, tmp_path)
    old = writer.read(HEAD)
    bob.add("1.1")
    acme.add("1.2")
    writer.write(HEAD, old)
    for each in (acme, bob):
        assert "this machine has already seen change" in each.refused("renew")
        assert each.code == REFUSED


def test_a_state_that_is_gone(acme: Publisher, writer: Writer) -> None:
    """Without a head there would be room for a new beginning."""
    writer.remove(HEAD)
    before = snapshot(writer)
    assert "state/head.json is missing from" in acme.refused("renew")
    assert acme.code == REFUSED
    assert "state/head.json is missing from" in repo("init", acme.address, "--name", "other", code=REFUSED)
    assert snapshot(writer) == before


class TestABackup:
    """A storage that was really restored is believed again, on purpose."""

    def test_is_believed_on_purpose(self, acme: Publisher, writer: Writer, client: Client) -> None:
        before = snapshot(writer)
        acme.add("1.1")
        put_back(writer, before)
        assert "has already seen change 3" in acme.refused("list")
        output = acme.repo("trust", "--restored")
        assert "change 3" in output
        assert "change 2" in output
        acme.add("1.2")
        assert client.update() == ""
        assert client.would("install", "hello") == ["hello 1.2-1+deb13"]
        assert "suites are healthy, signed by" in acme.repo("verify")

    @pytest.mark.parametrize("writer", ["folder"], indirect=True)
    def test_is_of_the_same_key(self, acme: Publisher, writer: Writer) -> None:
        document = json.loads(writer.read(HEAD))
        document["signed"] = document["signed"].replace("trixie", "sid")
        writer.write(HEAD, json.dumps(document).encode())
        output = acme.refused("trust", "--restored")
        assert acme.code == REFUSED
        assert "is not signed" in output

    @pytest.mark.parametrize("writer", ["folder"], indirect=True)
    def test_of_nothing_can_be_forgotten(self, acme: Publisher, folder: FolderWriter) -> None:
        put_back(folder, {})
        assert "has forgotten" in acme.repo("trust", "--forget")
        acme.begin("anew", acme.address)


def bob_of(acme: Publisher, folder: Path) -> Publisher:
    """Return somebody on another machine, who was given the key and nothing else."""
    return Elsewhere(acme, folder / "bob")
