"""What is believed of a storage that anybody may write to."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from debs import EPOCH
from repository import SUITES, Archive

from debonair.errors import Error, MachineError, RepositoryError
from debonair.repository import history, pool, state, timer, verify
from debonair.repository.edits.keys import drop_keys, renew, take_key
from debonair.repository.excerpt import shown
from debonair.repository.pins import Pin, Pins
from debonair.repository.state import Chunk, Head, Sealed, Suite
from debonair.repository.storage import locate
from debonair.repository.storage.protocol import TooLarge

KEY = "AB" * 20


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "apt").init()
    made.add(made.deb())
    return made


def sealed(archive: Archive, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a head that the right key has signed."""
    head = archive.root / state.HEAD
    inner = json.loads(msgspec.json.decode(head.read_bytes(), type=Sealed).signed)
    change(inner)
    text = json.dumps(inner)
    keys = [key["fingerprint"] for key in inner["keys"]]
    head.write_bytes(state.seal(text, archive.scribe.seal(text, keys, now=EPOCH)))


class TestTrust:
    def test_a_key_that_was_rotated_while_it_slept(self, archive: Archive) -> None:
        bob = archive.other("bob")
        second = archive.scribe.create("acme", now=archive.clock())
        archive.repository.change("rotate-key", take_key(second))
        assert len(bob.draft().head.keys) == 2, "the old key has said so"
        archive.repository.change("rotate-key", drop_keys())
        assert bob.draft().head.keys == (second,)
        third = archive.scribe.create("acme", now=archive.clock())
        archive.repository.change("rotate-key", take_key(third))
        archive.repository.change("rotate-key", drop_keys())
        with pytest.raises(
            RepositoryError, match="is not signed by a key that this machine trusts for '"
        ) as refused:
            bob.draft()
        assert "debonair repo trust --key" in refused.value.hint
        with pytest.raises(RepositoryError, match="names no key that you trust for 'acme'"):
            bob.trust.first("acme", [KEY], now=archive.clock(), old=False)
        bob.trust.first("acme", [third.fingerprint], now=archive.clock(), old=False)
        assert bob.draft().head.keys == (third,)

    def test_a_place_that_it_does_not_know(self, archive: Archive) -> None:
        with pytest.raises(
            RepositoryError, match="This machine does not trust the repository in"
        ) as refused:
            archive.publisher(who="bob").draft()
        assert "debonair repo trust --name NAME" in refused.value.hint

    def test_a_state_that_has_expired(self, archive: Archive) -> None:
        bob = archive.publisher(who="bob")
        key = [archive.draft.head.keys[0].fingerprint]
        late = archive.clock() + 366 * 86400
        with pytest.raises(RepositoryError, match=r"expired on .*, so it may be old"):
            bob.trust.first("acme", key, now=late, old=False)
        bob.trust.first("acme", key, now=late, old=True)
        assert bob.trust.known()

    def test_a_history_that_leads_elsewhere(self, archive: Archive) -> None:
        sealed(archive, lambda head: head.update(generation=9))
        with pytest.raises(RepositoryError, match="another change 2 than this machine has seen"):
            archive.repository.draft()

    def test_a_key_that_is_none(self, archive: Archive) -> None:
        bob = archive.publisher(who="bob")
        key = archive.draft.head.keys[0].fingerprint
        sealed(archive, lambda head: head["keys"][0].update(public="-----\n\nA\n-----"))
        with pytest.raises(RepositoryError, match="is not valid"):
            bob.trust.first("acme", [key], now=archive.clock(), old=False)

    def test_a_suite_is_signed_when_it_is_due(self, archive: Archive) -> None:
        before = archive.draft.suite("bookworm").date
        archive.add(archive.deb(version="1.1"))
        assert archive.draft.suite("bookworm").date == before
        archive.now += 200 * 86400
        assert archive.draft.due() == archive.draft.suites
        archive.add(archive.deb(version="1.2"))
        assert archive.draft.due() == []
        assert archive.repository.change("renew", renew(SUITES, if_due=True)) == []
        assert archive.repository.change("renew", renew(SUITES, valid_days=14, if_due=True))
        assert archive.draft.head.valid_days == 14

    def test_a_deb_of_the_pool_is_healed(
        self, archive: Archive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (deb,) = (archive.root / "pool/h/hello").iterdir()
        whole = deb.read_bytes()
        for damage in (b"evil", None):
            deb.unlink() if damage is None else deb.write_bytes(damage)
            assert archive.add(archive.deb()) == []
            assert deb.read_bytes() == whole
            assert "is damaged, and is written again." in capsys.readouterr().err
        assert verify.verify(archive.draft, archive.scribe) == []


class TestPins:
    PIN = Pin("/srv/apt", "acme", (), 3, "x", "0" * 64)

    def test_it_never_goes_back(self, tmp_path: Path) -> None:
        pins = Pins(tmp_path / "places")
        assert pins.save(self.PIN) == self.PIN
        older = msgspec.structs.replace(self.PIN, generation=2)
        assert pins.save(older) == self.PIN
        assert pins.save(older, lower=True) == older
        assert pins.load("/srv/apt") == older
        assert pins.load("/srv/other") is None
        assert (tmp_path / "places").stat().st_mode & 0o777 == 0o700
        assert pins.forget("/srv/apt")
        assert not pins.forget("/srv/apt")

    def test_a_file_that_is_none(self, tmp_path: Path) -> None:
        pins = Pins(tmp_path)
        pins.path("x").write_text("{")
        with pytest.raises(RepositoryError, match="is not a valid document of a repository"):
            pins.load("x")
        pins.path("x").unlink()
        pins.path("x").mkdir()
        with pytest.raises(MachineError, match="cannot be read or written"):
            pins.load("x")
        with pytest.raises(MachineError, match="cannot be read or written"):
            pins.save(msgspec.structs.replace(self.PIN, place="x"), lower=True)

    @pytest.mark.parametrize(
        ("where", "identity"),
        [
            ("S3://fleet/apt/", "s3://fleet/apt"),
            ("shelf:/srv/apt/", "ssh://shelf/srv/apt"),
            ("ada@shelf:~/apt", "ssh://ada@shelf/~/apt"),
            ("shelf:apt", "ssh://shelf/~/apt"),
            ("/srv/../srv/apt", "/srv/apt"),
        ],
    )
    def test_a_place_has_one_name(self, where: str, identity: str) -> None:
        assert locate.identity(where) == identity


@pytest.mark.parametrize(
    "where", ["/srv/\udcff", "s3://fleet/\udcff", "shelf:\udcff", "gs://\udcff", "ssh://a/\udcff"]
)
def test_a_name_that_is_not_utf8(where: str) -> None:
    for read in (locate.identity, lambda place: locate.storage(place, {}, clock=lambda: 0)):
        with pytest.raises(RepositoryError, match=r"is not UTF-8: '.*\\xff'"):
            read(where)


def test_a_folder_below_one_that_is_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / os.fsdecode(b"\xff")
    below.mkdir()
    monkeypatch.chdir(below)
    with pytest.raises(RepositoryError, match="is not UTF-8"):
        locate.identity("apt")


def test_what_a_terminal_shows() -> None:
    assert shown("a\x1b[2J\n\u202e\x9bé") == "a\\x1b[2J\\n\\u202e\\x9bé"
    assert shown("x" * 600) == "x" * 500 + "..."
    assert shown("\udc80") == "\\udc80"


def test_the_units_of_the_timer(golden: Callable[[str, str], None], tmp_path: Path) -> None:
    units = timer.units("acme", Path("/usr/bin/debonair"), 's3://fleet/a"b%20c$d\\')
    assert sorted(units) == ["debonair-renew-acme.service", "debonair-renew-acme.timer"]
    for name, text in units.items():
        golden(f"repo/{name}", text)
    timer.write(tmp_path / "user", units)
    assert len(list((tmp_path / "user").iterdir())) == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(RepositoryError, match="is not writable"):
        timer.write(tmp_path / "file", units)


@pytest.mark.parametrize(
    "name", ["a\nExecStartPre=/bin/x", "a\rb", "a\x1b[2J", "a\x00b", "a\x85b", "a\udcffb"]
)
def test_a_timer_for_a_path_that_no_unit_can_name(name: str) -> None:
    with pytest.raises(RepositoryError, match="A timer cannot name '/srv/a"):
        timer.units("acme", Path("/usr/bin/debonair"), f"/srv/{name}")
    with pytest.raises(RepositoryError, match="A timer cannot name '/opt/a"):
        timer.units("acme", Path(f"/opt/{name}"), "/srv/apt")


class TestReader:
    """Bytes that anybody may have written: nothing but an ``Error`` comes of them."""

    def documents(self, archive: Archive) -> list[tuple[bytes, type]]:
        suite = archive.draft.suite("trixie")
        (piece,) = suite.pieces
        entry = archive.draft.lines("trixie", "hello")["amd64"].entries[0]
        change = (archive.root / f"{history.FOLDER}{archive.draft.head.history}.json").read_bytes()
        return [
            ((archive.root / state.HEAD).read_bytes(), Sealed),
            (state.encode(archive.draft.head), Head),
            (state.encode(suite), Suite),
            (state.get(archive.storage, piece.document), Chunk),
            (state.get(archive.storage, entry.facts), pool.Facts),
            (change, history.Change),
        ]

    def test_mutations(self, archive: Archive) -> None:
        chance = random.Random(14)
        read = refused = 0
        odd = [
            b'"',
            b"{",
            b"[" * 5000,
            b"null",
            b"-1",
            b"1e999",
            b"9" * 400,
            b"\xff",
            b"\\u0000",
            b"..",
            b",",
        ]
        for data, kind in self.documents(archive):
            for _ in range(400):
                mutant = bytearray(data)
                for _ in range(chance.randint(1, 3)):
                    at = chance.randrange(len(mutant))
                    if chance.random() < 0.5:
                        mutant[at] = chance.randrange(256)
                    else:
                        mutant[at : at + chance.randint(0, 9)] = chance.choice(odd)
                try:
                    state.decode(bytes(mutant), kind, "state/x")
                    read += 1
                except Error as error:
                    refused += error.message.isprintable()
        assert refused + read == 6 * 400, "and all that is said can be shown"
        assert refused > 1000
        assert read > 10

    def test_mutations_of_what_is_read(self, archive: Archive) -> None:
        """A head that was altered anywhere is refused, whatever is in it."""
        chance = random.Random(15)
        head = archive.root / state.HEAD
        data = head.read_bytes()
        start = data.index(b"\\n")
        for _ in range(300):
            mutant = bytearray(data)
            at = chance.randrange(start, len(data) - 3)
            mutant[at] ^= 1 << chance.randrange(8)
            head.write_bytes(mutant)
            try:
                draft = archive.repository.draft()
            except Error:
                continue
            assert draft.head == archive.repository.trust.head()[0]
            assert draft.head.generation == 2

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/etc/passwd",
            "a/../b",
            "..",
            "a//b",
            "a/",
            "./a",
            "a\nb",
            "a\x1b[2J",
            "a\u2028b",
            "x" * 2000,
        ],
    )
    def test_a_path_stays_inside(self, archive: Archive, path: str) -> None:
        for ask in (
            lambda path: archive.storage.read(path, 1),
            archive.storage.size,
            archive.storage.remove,
            lambda path: archive.storage.add(path, b""),
            lambda path: archive.storage.replace(path, b"", None),
        ):
            with pytest.raises(RepositoryError, match=r"is not a valid path of a file in a repository\."):
                ask(path)

    def test_a_pipe_is_not_waited_for(self, archive: Archive) -> None:
        os.mkfifo(archive.root / "pool/pipe")
        with pytest.raises(MachineError, match="Is a directory"):
            archive.storage.read("pool/pipe", 1 << 20)
        assert "pool/pipe" not in [found.path for found in archive.storage.list("pool/")]

    def test_a_file_that_is_too_large(self, archive: Archive) -> None:
        archive.storage.add("x", b"12345")
        with pytest.raises(TooLarge, match="x is larger than 4 bytes") as large:
            archive.storage.read("x", 4)
        archive.storage.replace("x", b"1", large.value.tag)
        found = archive.storage.read("x", 1)
        assert found is not None
        assert found.data == b"1"

    def test_names_that_no_file_has_are_not_listed(self, archive: Archive) -> None:
        (archive.root / "pool/a\nb").write_text("")
        (archive.root / os.fsdecode(b"pool/\xff")).write_text("")
        (archive.root / "pool/link").symlink_to("/etc/passwd")
        assert [found.path for found in archive.storage.list("pool/") if "/h/" not in found.path] == [
            found.path for found in archive.storage.list("pool/a/")
        ]
