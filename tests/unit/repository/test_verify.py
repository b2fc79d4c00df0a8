from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from repository import DAY, Archive

from debonair.repository import history, state, sweep, verify
from debonair.repository.edits import versions
from debonair.repository.edits.keys import renew, take_key


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "apt").init()
    archive.add(archive.deb())
    assert wrong(archive) == []
    return archive


def wrong(archive: Archive) -> list[str]:
    return verify.verify(archive.draft, archive.scribe)


def signed(archive: Archive, change: Callable[[str], str]) -> None:
    """Let the keys of the repository sign another Release, and its state know it."""
    folder = archive.root / "dists/trixie"
    text = change((folder / "Release").read_text())
    made = archive.scribe.sign(text, [archive.draft.head.keys[0].fingerprint], now=archive.clock())
    for name, data in (("Release", text), ("Release.gpg", made.detached), ("InRelease", made.inline)):
        (folder / name).write_text(data)


def only(archive: Archive, message: str) -> None:
    """See that ``message`` is found, and besides it only that the newest change is not shown."""
    found = [
        each
        for each in wrong(archive)
        if "InRelease does not belong to the newest change. Sign it again: debonair repo renew" not in each
    ]
    assert len(found) == 1, found
    assert message in found[0]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dists/trixie/InRelease", "dists/trixie/InRelease is missing."),
        ("dists/trixie/Release.gpg", "dists/trixie/Release.gpg is missing."),
        ("dists/trixie/main/binary-amd64/Packages", "main/binary-amd64/Packages is missing."),
        ("dists/trixie/main/Contents-amd64.xz", "main/Contents-amd64.xz is missing."),
        ("index.json", "index.json is not of the newest change"),
    ],
)
def test_what_is_missing(archive: Archive, path: str, message: str) -> None:
    (archive.root / path).unlink()
    only(archive, message)


def test_a_deb_that_is_missing_or_altered(archive: Archive) -> None:
    deb = archive.root / "pool/h/hello/hello_1.0-1+deb13_amd64.deb"
    data = deb.read_bytes()
    deb.write_bytes(data[:-1] + b"x")
    only(archive, "its bytes are not the signed ones")
    deb.write_bytes(data + b"x")
    only(archive, f"{deb.name} has more than the {len(data)} bytes that are signed for")
    deb.unlink()
    assert wrong(archive) == [f"{path_of(deb, archive)} is missing."]


def test_a_deb_for_a_rollback(archive: Archive) -> None:
    """No index names it now, and machines get it after the next rollback."""
    archive.versions(a="1.1")
    deb = archive.root / "pool/h/hello/hello_1.0-1+deb13_amd64.deb"
    deb.write_bytes(deb.read_bytes()[:-1] + b"x")
    only(archive, f"{deb.name} was changed: its bytes are not the signed ones")


def path_of(path: Path, archive: Archive) -> str:
    return str(path.relative_to(archive.root))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Origin: acme", "Origin: other", "Release: Origin is 'other', but must be 'acme'."),
        ("Acquire-By-Hash: yes\n", "", "Acquire-By-Hash is 'None'"),
        ("Architectures: amd64 armhf", "Architectures: amd64", "Architectures is 'amd64'"),
        ("Date: Tue", "Date: Xxx", "Release: Date or Valid-Until is not valid"),
        ("Date: Tue, 14 Nov 2023", "Date: Tue, 21 Nov 2023", "Date is "),
        ("Valid-Until: Wed, 13 Nov 2024", "Valid-Until: Mon, 13 Nov 2023", "expired on"),
        ("Valid-Until: Wed, 13 Nov 2024", "Valid-Until: Mon, 20 Nov 2023", "expires on"),
    ],
)
def test_fields_of_a_release(archive: Archive, old: str, new: str, message: str) -> None:
    signed(archive, lambda text: text.replace(old, new))
    only(archive, message)


def test_a_plain_index_that_is_another(archive: Archive) -> None:
    signed(
        archive,
        lambda text: re.sub(r" [0-9a-f]{8}(\S+ +\d+ main/Contents-amd64)\n", r" 00000000\1\n", text),
    )
    only(archive, "does not match the Release, which lists the uncompressed file.")


def test_signatures(archive: Archive) -> None:
    other = archive.scribe.create("x", now=archive.clock())
    archive.repository.change("rotate-key", take_key(other))
    signed(archive, str)
    only(archive, f"is not signed by {other.fingerprint}")
    (archive.root / "dists/trixie/Release.gpg").write_text("x")
    only(archive, "no valid signature by the repository's keys")


def test_two_texts(archive: Archive) -> None:
    path = archive.root / "dists/trixie/InRelease"
    path.write_text(path.read_text().replace("Label: acme", "Label: other"))
    only(archive, "Release have different contents.")


def test_the_state(archive: Archive) -> None:
    suite = archive.draft.suite("trixie")
    for digest in (suite.release, suite.pieces[0].document, archive.draft.head.suites["bookworm"].document):
        path = archive.root / state.object_path(digest)
        data = path.read_bytes()
        path.write_bytes(b"{}")
        found = verify._state(
            archive.draft,
            "trixie" if digest != archive.draft.head.suites["bookworm"].document else "bookworm",
            {},
            {},
        )
        assert [f"{path_of(path, archive)} was changed" in each for each in found] == [True]
        path.write_bytes(data)
    assert wrong(archive) == []


