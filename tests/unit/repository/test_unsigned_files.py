from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import msgspec
import pytest
from debs import make_deb
from repository import Archive

from debonair.repository import state, unsigned_files, verify
from debonair.repository.edits.keys import renew

CHANGELOG = "changelogs/main/h/hello/hello_1.0-1+deb13"
SHOWN = ("acme-archive-keyring.gpg", "bootstrap/acme-trixie.deb", "index.html", "index.json")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def deb(archive: Archive, architecture: str = "amd64", changelog: bytes = b"news") -> Path:
    """Build a deb that has a changelog."""
    files: dict[str, str | bytes] = {
        "usr/share/doc/hello/changelog.Debian.gz": gzip.compress(changelog, mtime=0),
        "usr/share/hello/x": "",
    }
    return make_deb(archive.root.parent, architecture=architecture, files=files)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "apt").init()
    archive.add(deb(archive))
    assert wrong(archive) == []
    assert unsigned_files.unlisted(archive.draft) == []
    return archive


def wrong(archive: Archive) -> list[str]:
    return verify.verify(archive.draft, archive.scribe)


def altered(path: Path, *, how: str) -> None:
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"longer": data + b"x", "other": b"x" * len(data), "empty": b""}[how])


@pytest.mark.parametrize("how", ["gone", "longer", "other", "empty"])
@pytest.mark.parametrize("path", SHOWN)
def test_a_file_for_new_machines(archive: Archive, path: str, how: str) -> None:
    before = (archive.root / path).read_bytes()
    altered(archive.root / path, how=how)
    (message,) = wrong(archive)
    assert message.startswith(path)
    assert "Write it again: debonair repo renew" in message
    archive.repository.change("renew", renew((), if_due=True))
    assert (archive.root / path).read_bytes() == before
    assert wrong(archive) == []


def test_a_line_on_the_page(archive: Archive) -> None:
    """People copy it from there, and type it as root."""
    path = archive.root / "index.json"
    path.write_text(path.read_text().replace("https://apt.example.org", "https://evil.example.org"))
    (message,) = wrong(archive)
    assert "index.json does not list what the suites offer" in message


@pytest.mark.parametrize("both", [True, False])
def test_the_bootstrap_deb_in_the_pool(archive: Archive, *, both: bool) -> None:
    (each,) = (archive.root / "pool/a").rglob("*+deb13_all.deb")
    altered(each, how="gone")
    if both:
        altered(archive.root / "bootstrap/acme-trixie.deb", how="other")
    assert wrong(archive)
    issue = archive.draft.head.issue
    archive.repository.change("renew", renew(()))
    assert archive.draft.head.issue == issue + both
    assert [message for message in wrong(archive) if each.name not in message] == []
    assert bool(wrong(archive)) == both, "the one before is no more, and no machine takes it"


@pytest.mark.parametrize("how", ["gone", "longer", "other", "empty"])
def test_a_changelog(archive: Archive, how: str) -> None:
    altered(archive.root / CHANGELOG, how=how)
    (message,) = wrong(archive)
    assert message.startswith(CHANGELOG)
    assert "To write it again, add the deb again (pool/h/hello/hello_1.0-1+deb13_amd64.deb)" in message
    assert archive.add(archive.root / "pool/h/hello/hello_1.0-1+deb13_amd64.deb") == []
    assert (archive.root / CHANGELOG).read_bytes() == b"news"
    assert wrong(archive) == []


def test_a_changelog_of_two_debs(archive: Archive) -> None:
    archive.add(deb(archive, "armhf", b"other"))
    assert (archive.root / CHANGELOG).read_bytes() == b"news"
    assert wrong(archive) == []
    (archive.root / CHANGELOG).write_bytes(b"x")
    assert len(wrong(archive)) == 1


def test_a_changelog_whose_hash_nobody_noted(archive: Archive) -> None:
    """A repository that an earlier Debonair wrote is read; adding the deb again notes the hash."""
    draft = archive.draft
    line = draft.lines("trixie", "hello")["amd64"]
    old = msgspec.structs.replace(draft.facts(line.entries[0]), changelog_sha256="")
    data = msgspec.json.decode(msgspec.json.encode(old, order="sorted"))
    del data["changelog_sha256"]
    digest = state.put(archive.storage, msgspec.json.encode(data, order="sorted"))
    entry = msgspec.structs.replace(line.entries[0], facts=digest)

    def unnoted(draft: object) -> list[str]:
        lines = {"amd64": msgspec.structs.replace(line, entries=(entry,))}
        draft.put("trixie", "hello", lines)  # type: ignore[attr-defined]
        return ["as an earlier one"]

    archive.repository.change("add", unnoted)
    before = archive.packages()
    assert wrong(archive) == []
    (archive.root / CHANGELOG).write_bytes(b"x")
    assert wrong(archive) == [], "it is not known"
    added = archive.add(deb(archive))
    assert added == ["hello 1.0-1+deb13 amd64 in trixie, its changelog"]
    assert (archive.root / CHANGELOG).read_bytes() == b"news"
    assert archive.packages() == before
    assert wrong(archive) == []
    assert archive.add(deb(archive)) == []
    (archive.root / CHANGELOG).write_bytes(b"x")
    assert len(wrong(archive)) == 1


def test_files_of_nobody(archive: Archive) -> None:
    shutil.copytree(archive.root / "dists/trixie", archive.root / "dists/sid")
    for name in ("install.sh", "bootstrap/acme-sid.deb", "dists/trixie/main/binary-amd64/Packages.gz"):
        (archive.root / name).write_text("x")
    for name in ("pool/x", "state/x", "dists/.new.abc"):
        (archive.root / name).write_text("left by a publisher")
    assert wrong(archive) == []
    (message,) = unsigned_files.unlisted(archive.draft)
    count = sum(1 for path in (archive.root / "dists/sid").rglob("*") if path.is_file())
    assert message.startswith(
        f"Nothing signed names bootstrap/acme-sid.deb, dists/sid/ ({count} files), "
        "dists/trixie/main/binary-amd64/Packages.gz, install.sh,"
    )
