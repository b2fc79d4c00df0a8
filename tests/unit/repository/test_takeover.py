"""A repository of the version before is taken over: what is signed is believed, and no more."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


@contextmanager
def little_memory() -> Iterator[None]:
    """Let this process take 200 MB more, and no further ones."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (200 << 20), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def edit_head(archive: Archive, **values: object) -> None:
    path = archive.root / state.HEAD
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def edit_suite(archive: Archive, name: str, edit: Callable[[Any], None]) -> None:
    refs = json.loads((archive.root / state.HEAD).read_text())["suites"]
    suite = json.loads(state.get(archive.storage, refs[name]["document"]))
    edit(suite)
    refs[name]["document"] = state.put(archive.storage, json.dumps(suite).encode())
    edit_head(archive, suites=refs)


def repeat_entries(archive: Archive) -> Callable[[Any], None]:
    """Return the edit that lists each version of the first chunk a thousand times."""

    def edit(suite: Any) -> None:
        piece = suite["pieces"][0]
        chunk = json.loads(state.get(archive.storage, piece["document"]))
        for lines in chunk["packages"].values():
            for line in lines.values():
                line["entries"] *= 1000
        piece["document"] = state.put(archive.storage, json.dumps(chunk).encode())

    return edit


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

    def test_a_number_of_changes_that_nobody_made(self, old: Archive) -> None:
        """It is not counted to, and no later change gets a number that the head cannot have."""
        edit_head(old, generation=10**9)
        with little_memory():
            what = self.take(old)
        assert "the history was changed, and starts again" in what
        assert old.draft.head.generation == 1
        old.add(old.deb(version="1.2"))
        assert verify.verify(old.draft, old.scribe) == []

    @pytest.mark.parametrize("issue", [0, 7, 10**9])
    def test_a_number_of_the_bootstrap_deb_that_nobody_signed(self, old: Archive, issue: int) -> None:
        """The next number follows the version in the signed index."""
        edit_head(old, issue=issue)
        self.take(old)
        assert old.offered(package="acme-archive-keyring") == [("2+deb13", 100)]
        assert old.draft.head.issue == 2
        old.add(old.deb(version="1.2"))
        assert verify.verify(old.draft, old.scribe) == []

    def test_a_suite_without_its_stable_channel(self, old: Archive) -> None:
        refs = json.loads((old.root / state.HEAD).read_text())["suites"]
        del refs["trixie"]
        edit_head(old, suites=refs)
        with pytest.raises(RepositoryError, match="The state of trixie-testing is not that of a suite"):
            self.take(old)

    @pytest.mark.parametrize(
        "values",
        [
            {"suite": "bookworm"},
            {"suite": "forky"},
            {"channel": "testing"},
            {"name": "bookworm"},
            {"architectures": ["amd64"]},
        ],
    )
    def test_a_suite_of_another_name(self, old: Archive, values: dict[str, str]) -> None:
        edit_suite(old, "trixie", lambda suite: suite.update(values))
        with pytest.raises(RepositoryError, match="The state of trixie is not that of a suite"):
            self.take(old)

    def test_a_suite_of_another_debian(self, old: Archive) -> None:
        edit_suite(old, "bookworm", lambda suite: suite.update(debian_release=99))
        with pytest.raises(RepositoryError, match="The state of bookworm names another release of Debian"):
            self.take(old)

    def test_a_part_that_is_repeated(self, old: Archive) -> None:
        edit_suite(old, "trixie", lambda suite: suite.update(pieces=suite["pieces"] * 20_000))
        with pytest.raises(RepositoryError, match="lists a package twice"):
            self.take(old)

    def test_a_version_that_is_repeated(self, old: Archive) -> None:
        edit_suite(old, "trixie", repeat_entries(old))
        with pytest.raises(RepositoryError, match="lists a version twice"):
            self.take(old)
