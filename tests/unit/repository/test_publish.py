from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import random
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from debs import make_deb
from repository import DAY, SUITES, Archive, Interrupted

from debonair.errors import MachineError, PackageError, RepositoryError
from debonair.repository import history, indices, landing_page, release, state, sweep, verify
from debonair.repository.draft import Draft
from debonair.repository.edits import versions
from debonair.repository.edits.bootstrap import set_address
from debonair.repository.edits.keys import drop_keys, renew, take_key
from debonair.repository.publish import Edit
from debonair.repository.state import Head, Suite
from debonair.repository.storage.folder import Folder
from debonair.repository.storage.protocol import Conflict, Stored


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "apt").init()


def wrong(archive: Archive) -> list[str]:
    return verify.verify(archive.draft, archive.scribe)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


class TestInit:
    def test_all_suites_are_signed_and_have_the_bootstrap_deb(self, archive: Archive) -> None:
        assert sorted(archive.draft.suites) == ["bookworm", "bookworm-testing", "trixie", "trixie-testing"]
        assert archive.offered("bookworm-testing", "acme-archive-keyring") == [("1+deb12", 100)]
        assert (archive.root / "bootstrap/acme-trixie.deb").read_bytes() == (
            archive.root / "pool/a/acme-archive-keyring/acme-archive-keyring_1+deb13_all.deb"
        ).read_bytes()
        assert wrong(archive) == []

    def test_without_an_address_the_suites_are_empty(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path / "apt", url="").init()
        assert archive.packages() == ""
        assert wrong(archive) == []
        assert b"debonair repo bootstrap --url" in (archive.root / "index.html").read_bytes()
        archive.repository.change("bootstrap", set_address("https://x.example.org"))
        assert "acme-archive-keyring" in archive.packages()
        assert archive.repository.change("bootstrap", set_address("https://x.example.org")) == []

    def test_only_once(self, archive: Archive, tmp_path: Path) -> None:
        with pytest.raises(RepositoryError, match="already"):
            archive.init()
        late = Interrupted(
            tmp_path / "two", lambda path: Folder(tmp_path / "two").replace(path, b"{}", None)
        )
        two = Archive(tmp_path / "two")
        two.repository = two.publisher(late)
        with pytest.raises(RepositoryError, match="already"):
            two.init()

    def test_a_suite_that_came_later(self, archive: Archive) -> None:
        later = versions.suites({"forky": (14, ("amd64",))})
        what = archive.repository.change("renew", renew(later))
        assert what[:2] == ["all suites signed again", "forky, new"]
        assert "forky" in archive.draft.suites
        assert "acme-archive-keyring" in archive.packages("forky", "amd64")
        assert (archive.root / "bootstrap/acme-forky.deb").exists()
        assert wrong(archive) == []

    def test_a_deb_for_a_suite_that_came_later(self, archive: Archive) -> None:
        def later() -> Sequence[Suite]:
            return versions.suites({"forky": (14, ("amd64",))})

        deb = make_deb(archive.root.parent / "debs", version="1.0-1+deb14")
        edit = versions.add([deb], later, channel_name="stable", suite=None, percent=100)
        what = archive.repository.change("add", edit)
        assert what[:3] == ["hello 1.0-1+deb14 amd64 in forky", "forky, new", "forky-testing, new"]
        assert (archive.root / "bootstrap/acme-forky.deb").exists()
        assert wrong(archive) == []


