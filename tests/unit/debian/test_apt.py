"""Packages of a suite, by an apt of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import Programs, stand_in

from debonair.debian.apt import Suite, host_architecture
from debonair.debian.mirror import Mirror
from debonair.errors import MachineError, NetworkError
from debonair.host.cache import Cache

PLAN = """\
Inst libx [1.0] (1:1.2-3+b1 Debian:13.0/stable [amd64])
Inst nginx (1.26.3-3 Debian:13.0/stable, Debian-Security:13/stable-security [all])
Inst guestbook (1.0-1+deb13 local-deb [amd64])
Conf libx (1:1.2-3+b1 Debian:13.0/stable [amd64])
"""


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return stand_in(monkeypatch)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    mirror = Mirror("http://m.test/debian", settings=('Acquire::http::Proxy "http://p.test"',))
    return Suite.of("trixie", "amd64", mirror=mirror, cache=Cache(tmp_path))


def downloads(suite: Suite) -> None:
    for name in ("libx_1%3a1.2-3+b1_amd64.deb", "nginx_1.26.3-3_all.deb"):
        (suite.folder / "archives" / name).touch()


def test_what_is_missing_is_fetched(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    programs.answer("--simulate", PLAN)
    programs.answer("--download-only", do=lambda words: downloads(suite))
    found = suite.fetch(["/x/guestbook.deb"], status=tmp_path / "status")
    assert [path.name for path in found] == ["libx_1%3a1.2-3+b1_amd64.deb", "nginx_1.26.3-3_all.deb"]
    assert not programs.was_asked(" update")

    programs.asked.clear()
    assert suite.fetch(["/x/guestbook.deb"], status=tmp_path / "status") == found
    assert not programs.was_asked("--download-only")


def test_apt_is_kept_from_the_machines_own_files(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    suite.fetch(["x"], status=tmp_path / "status")
    text = (suite.folder / "etc/apt.conf").read_text()
    assert f'Dir::State::status "{tmp_path}/status";' in text
    assert 'Dir::Etc::parts "/dev/null";' in text
    assert 'APT::Architectures { "amd64"; };' in text
    assert 'Acquire::http::Proxy "http://p.test";' in text
    assert (suite.folder / "etc/sources.list").read_text() == "deb http://m.test/debian trixie main\n"
    assert len(programs.asked) == 1, "the lists need not be read if nothing is missing"


def test_lists_are_fetched_when_they_do_not_suffice(
    suite: Suite, programs: Programs, tmp_path: Path
) -> None:
    programs.answer("--simulate", status=100)
    programs.answer(" update", do=lambda words: programs.answer("--simulate", ""))
    assert suite.fetch(["x"], status=tmp_path / "status") == ()
    assert programs.was_asked(" update")


def test_what_no_suite_has_is_explained(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    programs.answer("--simulate", "E: Unable to locate package x", status=100)
    with pytest.raises(MachineError, match="Unable to locate package x") as refused:
        suite.fetch(["x"], status=tmp_path / "status")
    assert "--suite" in refused.value.hint


def test_what_the_lists_name_and_the_mirror_does_not_have(
    suite: Suite, programs: Programs, tmp_path: Path
) -> None:
    """As Debian drops an architecture, its packages go before the index does."""
    programs.answer("--simulate", PLAN)
    gone = "E: Failed to fetch http://m.test/debian/pool/main/libx.deb  404  Not Found [IP: 192.0.2.1 80]"
    programs.answer("--download-only", gone, status=100)
    with pytest.raises(NetworkError, match=r"m\.test/debian lists packages of trixie \(amd64\)") as refused:
        suite.fetch(["x"], status=tmp_path / "status")
    assert programs.was_asked(" update"), "only lists that are fresh are believed"
    assert (
        "The mirror is being updated, or no longer has this architecture. Try again in an hour, or "
        "name another mirror: DEBONAIR_MIRROR=ADDRESS debonair ..."
    ) in refused.value.hint


def test_no_network_and_no_lists(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    programs.answer("--simulate", status=100)
    programs.answer(" update", "W: Failed to fetch http://m.test")
    with pytest.raises(NetworkError, match=r"m\.test") as refused:
        suite.fetch(["x"], status=tmp_path / "status")
    assert "DEBONAIR_MIRROR" in refused.value.hint


def test_no_network_but_old_lists(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    def lists(words: list[str]) -> None:
        del words
        (suite.folder / "lists" / "m.test_main_Packages").touch()
        programs.answer("--simulate", "")

    programs.answer("--simulate", status=100)
    programs.answer(" update", "W: Failed to fetch http://m.test", do=lists)
    assert suite.fetch(["x"], status=tmp_path / "status") == ()


def half_synced(suite: Suite, programs: Programs, codename: str) -> None:
    """Let the mirror have whole lists of the suite by its other name only."""

    def update(words: list[str]) -> None:
        del words
        lists, source = suite.folder / "lists", (suite.folder / "etc/sources.list").read_text()
        if " trixie " in source:
            (lists / "partial/m.test_dists_trixie_InRelease").write_text("Suite: stable\n")
        else:
            (lists / "m.test_dists_stable_InRelease").write_text(f"Codename: {codename}\n")
            programs.answer("--simulate", "")

    programs.answer("--simulate", status=100)
    programs.answer(" update", "E: Failed to fetch http://m.test", "", "E: Failed to fetch", do=update)


def test_a_mirror_whose_lists_are_whole_by_another_name(
    suite: Suite, programs: Programs, tmp_path: Path
) -> None:
    half_synced(suite, programs, "trixie")
    for _ in range(2):
        assert suite.fetch(["x"], status=tmp_path / "status") == ()
        assert " stable main" in (suite.folder / "etc/sources.list").read_text()


def test_another_name_that_is_of_another_suite(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    half_synced(suite, programs, "forky")
    with pytest.raises(NetworkError):
        suite.fetch(["x"], status=tmp_path / "status")
    assert " trixie main" in (suite.folder / "etc/sources.list").read_text()


def test_libraries_are_found_in_the_suites_contents(suite: Suite, programs: Programs) -> None:
    def contents(words: list[str]) -> None:
        del words
        (suite.folder / "contents-amd64/lists/m.test_dists_trixie_main_Contents-amd64.lz4").touch()

    listed = """\
