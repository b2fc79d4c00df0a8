"""Bounds of Python's versions as Debian's relations, judged by how dpkg sorts versions."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from debonair.deb.version import order
from debonair.source.library.relations import relations

OPERATORS = {">=": lambda one, other: one >= other, "<<": lambda one, other: one < other}


def accepts(wanted: str, version: str) -> bool:
    """Whether a package of the Debian ``version`` satisfies what ``wanted`` became."""
    found = [
        text.partition("(")[2].rstrip(")")
        for text in relations("python3-x", SpecifierSet(wanted))
        if "(" in text
    ]
    return all(
        OPERATORS[operator](order(version), order(bound))
        for operator, _, bound in (text.partition(" ") for text in found)
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", ["python3-x"]),
        (">=1.2", ["python3-x (>= 1.2)"]),
        (">=1.2,<2", ["python3-x (<< 2~)", "python3-x (>= 1.2)"]),
        ("<1.0rc1", ["python3-x (<< 1.0~rc1~)"]),
        ("~=1.4.2", ["python3-x (<< 1.5~)", "python3-x (>= 1.4.2)"]),
        ("~=2.1", ["python3-x (<< 3~)", "python3-x (>= 2.1)"]),
        ("==1.4.*", ["python3-x (<< 1.5~)", "python3-x (>= 1.4~)"]),
        ("==1.4", ["python3-x (<< 1.4.~)", "python3-x (>= 1.4)"]),
        (">1.4", ["python3-x (>= 1.4.~)"]),
        ("<=1.4", ["python3-x (<< 1.4.~)"]),
        ("!=1.4", ["python3-x"]),
        (">=1!2.0", ["python3-x (>= 2.0)"]),
    ],
)
def test_what_stands_in_depends(wanted: str, expected: list[str]) -> None:
    assert relations("python3-x", SpecifierSet(wanted)) == expected


def test_the_suites_epoch_stands_before_each() -> None:
    assert relations("python3-numpy", SpecifierSet(">=1.24"), epoch="1:") == ["python3-numpy (>= 1:1.24)"]


@pytest.mark.parametrize(
    ("wanted", "version", "accepted"),
    [
        (">=1.2", "1.2-1", True),
        (">=1.2", "1.2~rc1-1", False),
        ("<2", "1.9-3", True),
        ("<2", "2.0~rc1-1", False),
        ("<2", "2.0-1", False),
        ("==1.4", "1.4-2", True),
        ("==1.4", "1.4+dfsg-1", True),
        ("==1.4", "1.4.1-1", False),
        ("<=1.4", "1.4+ds1-1+deb13u1", True),
        ("<=1.4", "1.4.1-1", False),
        (">1.4", "1.4-9", False),
        (">1.4", "1.4.1-1", True),
        ("~=1.4.2", "1.4.9-1", True),
        ("~=1.4.2", "1.5-1", False),
        ("==1.4.*", "1.4-1", True),
        ("==1.4.*", "1.5-1", False),
    ],
)
def test_they_mean_the_same_to_dpkg(wanted: str, version: str, *, accepted: bool) -> None:
    assert accepts(wanted, version) is accepted
