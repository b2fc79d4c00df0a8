"""What passes as a control file: judged beside dpkg in tests/attacks/debs."""

from __future__ import annotations

import pytest
from odddebs import STANZA

from debonair.deb import stanza
from debonair.deb.refusal import Unfit

SHORT = "Package: hello\nVersion: 1.0\nArchitecture: all\n"


def test_fields_in_their_order() -> None:
    assert stanza.read(STANZA.encode()) == {
        "Package": "hello",
        "Version": "1.0-1+deb13",
        "Architecture": "amd64",
        "Maintainer": "Ada Example <ada@example.org>",
        "Section": "misc",
        "Priority": "optional",
        "Description": "a thing\nA thing.",
    }


def test_what_dpkg_bears() -> None:
    text = "\n\npackage:hello\nVERSION :\t1.0 \nArchitecture: all\nDepends:\n"
    text += "Description: x\n\ty\n .\n  z\nX-y: \u2028\n\n"
    found = stanza.read(text.encode())
    assert found == {
        "Package": "hello",
        "Version": "1.0",
        "Architecture": "all",
        "Depends": "",
        "Description": "x\ny\n.\n z",
        "X-y": "\u2028",
    }


@pytest.mark.parametrize("between", ["\u2028", "\u2029"])
def test_a_field_ends_at_a_line_break_alone(between: str) -> None:
    found = stanza.read(f"{SHORT}Homepage: x{between}Package: base-files\n".encode())
    assert (found["Package"], found["Homepage"]) == ("hello", f"x{between}Package: base-files")


@pytest.mark.parametrize("between", ["\u0085", "\x0b", "\x0c", "\r", "\x1c", "\x1d", "\x1e"])
def test_other_characters_that_end_a_line_elsewhere_are_refused(between: str) -> None:
    with pytest.raises(Unfit, match="control character"):
        stanza.read(f"{SHORT}Homepage: x{between}Package: base-files\n".encode())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("Foo: x", "does not end in a line break"),
        ("Foo: \x1b[2Jx\n", "control character"),
        ("Foo: \x00\n", "control character"),
        ("Foo: \x9bx\n", "control character"),
        ("Foo: x\r\n", "its control file has Windows line endings"),
        ("Foo: x\n\nPackage: other\n", "several paragraphs"),
        ("Foo: x\n \n y\n", "empty line in the field Foo"),
        ("version: 2\n", "the field version twice"),
        ("Foo: 1\nfoo: 2\n", "the field foo twice"),
        ("# comment: x\n", "which is not a field"),
        ("#comment: x\n", "which is not a field"),
        ("-Foo: x\n", "which is not a field"),
        ("F: x\n", "which is not a field"),
        ("F\u00f6\u00f6: x\n", "which is not a field"),
        ("Foo\n", "which is not a field"),
        ("Foo Bar: x\n", "which is not a field"),
        (": x\n", "which is not a field"),
        ("Foo:\n", "its control file ends with the empty field Foo"),
        ("Status: install ok installed\n", "which only installed packages have"),
        ("triggers-awaited: x\n", "which only installed packages have"),
        ("Essential: maybe\n", "the Essential 'maybe'"),
        ("Multi-Arch: any\n", "the Multi-Arch 'any'"),
        ("Section: a\n b\n", "the Section"),
        ("Section: a b\n", "the Section"),
        ("Source: a/b\n", "the Source"),
        ("Source: a (1_2)\n", "the Source"),
        ("Depends: a (>= 1.0\n", "which is not a package relation"),
        ("Depends: a,\n", "which is not a package relation"),
        ("Depends: a | (>= 1)\n", "which is not a package relation"),
        ("Depends: a [amd64]\n", "which is not a package relation"),
        ("Depends: a b\n", "which is not a package relation"),
        ("Recommends: a (== 1)\n", "which is not a package relation"),
        ("Breaks: a (<< 1_2)\n", "which is not a package relation"),
        ("Breaks: a (<< 1-)\n", "version '1-'"),
        ("Provides: a | b\n", "in its control file has the alternative"),
        (f"Foo: {'x' * 66000}\n", "bytes"),
    ],
)
def test_what_dpkg_or_apt_do_not_bear(more: str, why: str) -> None:
    with pytest.raises(Unfit) as caught:
        stanza.read((SHORT + more).encode())
    assert why in caught.value.why


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "a, b",
        "a:any (>= 1.0~)|b",
        "a(=1:2.0-3+b1),\n\tb",
        "A_b (<< 2)",
        "a (1.0)",
        "libc6 (>= 2.36)\n , x",
    ],
)
def test_relations(value: str) -> None:
    assert stanza.read(f"{SHORT}Depends: {value}\nFoo: x\n".encode())["Foo"] == "x"


@pytest.mark.parametrize("version", ["1", "1.0-1", "2:1.0~rc1+b-1-2.3", "1:2:3", "0:0", "1+x", "1-2-3"])
def test_versions(version: str) -> None:
    assert stanza.read(SHORT.replace("1.0", version).encode())["Version"] == version


@pytest.mark.parametrize(
    "version",
    [
        "v1",
        "1.0_beta",
        "1:",
        "-1:2",
        "a1",
        "9999999999:1",
        "~1",
        "1-2_3",
        "1:2-3:4",
        "1-",
        "1 2",
        "\u0661",
        "1" * 300,
    ],
)
def test_what_is_no_version(version: str) -> None:
    with pytest.raises(Unfit, match="version"):
        stanza.read(SHORT.replace("1.0", version).encode())


@pytest.mark.parametrize("name", ["a b", "a:b", "a/b", "-a", "..", "\u00e9", "a\u2028"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(Unfit, match="Package"):
        stanza.read(SHORT.replace("hello", name).encode())


def test_a_hint_says_what_is_wrong() -> None:
    for change, why, hint in (
        (("Ada Example", "J\u00fcrgen"), "the Maintainer in its control file is not UTF-8", "UTF-8"),
        (("amd64", ""), "the Architecture in its control file is empty", "'all'"),
        (("Architecture: amd64\n", ""), "its control file has no Architecture", "Architecture"),
    ):
        with pytest.raises(Unfit) as caught:
            stanza.read(STANZA.replace(*change).encode("latin-1"))
        assert (caught.value.why, hint in caught.value.hint) == (why, True)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", ("hello", "1.0")),
        ("src", ("src", "1.0")),
        ("src (2:3-1)", ("src", "2:3-1")),
        ("s(1)", ("s", "1")),
    ],
)
def test_the_source_package(source: str, found: tuple[str, str]) -> None:
    assert stanza.source_of({"Package": "hello", "Version": "1.0", "Source": source}) == found