usr/lib/x86_64-linux-gnu/libffi.so.8               libs/libffi8
usr/lib/x86_64-linux-gnu/libz.so.1                 libs/zlib1g
lib/libodd.so.1                                    libs/odd-first,contrib/libs/odd-second
usr/lib/x86_64-linux-gnu/libz.so.1                 libs/zlib1g-later
"""
    programs.answer("apt-helper cat-file", listed)
    programs.answer(" update", do=contents)
    assert suite.libraries() == {
        "libffi.so.8": "libffi8",
        "libz.so.1": "zlib1g",
        "libodd.so.1": "odd-first",
    }
    configuration = (suite.folder / "contents-amd64/etc/apt.conf").read_text()
    assert '::MetaKey "main/Contents-amd64";' in configuration


def test_distributions_are_found_by_the_folders_of_their_metadata(suite: Suite, programs: Programs) -> None:
    def contents(words: list[str]) -> None:
        del words
        for folder in suite.folder.glob("contents-*/lists"):
            name = folder.parent.name.removeprefix("contents-")
            (folder / f"m.test_dists_trixie_main_Contents-{name}.lz4").touch()

    place = "usr/lib/python3/dist-packages"
    listed = f"""\
{place}/PyYAML-6.0.2.egg-info/PKG-INFO      python/python3-yaml
{place}/flit_core-3.12.0.dist-info/METADATA python/flit,python/other
{place}/old_one-1.2-py3.13.egg-info         python/python3-old-one
{place}/nameless.egg-info                   python/python3-nameless
"""
    programs.answer("apt-helper cat-file", listed)
    programs.answer(" update", do=contents)
    assert suite.distributions() == {
        "PyYAML": ("python3-yaml", "6.0.2"),
        "flit_core": ("flit", "3.12.0"),
        "old_one": ("python3-old-one", "1.2"),
    }


def test_the_versions_of_packages(suite: Suite, programs: Programs) -> None:
    output = """\
Package: python3-numpy
Source: numpy
Version: 1:2.2.4+ds-1
Description: x

Package: python3-yaml
Version: 6.0.2-1+b2
"""
    programs.answer("apt-cache show", output)
    assert suite.versions(["python3-numpy", "python3-yaml"]) == {
        "python3-numpy": "1:2.2.4+ds-1",
        "python3-yaml": "6.0.2-1+b2",
    }


def test_a_mirror_without_contents_is_named(suite: Suite, programs: Programs) -> None:
    with pytest.raises(NetworkError, match=r"m.test/debian has no file index \(Contents\) of trixie"):
        suite.libraries()
    assert programs.was_asked(" update")


def test_lists_from_before_a_point_release(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    programs.answer("--simulate", PLAN)
    programs.answer("--download-only", status=100)

    def renewed(words: list[str]) -> None:
        del words
        programs.answer("--simulate", PLAN.replace("1.26.3-3", "1.26.3-4"))
        programs.answer("--download-only")

    programs.answer(" update", do=renewed)
    found = suite.fetch(["x"], status=tmp_path / "status")
    assert found[1].name == "nginx_1.26.3-4_all.deb"


def test_a_download_that_fails_for_good(suite: Suite, programs: Programs, tmp_path: Path) -> None:
    programs.answer("--simulate", PLAN)
    programs.answer("--download-only", "E: Unable to fetch some archives", status=100)
    with pytest.raises(NetworkError, match="Unable to fetch some archives"):
        suite.fetch(["x"], status=tmp_path / "status")


def test_the_hosts_architecture(programs: Programs) -> None:
    programs.answer("dpkg --print-architecture", "armhf\n")
    assert host_architecture() == "armhf"