def test_facts(archive: Archive) -> None:
    entry = archive.draft.lines("trixie", "hello")["amd64"].entries[0]
    path = archive.root / state.object_path(entry.facts)
    data = path.read_bytes()
    path.write_bytes(data.replace(entry.deb.encode(), b"0" * 64))
    only(archive, "was changed: its bytes are not those that were written.")
    path.unlink()
    found = list(verify._state(archive.draft, "trixie", {}, {}))
    assert found == [f"{path_of(path, archive)} is missing from the repository."]


def test_the_history(archive: Archive) -> None:
    path = archive.root / f"{history.FOLDER}{archive.draft.head.history}.json"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"ada", b"eve"))
    only(archive, "was changed: its bytes are not those that were written.")
    path.unlink()
    only(archive, "is missing: the history ends there.")
    path.write_bytes(data)
    draft = archive.draft
    draft.head = msgspec.structs.replace(draft.head, generation=3)
    assert "The history has change 2 in place of change 3." in verify.verify(draft, archive.scribe)


def test_the_page(archive: Archive) -> None:
    path = archive.root / "index.json"
    path.write_text(path.read_text().replace("hello greets", "hello insults"))
    only(archive, "index.json does not list what the suites offer. Write it again: debonair repo renew")
    path.write_text("{")
    only(archive, "is not of the newest change")


def unready(archive: Archive, *releases: int) -> list[str]:
    return verify.without_deb_for_the_next_release(archive.draft, releases)


def test_apps_without_a_deb_for_the_next_release(archive: Archive) -> None:
    archive.add(archive.deb(), suite="bookworm")  # the fixture has it in trixie too
    assert unready(archive, 12, 13) == []
    for architecture in ("amd64", "armhf"):
        archive.add(archive.deb("world", architecture=architecture), suite="bookworm")
    archive.add(archive.deb("world", architecture="amd64"))
    archive.add(archive.deb("guest"), suite="bookworm", channel="testing")
    stable, testing = unready(archive, 12, 13)
    assert stable.startswith(
        "bookworm has apps without a deb in trixie: world (armhf). Publish those debs before a machine "
        "is upgraded to Debian"
    )
    assert "to Debian 13" in stable
    assert testing.startswith(
        "bookworm-testing has apps without a deb in trixie-testing: guest (amd64). Publish those debs "
        "before a machine is upgraded to Debian"
    )
    assert unready(archive, 12) == [], "it is not out yet"
    archive.add(archive.deb("world", architecture="all"))
    assert [message.partition(" ")[0] for message in unready(archive, 13)] == ["bookworm-testing"]


def test_only_some_of_many_apps_are_named(archive: Archive) -> None:
    for number in range(22):
        archive.add(archive.deb(f"app{number:02}"), suite="bookworm")
    (message,) = unready(archive, 13)
    assert "app19 (amd64) and 2 more. " in message


class TestSweep:
    def test_what_nothing_names(self, archive: Archive) -> None:
        archive.now = 4e9  # files are as old as their writing, by the clock of this machine
        left = archive.root / "pool/x/left/left_1_all.deb"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"x")
        folder = "dists/trixie/main/binary-amd64/by-hash/SHA256"
        generations = set((archive.root / folder).iterdir())
        (archive.root / folder / "abc").write_bytes(b"x")
        unfinished = archive.root / "dists/trixie/main/.new.abc"
        unfinished.write_bytes(b"x")
        archive.versions(a="1.1", b="1.2")
        archive.repository.change("renew", renew(()))
        assert wrong(archive) == []
        gone = sweep.sweep(archive.draft, older_than=0)
        assert [found.path for found in gone if not found.path.startswith("state/objects/")] == [
            path_of(left, archive),
            path_of(unfinished, archive),
            f"{folder}/abc",
        ]
        assert generations < set((archive.root / folder).iterdir())
        assert wrong(archive) == []
        assert sweep.sweep(archive.draft, older_than=0) == []

    def test_what_is_young_may_be_named_in_a_moment(self, archive: Archive) -> None:
        archive.versions(a="1.1")
        archive.now = (archive.root / state.HEAD).stat().st_mtime + DAY - 60
        assert list(sweep.unnamed(archive.draft))
        assert sweep.sweep(archive.draft, older_than=0) == []

    def test_pruned_debs(self, archive: Archive) -> None:
        archive.versions(a="1.1", b="1.2")
        archive.add(archive.deb(version="1.1"), channel="testing")
        archive.now += 100 * DAY
        archive.repository.change("prune", versions.prune(keep=1, older_than=90 * DAY))
        archive.now = 4e9
        pool = archive.root / "pool/h/hello"
        assert len(list(pool.iterdir())) == 3
        sweep.sweep(archive.draft, older_than=90 * DAY)
        names = sorted(path.name for path in pool.iterdir())
        assert names == ["hello_1.1-1+deb13_amd64.deb", "hello_1.2-1+deb13_amd64.deb"], "testing has 1.1"
