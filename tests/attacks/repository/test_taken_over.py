"""A repository of the version before is taken over and served on; who edited it before that is refused.

``before/repository.tar.xz`` was made by that version; ``before/README.md`` says how.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from aptclient import Client
from elsewhere import Elsewhere
from publisher import environment
from writer import HEAD, FolderWriter, Publisher, edit_head, snapshot

from debonair.deb import archive
from debonair.host import run

BEFORE = Path(__file__).parent / "before/repository.tar.xz"
REFUSED = 11
OTHER = "The state contradicts the signed dists/"
Edit = Callable[[FolderWriter], None]


@pytest.fixture
def old(publisher: Publisher, folder: FolderWriter, tmp_path: Path) -> FolderWriter:
    """The repository, and the keys of its publisher."""
    with tarfile.open(BEFORE) as packed:
        packed.extractall(tmp_path, filter="data")
    (tmp_path / "config").rename(tmp_path / "home-config")
    (tmp_path / "home").mkdir()
    (tmp_path / "home-config").rename(tmp_path / "home/config")
    publisher.address = folder.address
    return folder


@pytest.fixture
def client(old: FolderWriter, tmp_path: Path) -> Client:
    """A machine that has followed it since before."""
    machine = Client(tmp_path / "client", old.uri, old.root / "acme-archive-keyring.gpg")
    assert machine.update() == ""
    assert machine.would("install", "hello", "other") == ["hello 1.2-1+deb13", "other 3+deb13"]
    return machine


def take_over(publisher: Publisher) -> str:
    return publisher.repo("trust", "--name", "acme", "--take-over")


def test_it_is_served_on(publisher: Publisher, old: FolderWriter, client: Client) -> None:
    before = old.read("dists/trixie/main/binary-amd64/Packages").decode()
    output = take_over(publisher)
    assert "taken over from an earlier Debonair, after change 8" in output
    assert "change 9, signed by 376C8850F34E1080AA668A404AA429FF878B2099" in output
    assert "is dropped" not in output
    assert client.update() == "", "an old client goes on"
    assert client.would("install", "hello", "other") == ["hello 1.2-1+deb13", "other 3+deb13"]
    after = old.read("dists/trixie/main/binary-amd64/Packages").decode()
    ours = [part for part in after.split("\n\n") if "archive-keyring" not in part]
    assert ours == [part for part in before.split("\n\n") if "archive-keyring" not in part]
    shown = client.run("policy", "acme-archive-keyring", program="apt-cache").stdout
    assert "Candidate: 2+deb13" in shown, "and gets the guard of its suite"
    assert "suites are healthy, signed by" in publisher.repo("verify")
    assert publisher.repo("history").count("ada@example") == 9


def test_it_is_published_on(publisher: Publisher, old: FolderWriter, client: Client) -> None:
    client.preferences.write_text("Package: *\nPin: release o=acme\nPin-Priority: 1001\n")
    take_over(publisher)
    publisher.repo("rollback", "hello", "1.1")
    assert client.update() == ""
    assert client.would("install", "hello") == ["hello 1.1-1+deb13"]
    publisher.repo("rollback", "hello", "1.0")
    publisher.add("1.3")
    assert client.update() == ""
    assert client.would("install", "hello") == ["hello 1.3-1+deb13"]
    assert "suites are healthy, signed by" in publisher.repo("verify")
    publisher.repo("prune", "--older-than", "0d")
    assert "suites are healthy, signed by" in publisher.repo("verify")
    assert client.run("install", "--yes", "--download-only", "hello").status == 0


def test_it_is_not_used_before(publisher: Publisher, old: FolderWriter) -> None:
    before = snapshot(old)
    for words in (["renew"], ["list"], ["trust", "--name", "acme"]):
        output = publisher.refused(*words)
        assert publisher.code == REFUSED
        assert "was made by an earlier Debonair, and its state is not signed." in output
        assert "--take-over" in output
    assert snapshot(old) == before


def test_only_once(publisher: Publisher, old: FolderWriter, tmp_path: Path) -> None:
    unsigned = old.read(HEAD)
    take_over(publisher)
    signed = old.read(HEAD)
    assert "has seen a signed state" in publisher.refused("trust", "--take-over")
    old.write(HEAD, unsigned)
    assert "has seen a signed state" in publisher.refused("trust", "--take-over")
    assert "is not signed" in publisher.refused("renew")
    old.write(HEAD, signed)
    bob = Elsewhere(publisher, tmp_path / "bob")
    assert "suites are healthy, signed by" in bob.repo("verify")


def test_the_version_before_refuses_it(publisher: Publisher, old: FolderWriter) -> None:
    """What an old Debonair looks at first is the format: it says that it must be a later one."""
    take_over(publisher)
    assert json.loads(old.read(HEAD))["format"] == 2


def repo_with_little_memory(publisher: Publisher, *words: str) -> str:
    program = [sys.executable, "-m", "debonair", "repo", *words, "--repository", publisher.address]
    return run.run(["prlimit", f"--as={1500 << 20}", *program], env=environment()).stdout


def facts_with(change: Callable[[dict[str, object]], None], version: str = "1.2-1") -> Edit:
    def edit(writer: FolderWriter) -> None:
        for name in writer.names():
            if name.startswith("state/debs/"):
                facts = json.loads(writer.read(name))
                if facts["package"] == "hello" and facts["version"].startswith(version):
                    change(facts)
                    writer.write(name, json.dumps(facts).encode())

    return edit


def other_deb(facts: dict[str, object]) -> None:
    text = str(facts["stanza"])
    facts["stanza"] = text.replace(str(facts["sha256"]), hashlib.sha256(b"evil").hexdigest())


def in_chunks(before: bytes, after: bytes) -> Edit:
    """Edit the documents of the suites and all that names them, as nobody has signed that."""

    def edit(writer: FolderWriter) -> None:
        head = json.loads(writer.read(HEAD))
        for ref in head["suites"].values():
            suite = json.loads(writer.read(path_of(ref["document"])))
            for piece in suite["pieces"]:
                piece["document"] = put(
                    writer, writer.read(path_of(piece["document"])).replace(before, after)
                )
            ref["document"] = put(writer, json.dumps(suite).encode())
        writer.write(HEAD, json.dumps(head).encode())

    return edit


def put(writer: FolderWriter, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    writer.write(path_of(digest), data)
    return digest


def path_of(digest: str) -> str:
    return f"state/objects/{digest[:2]}/{digest}"


def swap(writer: FolderWriter) -> None:
    for name in ("InRelease", "Release", "Release.gpg"):
        writer.write(f"dists/trixie/{name}", writer.read(f"dists/trixie-testing/{name}"))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (facts_with(other_deb), "contradicts itself"),
        (
            facts_with(lambda facts: facts.update(paths=["etc/cron.d/x"])),
            "The state contradicts the signed dists/",
        ),
        (facts_with(lambda facts: facts.update(filename="../../etc/passwd")), "contradicts itself"),
        (facts_with(lambda facts: facts.update(changelog="state/head.json")), "contradicts itself"),
        (facts_with(lambda facts: facts.update(size="x")), "is not a valid document of a repository"),
        (
            in_chunks(b'"halted": true', b'"halted": false'),
            "The state contradicts the signed dists/trixie/",
        ),
        (in_chunks(b'"withdrawn": false', b'"withdrawn": true'), "The state contradicts the signed dists/"),
        (in_chunks(b'"hello"', b'"hallo"'), OTHER),
        (lambda writer: edit_head(writer, lambda head: head.update(name="beta")), "not of 'acme'."),
        (
            lambda writer: edit_head(writer, lambda head: head.update(suites={})),
            "has no key, or no suite.",
        ),
        (
            lambda writer: edit_head(writer, lambda head: head["suites"].pop("trixie")),
            "The state of trixie-testing is not that of a suite of this repository",
        ),
        (
            lambda writer: edit_head(writer, lambda head: head["keys"][0].update(fingerprint="AB" * 20)),
            "which you do not have",
        ),
        (swap, "belongs to trixie-testing: someone has put it there."),
        (lambda writer: writer.write("dists/trixie/InRelease", b"x"), "missing, or not signed"),
    ],
)
def test_what_was_edited_before(publisher: Publisher, old: FolderWriter, edit: Edit, message: str) -> None:
    edit(old)
    before = old.read("dists/trixie/InRelease"), old.read(HEAD)
    assert message in publisher.refused("trust", "--name", "acme", "--take-over")
    assert publisher.code == REFUSED
    assert (old.read("dists/trixie/InRelease"), old.read(HEAD)) == before


def test_what_nobody_signed_is_let_go(publisher: Publisher, old: FolderWriter, tmp_path: Path) -> None:
    """A version to go back to that was never published; and what else the signature does not cover."""
    evil = publisher.deb("1.1.5")
    digest = hashlib.sha256(evil.read_bytes()).hexdigest()
    old.write("pool/h/hello/hello_1.1.5-1+deb13_amd64.deb", evil.read_bytes())
    (facts,) = [
        name for name in old.names() if name.startswith("state/debs/") and b"1.1-1+deb13" in old.read(name)
    ]
    forged = old.read(facts).decode().replace("1.1-1+deb13", "1.1.5-1+deb13")
    real = json.loads(forged)["sha256"]
    old.write(f"state/debs/{digest[:2]}/{digest}.json", forged.replace(real, digest).encode())
    in_chunks(b'"version": "1.1-1+deb13"', b'"version": "1.1.5-1+deb13"')(old)
    in_chunks(real.encode(), digest.encode())(old)
    edit_head(old, lambda head: head.update(valid_days=1, url="https://evil.example.org", issue=7))
    output = take_over(publisher)
    assert "hello 1.1.5-1+deb13 amd64 in trixie is dropped: no remaining signed index lists it" in output
    assert "cannot return to version 1.1.5, because" in publisher.refused("rollback", "hello", "1.1.5")
    sources = archive.read(old.root / "bootstrap/acme-trixie.deb", keep=lambda _: True).contents
    assert b"URIs: https://apt.example.org\n" in sources["etc/apt/sources.list.d/acme.sources"]
    assert b"Date: " in old.read("dists/trixie/Release")
    assert "suites are healthy, signed by" in publisher.repo("verify")


def test_a_history_that_was_edited(publisher: Publisher, old: FolderWriter) -> None:
    (first,) = [name for name in old.names() if name.startswith("state/history/000001")]
    old.write(first, old.read(first).replace(b"ada", b"\\u001b[2Jeve"))
    assert "the history was changed, and starts again" in take_over(publisher)
    assert "eve" not in publisher.repo("history")
    assert "suites are healthy, signed by" in publisher.repo("verify")


def test_numbers_that_nobody_signed(publisher: Publisher, old: FolderWriter) -> None:
    edit_head(old, lambda head: head.update(generation=10**9, issue=10**9))
    output = repo_with_little_memory(publisher, "trust", "--name", "acme", "--take-over")
    assert "the history was changed, and starts again" in output
    assert "acme-archive-keyring 2+deb13" in output
    publisher.repo("renew")
    assert "suites are healthy, signed by" in publisher.repo("verify")


def test_by_another_name(publisher: Publisher, old: FolderWriter) -> None:
    output = publisher.refused("trust", "--name", "other", "--take-over")
    assert "is the head of 'acme', not of 'other'" in output
    assert publisher.code == REFUSED
