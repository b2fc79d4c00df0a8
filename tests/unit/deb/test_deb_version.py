from __future__ import annotations

import itertools
import re

import pytest
from packaging.version import Version

from debonair.deb.version import for_suite, from_pep440, order, without_epoch
from debonair.errors import PackageError


def weight(char: str) -> int:
    """How a character sorts: a tilde before the end, letters before all else (deb-version(7))."""
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def sort_key(text: str) -> list[tuple[list[int], int]]:
    """A key that sorts an upstream version or a revision as dpkg does."""
    pairs = re.findall(r"([^0-9]*)([0-9]*)", text)[:-1]
    return [([*map(weight, word), 0], int(number or 0)) for word, number in [*pairs, ("", "")]]


def debian_key(version: str) -> tuple[int, list[tuple[list[int], int]], list[tuple[list[int], int]]]:
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-")
    return int(epoch or 0), sort_key(upstream), sort_key(revision)


RELEASES = ["0.9", "1.0", "1.1", "1.9", "1.10", "2.0", "10.0", "2026.11"]
LONGER = ["1.0.1", "1.0.2", "1.1.1", "1.10.1"]
SUFFIXES = [
    "", "a1", "a2", "b1", "rc1", "rc2", "a1.dev1", "rc1.dev3", "rc1.post1", "rc1.post1.dev1", ".dev0",
    ".dev1", ".dev10", ".post1", ".post2", ".post10", ".post1.dev2", "+site", "a1+site", ".dev1+site",
    ".post1+site",
]  # fmt: skip
VERSIONS = [
    f"{epoch}{release}{suffix}"
    for epoch, releases in (("", RELEASES + LONGER), ("1!", ["0.1", "1.0"]))
    for release in releases
    for suffix in SUFFIXES
]


def test_the_comparison_of_this_test_is_that_of_deb_version() -> None:
    ordered = ["~~", "~~a", "~", "", "a", "a+", "a-", "a.", "+", "-", "."]
    keys = [sort_key(text) for text in ordered]
    assert keys == sorted(keys)
    numbers = ["1.0~rc1", "1.0", "1.0a", "1.0+b", "1.0.1", "1.2", "1.10"]
    assert [sort_key(text) for text in numbers] == sorted(map(sort_key, numbers))


def test_debian_orders_versions_as_python_does() -> None:
    python = {text: Version(text) for text in VERSIONS}
    debian = {text: debian_key(for_suite(text, 13)) for text in VERSIONS}
    wrong = [
        (one, other)
        for one, other in itertools.combinations(VERSIONS, 2)
        if (python[one] < python[other]) != (debian[one] < debian[other])
    ]
    assert not wrong


def test_a_newer_debian_upgrades_the_same_version() -> None:
    assert debian_key(for_suite("1.0", 12)) < debian_key(for_suite("1.0", 13))
    assert debian_key(for_suite("1.0", 13)) < debian_key(for_suite("1.0.post1.dev1", 12))
    assert debian_key(for_suite("1.0", 13)) < debian_key(for_suite("1.1.dev1", 12))


@pytest.mark.parametrize("text", VERSIONS)
def test_only_characters_of_policy(text: str) -> None:
    # Policy section 5.6.12: the upstream version begins with a digit; hyphens want a revision
    assert re.fullmatch(r"([0-9]+:)?[0-9][A-Za-z0-9.+~-]*-[A-Za-z0-9+.~]+", for_suite(text, 13))


@pytest.mark.parametrize(
    ("python", "debian"),
    [
        ("1.4.2", "1.4.2"),
        ("v1.4.2", "1.4.2"),
        ("1.0-RC.1", "1.0~rc1"),
        ("1.0alpha2", "1.0~a2"),
        ("1.0.dev3", "1.0~~dev3"),
        ("1.0-1", "1.0-post1"),
        ("2!1.0", "2:1.0"),
        ("1.0+Ubuntu_1", "1.0+ubuntu.1"),
    ],
)
def test_the_text(python: str, debian: str) -> None:
    assert from_pep440(python) == debian
    assert for_suite(python, 12) == f"{debian}-1+deb12"


@pytest.mark.parametrize("text", ["", "one", "1.0 beta of mine", "1..0", "1.0-1-1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(PackageError, match="PEP 440") as caught:
        from_pep440(text)
    assert repr(text) in caught.value.message
    assert "1.4.2" in caught.value.hint


def test_file_names_have_no_epoch() -> None:
    assert without_epoch("2:1.0-1+deb13") == "1.0-1+deb13"
    assert without_epoch("1.0-1+deb13") == "1.0-1+deb13"


ORDERED = ["1.0~~dev3", "1.0~rc1-1", "1.0", "1.0-1~deb13", "1.0-1", "1.0-1+deb12", "1.0-1+deb13~armv6"]
ORDERED += [
    "1.0-1+deb13",
    "1.0-1+deb13u1",
    "1.0a",
    "1.0+x-1",
    "1.0-post1-1",
    "1.0.1",
    "1.9",
    "1.10",
    "0:2",
    "1:0.1",
]


def test_versions_sort_as_dpkg_sorts_them() -> None:
    assert sorted(sorted(ORDERED), key=order) == ORDERED
    assert order("1.0") == order("0:1.0-0") == order("1.00")
    assert order("1.") == order("1.0")
