from __future__ import annotations

import pytest
from msgspec.structs import replace

from debonair.deb import control, deb822
from debonair.deb.control import Control
from debonair.errors import PackageError

CONTROL = Control(
    package="guestbook",
    version="1.4.2-1+deb13",
    architecture="arm64",
    maintainer="Ada Lovelace <ada@example.org>",
    synopsis="guest book to sign",
    description="It remembers.\n\nIt forgets nothing.",
    depends=("python3 (>= 3.13~)", "nginx"),
    recommends=("curl",),
    section="web",
    homepage="https://example.org/",
    extra={"Built-Using": "love (= 1)"},
)


def test_the_whole_file() -> None:
    assert CONTROL.text(installed_size=42) == (
        "Package: guestbook\n"
        "Version: 1.4.2-1+deb13\n"
        "Architecture: arm64\n"
        "Maintainer: Ada Lovelace <ada@example.org>\n"
        "Installed-Size: 42\n"
        "Depends: python3 (>= 3.13~), nginx\n"
        "Recommends: curl\n"
        "Section: web\n"
        "Priority: optional\n"
        "Homepage: https://example.org/\n"
        "Built-Using: love (= 1)\n"
        "Description: guest book to sign\n"
        " It remembers.\n"
        " .\n"
        " It forgets nothing.\n"
    )


def test_empty_fields_are_left_out() -> None:
    text = replace(CONTROL, depends=(), recommends=(), homepage="", extra={}, description="").text(
        installed_size=0
    )
    names = [line.partition(":")[0] for line in text.splitlines()]
    assert names == [
        "Package", "Version", "Architecture", "Maintainer", "Installed-Size", "Section", "Priority",
        "Description",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("description", "folded"),
    [
        ("one", " one\n"),
        ("\n\none\n\n", " one\n"),
        ("one\n   \ntwo", " one\n .\n two\n"),
        ("one\n  indented", " one\n indented\n"),
        ("one\r\ntwo", " one\n two\n"),
        ("one\x0btwo\u2028three", " one\n two\n three\n"),
        ("Depends: evil", " Depends: evil\n"),
        ("", ""),
    ],
)
def test_no_line_of_a_description_can_become_a_field(description: str, folded: str) -> None:
    text = replace(CONTROL, description=description).text(installed_size=1)
    assert text.partition("Description: guest book to sign\n")[2] == folded


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"version": "1\n2"}, "Version"),
        ({"maintainer": "A <a@b>\nEssential: yes"}, "Maintainer"),
        ({"depends": ("nginx\nEssential: yes",)}, "Depends"),
        ({"homepage": "x\ry"}, "Homepage"),
        ({"synopsis": "one\ntwo"}, "Description"),
        ({"extra": {"Tag": "a\n\nPackage: b"}}, "Tag"),
    ],
)
def test_a_field_of_several_lines_is_refused(change: dict[str, object], name: str) -> None:
    with pytest.raises(PackageError, match=f"field {name} of the package 'guestbook'") as caught:
        replace(CONTROL, **change).text(installed_size=1)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["ab", "0ad", "g++", "libfoo2.0-bin", "a1"])
def test_names_of_policy(name: str) -> None:
    control.check_name(name)
    assert replace(CONTROL, package=name).text(installed_size=1).startswith(f"Package: {name}\n")


@pytest.mark.parametrize(
    "name", ["", "a", "Guestbook", "-ab", "+ab", ".ab", "a b", "a_b", "é1", "ab\n", "ab/c"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(PackageError, match=r"is not a valid name of a Debian package\."):
        control.check_name(name)
    with pytest.raises(PackageError, match=r"is not a valid name of a Debian package\."):
        replace(CONTROL, package=name).text(installed_size=1)


def test_what_is_written_is_read_again() -> None:
    fields = deb822.fields(CONTROL.text(installed_size=42))
    assert fields["Package"] == "guestbook"
    assert fields["Installed-Size"] == "42"
    assert fields["Depends"] == "python3 (>= 3.13~), nginx"
    assert fields["Description"] == "guest book to sign\nIt remembers.\n.\nIt forgets nothing."


def test_the_first_paragraph_alone_is_read() -> None:
    text = "Package: a\nTag: x,\n\ty,\n  z\nEmpty:\n\nPackage: b\n"
    assert deb822.fields(text) == {"Package": "a", "Tag": "x,\ny,\n z", "Empty": ""}
    assert deb822.fields("") == {}


def test_a_field_ends_at_a_line_break_alone() -> None:
    text = "Package: a\u2028Version: 9\x0b\nHomepage: x\x85Essential: yes\n"
    assert deb822.fields(text) == {"Package": "a\u2028Version: 9", "Homepage": "x\x85Essential: yes"}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"maintainer": "A\x1b[2J <a@b>"}, "Maintainer"),
        ({"homepage": "x\x07"}, "Homepage"),
        ({"description": "one\n\x9btwo"}, "Description"),
        ({"synopsis": "a\x00b"}, "Description"),
    ],
)
def test_a_control_character_is_refused(change: dict[str, object], name: str) -> None:
    with pytest.raises(PackageError, match=f"field {name} of the package 'guestbook' has a control"):
        replace(CONTROL, **change).text(installed_size=1)
