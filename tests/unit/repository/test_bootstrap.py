from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from scribe import Scribe

from debonair.deb import archive
from debonair.errors import RepositoryError
from debonair.repository import bootstrap, state
from debonair.repository.edits import versions
from debonair.repository.state import Bootstrap, Head

KEY = Scribe().adopt("AB" * 20, now=1_700_000_000)
SUITES = versions.suites(
    {name: (release, ("arm64",)) for name, release in (("bookworm", 12), ("trixie", 13), ("forky", 14))}
)
HEAD = Head(state.FORMAT, "acme", 0, "", (KEY,), 365, {}, url="https://apt.example.org")


def test_the_bootstrap_deb(golden: Callable[[str, str], None], tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(bootstrap.deb(HEAD, SUITES, "trixie", "1+deb13", now=1_700_000_000))
    assert path.read_bytes() == bootstrap.deb(HEAD, SUITES, "trixie", "1+deb13", now=1_700_000_000)
    deb = archive.read(path, keep=lambda _: True)
    assert deb.contents["usr/share/keyrings/acme-archive-keyring.gpg"] == (b"AB" * 20)
    changelog = "usr/share/doc/acme-archive-keyring/changelog.gz"
    texts = {
        "sources": "etc/apt/sources.list.d/acme.sources",
        "pref": "etc/apt/preferences.d/acme.pref",
        "suite.pref": "etc/apt/preferences.d/acme-suite.pref",
        "conf": "etc/apt/apt.conf.d/52acme",
        "copyright": "usr/share/doc/acme-archive-keyring/copyright",
        "lintian-overrides": "usr/share/lintian/overrides/acme-archive-keyring",
    }
    for name, path_of in texts.items():
        golden(f"repo/archive.{name}", deb.contents[path_of].decode())
    golden("repo/archive.changelog", gzip.decompress(deb.contents[changelog]).decode())
    golden("repo/archive.control", deb.members["control"].decode())
    golden("repo/archive.postinst", deb.members["postinst"].decode())
    golden("repo/archive.conffiles", deb.members["conffiles"].decode())
    files = {entry.path for entry in deb.entries if entry.kind == "file"}
    assert files == {*texts.values(), changelog, "usr/share/keyrings/acme-archive-keyring.gpg"}
    assert all(entry.mode == 0o644 for entry in deb.entries if entry.kind == "file")


def test_the_line(golden: Callable[[str, str], None]) -> None:
    made = {suite: Bootstrap("1", digit * 64, "x") for suite, digit in (("trixie", "1"), ("bookworm", "2"))}
    head = Head(
        state.FORMAT, "acme", 0, "", (KEY,), 365, {}, url="https://apt.example.org/pi", bootstrap=made
    )
    golden("repo/line", bootstrap.line(head) + "\n")
    golden("repo/line-private", bootstrap.line(head, login="pi") + "\n")
    assert bootstrap.line(HEAD) == ""


@pytest.mark.parametrize("name", ["acme", "a1", "my-apps"])
def test_names(name: str) -> None:
    assert bootstrap.check_name(name) == name


@pytest.mark.parametrize("name", ["", "a", "Acme", "a b", "-x", "x-", "ä" * 3, "x" * 41, "a/b"])
def test_wrong_names(name: str) -> None:
    with pytest.raises(RepositoryError, match=r"is not a valid name of a repository\."):
        bootstrap.check_name(name)


@pytest.mark.parametrize(
    "url", ["http://x", "https://apt.example.org:8443/pi/", "file:/srv/apt", "http://[::1]:80"]
)
def test_addresses(url: str) -> None:
    assert bootstrap.check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["", "apt.example.org", "https://me:secret@x", "https://x y", "https://x';ls", "ftp://x"]
)
def test_wrong_addresses(url: str) -> None:
    with pytest.raises(RepositoryError, match=r"is not an address that apt supports\."):
        bootstrap.check_url(url)


@pytest.mark.parametrize(
    ("url", "maintainer"),
    [
        ("https://apt.example.com", "acme <acme@apt.example.com>"),
        ("http://10.0.0.1", "acme <acme@example.org>"),
    ],
)
def test_the_maintainer_has_a_domain(url: str, maintainer: str, tmp_path: Path) -> None:
    head = Head(state.FORMAT, "acme", 0, "", (KEY,), 365, {}, url=url)
    path = tmp_path / "x.deb"
    path.write_bytes(bootstrap.deb(head, SUITES, "trixie", "1+deb13", now=1_700_000_000))
    assert archive.read_control(path)["Maintainer"] == maintainer
