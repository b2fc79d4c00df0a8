from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from jinja2 import UndefinedError
from samples import EPOCH, VERSION, sample_project

from debonair import target, template
from debonair.deb import gzip as gz
from debonair.tree import documents
from debonair.tree.service import render

TRIXIE = target.load("trixie-arm64")


def test_manual(golden: Callable[[str, str], None]) -> None:
    golden("render/app.1", documents.manual(sample_project(), version=VERSION, epoch=EPOCH))


def test_changelog(golden: Callable[[str, str], None]) -> None:
    golden("render/changelog", documents.changelog(sample_project(), TRIXIE, version=VERSION, epoch=EPOCH))


@pytest.mark.parametrize("data", [b"", b"x", bytes(0xFFFF), bytes(0x10000), b"abc" * 50_000])
def test_gzip_is_read_by_everyone(data: bytes) -> None:
    assert gzip.decompress(gz.gzip(data)) == data


def test_gzip_is_the_same_bytes_everywhere() -> None:
    assert gz.gzip(b"abc").hex() == "1f8b080000000000020301" + "0300fcff616263" + "c2412435" + "03000000"


def test_a_common_licence_is_referred_to() -> None:
    text = documents.copyright_text(sample_project(license="GPL-3.0-or-later"), epoch=EPOCH)
    assert "License: GPL-3.0-or-later\n" in text
    assert text.endswith(" On Debian systems the whole text is in /usr/share/common-licenses/GPL-3.\n")


def test_without_a_licence_it_says_so() -> None:
    text = documents.copyright_text(sample_project(license="", license_text="", homepage=""), epoch=EPOCH)
    assert "\nCopyright: 2023 Ada Lovelace <ada@example.org>\nLicense: as-written-below\n" in text
    assert "has not said" in text
    assert "Source:" not in text


def test_two_holders_are_both_named() -> None:
    words = "Copyright (c) 2020 A\n© is not\ncopyright 2021-2022, B\n\nDo what you like.\n"
    others = sample_project(license="", license_text="", author="Bo of Elsewhere")
    text = documents.copyright_text(others, epoch=EPOCH)
    assert "Upstream-Contact: Bo of Elsewhere\n" in text
    assert "Copyright: 2023 Bo of Elsewhere\n" in text
    text = documents.copyright_text(sample_project(license="", license_text=words), epoch=EPOCH)
    assert "\nCopyright: 2020 A\n 2021-2022, B\n" in text


def test_roff_commands_in_a_description_are_text() -> None:
    page = documents.manual(sample_project(description="a\\fB -x"), version=VERSION, epoch=EPOCH)
    assert "guestbook \\- a\\efB \\-x\n" in page


def test_a_value_that_is_missing_is_a_defect() -> None:
    with pytest.raises(UndefinedError):
        template.fill("systemd/app.sysusers.in", {})


def test_what_a_project_wrote_for_debian_itself_is_taken() -> None:
    own = sample_project(
        wsgi="", install="wheel", copyright="As we say.\n", manuals={"sign.1": ".TH SIGN 1\n"}
    )
    found = {
        source.path: source.data for source in render.render(own, TRIXIE, version=VERSION, epoch=EPOCH)
    }
    assert found["usr/share/doc/guestbook/copyright"] == b"As we say.\n"
    assert gzip.decompress(found["usr/share/man/man1/sign.1.gz"]) == b".TH SIGN 1\n"
