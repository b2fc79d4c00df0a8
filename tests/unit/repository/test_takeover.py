"""A repository of the version before is taken over: what is signed is believed, and no more."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
from debs import EPOCH
from repository import Archive

from debonair.errors import RepositoryError
from debonair.repository import pool, state, takeover, verify
from debonair.repository.edits import versions

KEY = "AB" * 20


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "apt").init()
    made.add(made.deb())
    return made


def downgraded(archive: Archive) -> None:
    """Make of a repository what the version before would have kept."""
    head = archive.draft.head
    refs = {}
    for name, ref in head.suites.items():
        suite = msgspec.to_builtins(archive.draft.suite(name))
        for piece in suite["pieces"]:
            chunk = json.loads(state.get(archive.storage, piece["document"]))
            for lines in chunk["packages"].values():
                for line in lines.values():
                    for entry in line["entries"]:
                        data = state.get(archive.storage, entry.pop("facts"))
                        archive.storage.add(pool.path_of(entry["deb"]), data)
            piece["document"] = state.put(archive.storage, json.dumps(chunk).encode())
        refs[name] = {
            "document": state.put(archive.storage, json.dumps(suite).encode()),
            "inrelease": ref.inrelease,
        }
    old = {**msgspec.to_builtins(head), "format": 1, "suites": refs}
    (archive.root / state.HEAD).write_text(json.dumps(old))
    archive.repository.trust.pins.forget(str(archive.root))


class TestTakeOver:
    @pytest.fixture
    def old(self, archive: Archive) -> Archive:
        archive.add(archive.deb(version="1.1"), percent=50)
        archive.repository.change(
            "rollout", versions.rollout("hello", "1.1", percent=100, channel_name="stable", suite=None)
        )
        downgraded(archive)
        return archive

    def take(self, archive: Archive) -> list[str]:
        return takeover.take_over(archive.repository, "acme", archive.scribe, now=archive.clock())

    def test_it_is_signed(self, old: Archive) -> None:
        with pytest.raises(RepositoryError, match="made by an earlier Debonair"):
            old.repository.draft()
        what = self.take(old)
        assert what[0] == "taken over from an earlier Debonair, after change 4"
        assert not any("is dropped: no remaining signed index lists it" in line for line in what)
        assert old.offered() == [("1.1", 100)]
        edit = versions.rollback("hello", "1.0", channel_name="stable", suite=None)
        assert old.repository.change("rollback", edit)
        assert old.offered() == [("1.0", 100)]
        assert verify.verify(old.draft, old.scribe) == []

    def test_what_is_not_to_be_believed(self, old: Archive) -> None:
        for path in (old.root / "state/objects").rglob("*"):
            if path.is_file() and path.read_bytes().startswith(b"Origin"):
                path.unlink()  # older indices, as they were signed
        what = self.take(old)
        assert any(line.startswith("hello 1.0-1+deb13 amd64 in trixie is dropped") for line in what)
        assert verify.verify(old.draft, old.scribe) == []

    def test_facts_that_are_gone(self, old: Archive) -> None:
        for path in (old.root / "state/debs").rglob("*.json"):
            path.unlink()
        with pytest.raises(RepositoryError, match="is missing"):
            self.take(old)

    def test_a_release_without_dates(self, old: Archive) -> None:
        for path in old.root.glob("dists/*/InRelease"):
            text = path.read_text().partition("SIGNED")[0].replace("Valid-Until", "Valid")
            keys = json.loads((old.root / state.HEAD).read_text())["keys"]
            path.write_text(old.scribe.sign(text, [keys[0]["fingerprint"]], now=EPOCH).inline)
        with pytest.raises(RepositoryError, match="has no Date or Valid-Until"):
            self.take(old)

    def test_only_what_is_old(self, archive: Archive, tmp_path: Path) -> None:
        with pytest.raises(RepositoryError, match="has seen a signed state of 'acme'"):
            self.take(archive)
        archive.repository.trust.pins.forget(str(archive.root))
        with pytest.raises(RepositoryError, match=r"is already signed: you do not need to take it over\."):
            self.take(archive)
        with pytest.raises(RepositoryError, match="There is no repository"):
            self.take(Archive(tmp_path / "none"))

    def test_of_another_name(self, old: Archive) -> None:
        with pytest.raises(RepositoryError, match="is the head of 'acme', not of 'beta'"):
            takeover.take_over(old.repository, "beta", old.scribe, now=old.clock())