class TestAdd:
    def test_the_version_says_where(self, archive: Archive) -> None:
        assert archive.add(archive.deb()) == ["hello 1.0-1+deb13 amd64 in trixie"]
        assert archive.offered() == [("1.0", 100)]
        assert archive.offered("bookworm") == archive.offered("trixie-testing") == []
        assert archive.add(archive.deb()) == [], "it is there already"
        assert wrong(archive) == []

    def test_a_suite_may_be_named(self, archive: Archive) -> None:
        archive.add(archive.deb(version="1.0"), suite="bookworm", channel="testing", percent=20)
        assert archive.offered("bookworm-testing") == [("1.0", 20)]
        with pytest.raises(RepositoryError, match="has no suite 'sid'"):
            archive.add(archive.deb(), suite="sid")

    def test_all_or_none(self, archive: Archive) -> None:
        before = files(archive.root)
        with pytest.raises(RepositoryError, match=r"is for s390x, but trixie is only for: amd64, armhf\."):
            archive.add(archive.deb(), archive.deb("other", architecture="s390x"))
        assert files(archive.root) == before

    def test_other_bytes_are_refused(self, archive: Archive) -> None:
        archive.add(archive.deb())
        before = files(archive.root)
        with pytest.raises(RepositoryError, match=r"with other bytes\. Published versions never change\."):
            archive.add(archive.deb(more="x"))
        with pytest.raises(RepositoryError, match="pool has a file pool/h/hello/hello_1"):
            archive.add(archive.deb(more="x"), channel="testing")
        assert files(archive.root) == before

    @pytest.mark.parametrize("architecture", ["all", "amd64"])
    def test_the_package_with_the_keys_is_the_repository_s_own(
        self, archive: Archive, architecture: str
    ) -> None:
        before = files(archive.root)
        name = "acme-archive-keyring"
        with pytest.raises(RepositoryError, match="only the repository itself makes it"):
            archive.add(archive.deb(), archive.deb(name, "9", architecture))
        assert files(archive.root) == before
        archive.add(archive.deb("other-archive-keyring"))
        promote = versions.promote(name, "9", source="testing", to="stable", suite=None, percent=100)
        with pytest.raises(RepositoryError, match="only the repository itself makes it"):
            archive.repository.change("promote", promote)
        archive.repository.change("rotate-key", take_key(archive.scribe.create("x", now=archive.clock())))
        assert wrong(archive) == []

    def test_a_deb_in_the_place_of_debian_s(
        self, archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        debs = [
            make_deb(tmp_path, "libc6", extra={"Essential": "yes"}),
            make_deb(tmp_path, "fork", extra={"Provides": "sudo (= 2), editor, hello"}),
            make_deb(tmp_path, "hello"),
        ]
        asked: list[Sequence[str]] = []

        def debian(names: Collection[str]) -> set[str]:
            asked.append(list(names))
            return {"libc6", "sudo", "bash"} & set(names)

        edit = versions.add(
            debs, lambda: SUITES, channel_name="stable", suite=None, percent=100, debian=debian
        )
        assert len(archive.repository.change("add", edit)) == 3
        assert asked == [["editor", "fork", "hello", "libc6", "sudo"]]
        stderr = capsys.readouterr().err
        assert "libc6_1.0-1+deb13_amd64.deb: Debian has a package 'libc6' too." in stderr
        assert "libc6_1.0-1+deb13_amd64.deb calls itself essential" in stderr
        assert "fork_1.0-1+deb13_amd64.deb stands in for Debian's sudo, because" in stderr
        assert stderr.count(".deb") == 3

    def test_what_is_no_deb(self, archive: Archive, tmp_path: Path) -> None:
        (tmp_path / "x.deb").write_bytes(b"x")
        with pytest.raises(PackageError, match="is not a usable Debian package"):
            archive.add(tmp_path / "x.deb")

    def test_a_deb_that_changes_meanwhile(self, archive: Archive) -> None:
        deb = archive.deb()
        edit = adding(archive, deb)
        deb.write_bytes(deb.read_bytes() + b"x")
        with pytest.raises(PackageError, match=r"was changed while it was being published\."):
            archive.repository.change("add", edit)

    def test_fields_that_are_the_index_own(self, archive: Archive, tmp_path: Path) -> None:
        from debs import make_deb

        extra = {"filename": "pool/other.deb", "Phased-Update-Percentage": "1", "X-Own": "kept"}
        archive.add(make_deb(tmp_path, extra=extra))
        stanza = archive.packages().split("\n\n")[1]
        assert "X-Own: kept\n" in stanza
        assert stanza.lower().count("filename:") == 1
        assert "Phased" not in stanza

    def test_a_version_without_a_suite(self, archive: Archive, tmp_path: Path) -> None:
        from debs import make_deb

        deb = make_deb(tmp_path, version="7", architecture="all", files={"usr/bin/x": ""})
        with pytest.raises(
            RepositoryError, match=r"its version 7 does not name a suite \(as in \+deb13\)."
        ):
            archive.add(deb)
        archive.add(deb, suite="trixie")
        assert archive.packages() == archive.packages(architecture="armhf")

    @pytest.mark.parametrize("field", ["Version", "Source", "Architecture"])
    def test_names_that_leave_the_pool(self, archive: Archive, tmp_path: Path, field: str) -> None:
        from debs import make_deb

        deb = make_deb(tmp_path, extra={field: "../../x"})
        with pytest.raises(PackageError, match=r"\.\./\.\./x"):
            archive.add(deb)

    def test_a_library_has_a_longer_folder(self, archive: Archive, tmp_path: Path) -> None:
        from debs import make_deb

        archive.add(make_deb(tmp_path, "libgreet1", description="", extra={"Source": "libgreet (1.0)"}))
        assert (archive.root / "pool/libg/libgreet/libgreet1_1.0-1+deb13_amd64.deb").exists()


class TestChange:
    def test_promote(self, archive: Archive) -> None:
        archive.versions(one="1.0")
        archive.add(
            archive.deb(version="1.1"), archive.deb(version="1.1", architecture="armhf"), channel="testing"
        )
        promote = versions.promote("hello", "1.1", source="testing", to="stable", suite=None, percent=100)
        assert len(archive.repository.change("promote", promote)) == 2
        assert archive.offered() == [("1.1", 100)]
        assert archive.repository.change("promote", promote) == []
        for version in ("1.0", "2"):
            other = versions.promote(
                "hello", version, source="testing", to="stable", suite=None, percent=100
            )
            with pytest.raises(RepositoryError, match="'testing' does not offer version"):
                archive.repository.change("promote", other)
        assert wrong(archive) == []

    @pytest.mark.parametrize("asked", ["1.1", "1.1-1", "1.1-1+deb13"])
    def test_rollout_and_halt(self, archive: Archive, asked: str) -> None:
        archive.versions(one="1.0")
        archive.add(archive.deb(version="1.1"), percent=10)
        assert archive.offered() == [("1.1", 10), ("1.0", 100)]
        for percent, expected in (
            (50, [("1.1", 50), ("1.0", 100)]),
            (None, [("1.1", 0)]),
            (100, [("1.1", 100)]),
        ):
            edit = versions.rollout("hello", asked, percent=percent, channel_name="stable", suite="trixie")
            assert len(archive.repository.change("rollout", edit)) == 1
            assert archive.offered() == expected
            assert wrong(archive) == []
        assert archive.repository.change("rollout", edit) == []
        other = versions.rollout("hello", "7", percent=1, channel_name="stable", suite=None)
        with pytest.raises(RepositoryError, match="does not offer version 7"):
            archive.repository.change("rollout", other)

    def test_rollback(self, archive: Archive) -> None:
        archive.versions(one="1.0", two="1.1", three="1.2")
        date = archive.draft.suite("trixie").date
        for version, expected in (("1.0", "1.0"), ("1.2", "1.2"), (None, "1.0")):
            edit = versions.rollback("hello", version, channel_name="stable", suite=None)
            assert archive.repository.change("rollback", edit)
            assert archive.offered() == [(expected, 100)]
        assert archive.draft.suite("trixie").date == date + 3, (
            "each is newer for clients, in one second too"
        )
        for version, message in ((None, "no version before"), ("7", "hello cannot return to version 7")):
            edit = versions.rollback("hello", version, channel_name="stable", suite=None)
            with pytest.raises(RepositoryError, match=message) as refused:
                archive.repository.change("rollback", edit)
            assert "1.0-1+deb13, 1.1-1+deb13, 1.2-1+deb13" in refused.value.hint
        edit = versions.rollback("hello", "1.0", channel_name="stable", suite=None)
        assert archive.repository.change("rollback", edit) == []

    def test_an_app_that_is_not_there(self, archive: Archive) -> None:
        edit = versions.rollback("helo", None, channel_name="stable", suite=None)
        with pytest.raises(RepositoryError, match="No suite of the channel 'stable' has a package helo"):
            archive.repository.change("rollback", edit)

    def test_keys(self, archive: Archive) -> None:
        first = archive.draft.head.keys[0]
        with pytest.raises(RepositoryError, match=r"so no older key can be removed\."):
            archive.repository.change("rotate-key", drop_keys())
        second = archive.scribe.create("acme", now=archive.clock())
        archive.repository.change("rotate-key", take_key(second))
        assert wrong(archive) == []
        assert len(release_of(archive, "InRelease").split("SIGNED")) == 3
        with pytest.raises(
            RepositoryError, match=f"The repository is already signed by {second.fingerprint}."
        ):
            archive.repository.change("rotate-key", take_key(second))
        archive.repository.change("rotate-key", drop_keys())
        assert first.fingerprint not in release_of(archive, "InRelease")
        assert archive.offered(package="acme-archive-keyring") == [("3+deb13", 100)]
        assert wrong(archive) == []

    def test_a_bootstrap_deb_that_nobody_came_to_name(self, archive: Archive) -> None:
        left = archive.root / "pool/a/acme-archive-keyring/acme-archive-keyring_2+deb12_all.deb"
        left.write_bytes(b"of a publisher that died")
        archive.repository.change("bootstrap", set_address("https://y.example.org"))
        assert archive.offered(package="acme-archive-keyring") == [("3+deb13", 100)]

    def test_prune(self, archive: Archive) -> None:
        archive.versions(a="1.0", b="1.1", c="1.2", d="1.3")
        archive.now += 89 * DAY
        edit = versions.prune(keep=2, older_than=90 * DAY)
        assert archive.repository.change("prune", edit) == []
        archive.now += 2 * DAY
        assert archive.repository.change("prune", edit) == [
            "hello 1.0-1+deb13 amd64 in trixie",
            "hello 1.1-1+deb13 amd64 in trixie",
        ]
        with pytest.raises(RepositoryError, match=r"already had version 1\.3"):
            archive.add(archive.deb(version="1.1"))


class TestChangelogs:
    """apt asks for them by source and version: apt.conf(5), Acquire::Changelogs."""

    @pytest.fixture
    def folder(self, archive: Archive) -> Path:
        return archive.root / "changelogs/main/h/hello"

    def deb(
        self, archive: Archive, changelog: bytes, name: str = "changelog.Debian.gz", **extra: str
    ) -> Path:
        from debs import make_deb

        files = {f"usr/share/doc/hello/{name}": changelog, "usr/share/doc/other/changelog.gz": b"x"}
        architecture = extra.pop("Architecture", "amd64")
        return make_deb(archive.root.parent, files=files, architecture=architecture, extra=extra)

    @pytest.mark.parametrize("name", ["changelog.Debian.gz", "changelog.gz"])
    def test_it_is_where_apt_looks(self, archive: Archive, folder: Path, name: str) -> None:
        archive.add(self.deb(archive, gzip.compress(b"news", mtime=0), name))
        assert (folder / "hello_1.0-1+deb13").read_bytes() == b"news"
        url = "https://apt.example.org/changelogs/@CHANGEPATH@"
        assert f"\nChangelogs: {url}\n" in release_of(archive, "InRelease")

    def test_without_an_address_nobody_is_sent_anywhere(self, tmp_path: Path) -> None:
        assert "Changelogs" not in release_of(Archive(tmp_path / "apt", url="").init(), "InRelease")

    def test_a_source_has_one(self, archive: Archive, folder: Path) -> None:
        source = "hello (1:0.9-1)"
        archive.add(self.deb(archive, gzip.compress(b"news", mtime=0), Source=source))
        archive.add(
            self.deb(archive, gzip.compress(b"other", mtime=0), Source=source, Architecture="armhf")
        )
        assert files(folder) == {"hello_0.9-1": b"news"}

    @pytest.mark.parametrize("damaged", [b"", b"x", gzip.compress(b"news", mtime=0)[:-1]])
    def test_one_that_cannot_be_read_is_none(self, archive: Archive, folder: Path, damaged: bytes) -> None:
        archive.add(self.deb(archive, damaged))
        assert not folder.exists()

    def test_it_goes_with_the_last_deb_that_has_it(self, archive: Archive, folder: Path) -> None:
        archive.add(self.deb(archive, gzip.compress(b"news", mtime=0)))
        old = folder / "hello_0.1-1"
        old.write_bytes(b"nobody's")
        for path in folder.iterdir():
            os.utime(path, (0, 0))
        assert [found.path for found in sweep.sweep(archive.draft, older_than=DAY)] == [
            "changelogs/main/h/hello/hello_0.1-1"
        ]
        (folder / "hello_1.0-1+deb13").unlink()
        (message,) = wrong(archive)
        assert message.startswith(
            "changelogs/main/h/hello/hello_1.0-1+deb13 is missing. To write it again, add the deb again"
        )


def release_of(archive: Archive, name: str) -> str:
    return (archive.root / "dists/trixie" / name).read_text()


class TestIndex:
    @pytest.fixture
    def many(self, archive: Archive) -> Archive:
        """A suite of some chunks."""
        archive.add(*(archive.deb(f"app{number:03}") for number in range(150)))
        return archive

    def test_the_same_packages_are_cut_the_same_way(self, many: Archive, tmp_path: Path) -> None:
        names = [f"app{number:03}" for number in range(150)]
        random.Random(1).shuffle(names)
        other = Archive(tmp_path / "other", scribe=many.scribe)
        other.init()
        for start in range(0, 150, 30):
            other.add(*(many.deb(name) for name in names[start : start + 30]))
        assert other.packages() == many.packages().replace(*keyrings(many, other))
        assert [piece.first for piece in other.draft.suite("trixie").pieces] == [
            piece.first for piece in many.draft.suite("trixie").pieces
        ]
        assert len(many.draft.suite("trixie").pieces) > 3
        assert wrong(other) == []

    def test_one_deb_changes_one_chunk(self, many: Archive) -> None:
        before = {piece.document for piece in many.draft.suite("trixie").pieces}
        read: list[str] = []

        class Watched(Folder):
            def read(self, path: str, limit: int) -> Stored | None:
                read.append(path)
                return super().read(path, limit)

        many.publisher(Watched(many.root)).change("add", adding(many, many.deb("app100", "1.1")))
        after = {piece.document for piece in many.draft.suite("trixie").pieces}
        assert len(after - before) == len(before - after) == 1
        assert len([path for path in read if path.startswith("state/objects/")]) < 150
        assert not any(path.startswith("pool/") and "app" in path for path in read)
        assert wrong(many) == []

    def test_a_chunk_may_lose_the_name_that_it_begins_with(self, many: Archive) -> None:
        first = many.draft.suite("trixie").pieces[2].first
        assert indices.is_first(first)

        def edit(draft: Draft) -> Sequence[str]:
            draft.put("trixie", first, {})
            return [first]

        count = len(many.draft.suite("trixie").pieces)
        many.repository.change("remove", edit)
        assert len(many.draft.suite("trixie").pieces) == count - 1
        assert f"Package: {first}\n" not in many.packages()
        assert first not in page_of(many).packages
        assert wrong(many) == []

    @pytest.mark.parametrize("name", ["Packages", "Packages.xz", "Contents-amd64.xz"])
    def test_a_damaged_index_is_made_anew(self, many: Archive, name: str) -> None:
        suite = many.draft.suite("trixie")
        path = next(path for path in suite.files if path.endswith(name))
        kept = many.root / "dists/trixie" / indices.by_hash(path, suite.files[path].sha256)
        kept.write_bytes(b"damaged")
        assert wrong(many)
        many.add(many.deb("app100", "1.1"))
        assert wrong(many) == []

    def test_an_architecture_that_came_later(self, archive: Archive) -> None:
        def edit(draft: Draft) -> Sequence[str]:
            suite = draft.suite("trixie")
            draft._suites["trixie"] = msgspec.structs.replace(
                suite, architectures=("amd64", "arm64", "armhf")
            )
            draft.touch("trixie")
            return ["arm64"]

        archive.add(archive.deb())
        archive.repository.change("suites", edit)
        assert archive.packages(architecture="arm64").startswith("Package: acme-archive-keyring\n")
        assert wrong(archive) == []

    def test_contents(self, archive: Archive) -> None:
        archive.add(archive.deb(), archive.deb("other", doc="x"))
        packed = (archive.root / "dists/trixie/main/Contents-amd64.xz").read_bytes()
        lines = [line.split() for line in lzma.decompress(packed).decode().splitlines()]
        assert ["usr/share/hello/version", "web/hello"] in lines
        assert lines == sorted(lines)
        assert not any(path in {"usr", "usr/share"} for path, _ in lines)


def keyrings(*archives: Archive) -> tuple[str, str]:
    """The stanzas of the bootstrap debs of two repositories, whose keys are not the same."""
    first, second = (each.packages().partition("\n\n")[0] for each in archives)
    return first, second


def adding(archive: Archive, deb: Path) -> Edit:
    from repository import SUITES

    return versions.add([deb], lambda: SUITES, channel_name="stable", suite=None, percent=100)


def page_of(archive: Archive) -> landing_page.Index:
    return msgspec.json.decode((archive.root / "index.json").read_bytes(), type=landing_page.Index)


class TestPublishers:
    def test_two_at_once_lose_nothing(self, archive: Archive) -> None:
        """The other publishes between this one's reading and its commit, twenty times."""
        for number in range(20):
            others = iter([archive.deb("theirs", f"1.{number}")])

            def meanwhile(path: str, others: Iterator[Path] = others) -> None:
                if path == state.HEAD and (deb := next(others, None)):
                    archive.other("bob").change("add", adding(archive, deb))

            mine = archive.deb("mine", f"1.{number}")
            archive.publisher(Interrupted(archive.root, meanwhile)).change("add", adding(archive, mine))
        for package in ("mine", "theirs"):
            assert archive.offered(package=package) == [("1.19", 100)]
        whole = list(history.read(archive.storage, archive.draft.head.history))
        assert [change.generation for change in whole] == list(range(41, 0, -1))
        assert {change.who for change in whole} == {"ada", "bob"}
        assert len(archive.pauses) >= 20
        assert wrong(archive) == []

    @pytest.mark.parametrize("when", ["Packages", "InRelease", "index.html"])
    def test_a_slow_one_does_not_show_an_older_state(self, archive: Archive, when: str) -> None:
        others = iter([archive.deb("theirs")])

        def meanwhile(path: str) -> None:
            if path.endswith(when) and (deb := next(others, None)):
                archive.other("bob").change("add", adding(archive, deb))

        archive.publisher(Interrupted(archive.root, meanwhile)).change(
            "add", adding(archive, archive.deb("mine"))
        )
        assert archive.offered(package="theirs") == archive.offered(package="mine") == [("1.0", 100)]
        assert wrong(archive) == []

    def test_another_commits_while_this_one_looks(self, archive: Archive) -> None:
        others = iter([archive.deb("theirs")])

        class Watched(Folder):
            def read(self, path: str, limit: int) -> Stored | None:
                found = super().read(path, limit)
                if path == "dists/trixie/InRelease" and (deb := next(others, None)):
                    archive.other("bob").change("add", adding(archive, deb))
                return found

        archive.publisher(Watched(archive.root)).change("add", adding(archive, archive.deb("mine")))
        assert len(archive.pauses) == 1
        assert archive.offered(package="theirs") == archive.offered(package="mine") == [("1.0", 100)]
        assert wrong(archive) == []

    def test_one_that_never_gets_its_turn(self, archive: Archive) -> None:
        def always(path: str) -> None:
            if path == state.HEAD:
                archive.other("bob").change("renew", renew(()))

        with pytest.raises(
            RepositoryError, match=r"Other publishers changed the repository 40 times during this command\."
        ):
            archive.publisher(Interrupted(archive.root, always)).change(
                "add", adding(archive, archive.deb())
            )

    def test_one_that_cannot_show_it(self, archive: Archive) -> None:
        def always(path: str) -> None:
            if path.startswith("dists/"):
                raise Conflict(path)

        with pytest.raises(RepositoryError, match="Other publishers changed the repository"):
            archive.publisher(Interrupted(archive.root, always)).change("renew", renew(()))

    def test_many_in_a_row_are_not_dated_too_far_ahead(self, archive: Archive) -> None:
        for _ in range(20):
            archive.repository.change("renew", renew(()))
            assert archive.draft.suite("trixie").date - archive.now <= 6
            (signed,) = re.findall(r"SIGNED \S+ (\d+)", release_of(archive, "InRelease"))
            assert archive.draft.head.keys[0].created <= int(signed) <= archive.now
        assert archive.now - int(signed) == 10
        assert wrong(archive) == []

    @pytest.mark.parametrize("step", range(1, 14))
    def test_one_that_dies(self, archive: Archive, step: int) -> None:
        """Whatever the write at which it dies, clients see one state, and the next publisher goes on."""
        archive.add(archive.deb())
        writes = iter(range(step))

        class Dying(Folder):
            def add(self, path: str, data: bytes) -> bool:
                self.live()
                return super().add(path, data)

            def replace(self, path: str, data: bytes, tag: str | None) -> None:
                self.live()
                super().replace(path, data, tag)

            def live(self) -> None:
                if next(writes, None) is None:
                    raise MachineError("No space is left.")

        try:
            archive.publisher(Dying(archive.root)).change(
                "add", adding(archive, archive.deb(version="1.1"))
            )
        except MachineError:
            pass
        else:
            pytest.fail("it did not die")
        consistent(archive)
        archive.add(archive.deb("other"))
        consistent(archive)
        assert archive.offered(package="other") == [("1.0", 100)]
        assert archive.add(archive.deb(version="1.1")) in ([], ["hello 1.1-1+deb13 amd64 in trixie"])
        assert archive.offered() == [("1.1", 100)]
        assert wrong(archive) == []

    def test_by_hash_files_stay_for_a_week(self, archive: Archive) -> None:
        folder = archive.root / "dists/trixie/main/binary-amd64/by-hash/SHA256"
        archive.add(archive.deb(version="0.9"))
        first = hashlib.sha256(archive.packages().encode()).hexdigest()
        for day in range(1, 20):
            archive.now += DAY
            archive.add(archive.deb(version=f"1.{day}"))
            assert (folder / first).exists() == (day <= 8), day
        assert len(list(folder.iterdir())) == 2 * 9
        assert wrong(archive) == []
        archive.now += 365 * DAY
        for version in ("2.0", "2.1"):
            archive.add(archive.deb(version=version))
        assert len(list(folder.iterdir())) == 2 * 4, "three generations stay, however old"


def consistent(archive: Archive) -> None:
    """See that each suite is one that a client accepts, by-hash, whatever its state is."""
    for path in archive.root.glob("dists/*/InRelease"):
        for name, expected in release.sums(path.read_text(), str(path)).items():
            if "Contents" not in name or name.endswith(".xz"):
                data = (path.parent / indices.by_hash(name, expected.sha256)).read_bytes()
                assert state.Sum.of(data) == expected


class TestPage:
    def test_what_changed_is_followed_along_the_history(self, archive: Archive) -> None:
        archive.versions(one="1.0")
        before = page_of(archive)
        archive.add(archive.deb("other"))
        archive.repository.change("renew", renew(()))
        assert landing_page._changed(archive.draft, before) == {"other"}
        assert landing_page._changed(archive.draft, None) is None
        for generation in (0, 4, 5, -200):
            assert (
                landing_page._changed(archive.draft, msgspec.structs.replace(before, generation=generation))
                is None
            )

    def test_without_its_history_it_is_made_from_nothing(self, archive: Archive) -> None:
        before = (archive.root / "index.json").read_bytes()
        archive.versions(one="1.0")
        (archive.root / f"{history.FOLDER}{archive.draft.head.history}.json").rename(archive.root / "aside")
        assert landing_page._changed(archive.draft, landing_page.decoded(before)) is None
        assert set(landing_page.packages(archive.draft, landing_page.decoded(before))) == {
            "acme-archive-keyring",
            "hello",
        }
        (archive.root / "index.json").write_bytes(b"{")
        assert landing_page.decoded(b"{") is None


class TestState:
    def test_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(RepositoryError, match="There is no repository in") as refused:
            Archive(tmp_path / "x").repository.draft()
        assert "debonair repo init" in refused.value.hint

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b'{"format": 3}', "has the format 3, but this Debonair supports only 2."),
            (b"{", "is not a valid document of a repository"),
            (b'{"format": 2}', "is not a valid document of a repository"),
            (b'{"format": 1}', "is not signed by a key that this machine trusts for 'acme'"),
            (
                b'{"format": 2, "signed": "\\ud800", "signature": ""}',
                "is not a valid document of a repository",
            ),
            (b"[" * 100_000, "is not a valid document of a repository"),
            (b'{"x": ' + b"[" * 100_000, "is not a valid document of a repository"),
            (b'{"format": 2, "\\u001b[2Jx": 1}', r"unknown field `\\x1b\[2Jx`"),
            (b"x" * (state.HEAD_MOST + 1), "is larger than 4194304 bytes, the limit for such a file."),
        ],
    )
    def test_a_head_that_is_none(self, archive: Archive, text: bytes, message: str) -> None:
        (archive.root / state.HEAD).write_bytes(text)
        with pytest.raises(RepositoryError, match=message):
            archive.repository.draft()

    def test_an_object_that_is_gone_or_altered(self, archive: Archive) -> None:
        digest = archive.draft.head.suites["trixie"].document
        path = archive.root / state.object_path(digest)
        path.write_bytes(b"{}")
        with pytest.raises(
            RepositoryError, match=r"was changed: its bytes are not those that were written\."
        ):
            archive.draft.suite("trixie")
        path.unlink()
        with pytest.raises(RepositoryError, match=r"is missing from the repository\."):
            archive.draft.suite("trixie")

    def test_documents_are_read_back(self, archive: Archive) -> None:
        suite = archive.draft.suite("trixie")
        assert state.decode(state.encode(suite), Suite, "x") == suite
        head = archive.draft.head
        assert state.decode(state.encode(head), Head, "x") == head


class TestRelease:
    def test_the_date_is_that_of_any_locale(self) -> None:
        assert release.stamp(1_700_000_000) == "Tue, 14 Nov 2023 22:13:20 UTC"
        assert release.seconds("Tue, 14 Nov 2023 22:13:20 UTC") == 1_700_000_000

    def test_without_sums(self) -> None:
        with pytest.raises(RepositoryError, match="x lists no SHA256"):
            release.sums("Origin: acme\n", "x")


@pytest.mark.parametrize("issue", [2_000_000_000, -1])
def test_a_head_that_its_own_reader_refuses_is_not_signed(archive: Archive, issue: int) -> None:
    def edit(draft: Draft) -> list[str]:
        draft.head = msgspec.structs.replace(draft.head, issue=issue)
        return ["a change"]

    before = (archive.root / state.HEAD).read_bytes()
    with pytest.raises(RepositoryError, match="The next Head of the repository would not be valid"):
        archive.repository.change("renew", edit)
    assert (archive.root / state.HEAD).read_bytes() == before
    assert wrong(archive) == []


def test_a_head_that_is_too_large_is_not_written() -> None:
    with pytest.raises(RepositoryError, match="the limit is 4194304"):
        state.seal("x" * state.HEAD_MOST, "")


class TestAClockThatWasAhead:
    AHEAD = 100 * DAY

    @pytest.fixture
    def ahead(self, archive: Archive) -> Archive:
        """The repository, after a change by a publisher whose clock was 100 days ahead."""
        archive.add(archive.deb())
        archive.now += self.AHEAD
        archive.add(archive.deb(version="1.1"))
        archive.now -= self.AHEAD
        return archive

    def date(self, archive: Archive) -> int:
        text = (archive.root / "dists/trixie/Release").read_text()
        found = re.search("^Date: (.*)$", text, re.MULTILINE)
        assert found
        return release.seconds(found[1])

    def test_each_change_warns(self, ahead: Archive, capsys: pytest.CaptureFixture[str]) -> None:
        before, date = (ahead.root / "dists/trixie/InRelease").read_bytes(), self.date(ahead)
        ahead.add(ahead.deb(version="1.1"))
        ahead.repository.change("renew", renew(SUITES, if_due=True))
        assert (ahead.root / "dists/trixie/InRelease").read_bytes() == before
        assert capsys.readouterr().err.count("Warning: trixie: the index is dated ") == 2
        ahead.add(ahead.deb(version="1.2"))
        ahead.repository.change("renew", renew(SUITES))
        warnings = capsys.readouterr().err.splitlines()
        assert len(warnings) == 2
        assert release.stamp(self.date(ahead)) in warnings[1]
        assert "type: debonair repo renew --reset-date" in warnings[1]
        assert self.date(ahead) == date + 2, "a publisher whose clock is late still gets through"

    def test_the_date_is_reset(self, ahead: Archive, capsys: pytest.CaptureFixture[str]) -> None:
        what = ahead.repository.change("renew", renew(SUITES, if_due=True, reset_date=True))
        assert [line for line in what if "dated" in line] == [
            "trixie dated Tue, 14 Nov 2023 22:13:20 UTC, no longer Thu, 22 Feb 2024 22:13:20 UTC"
        ]
        assert self.date(ahead) == ahead.clock()
        assert capsys.readouterr().err == ""
        assert wrong(ahead) == []
        ahead.now += 1
        ahead.add(ahead.deb(version="1.2"))
        assert capsys.readouterr().err == ""
        assert ahead.offered() == [("1.2", 100)]
        assert wrong(ahead) == []

    def test_a_few_seconds_are_no_mistake(
        self, archive: Archive, capsys: pytest.CaptureFixture[str]
    ) -> None:
        archive.now += 200
        archive.add(archive.deb())
        archive.now -= 200
        before = self.date(archive)
        archive.repository.change("renew", renew(SUITES, reset_date=True))
        assert capsys.readouterr().err == ""
        assert self.date(archive) == before + 1
