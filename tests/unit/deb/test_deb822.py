"""Paragraphs of fields, as in most of Debian's files."""

from __future__ import annotations

import pytest

from debonair.deb import deb822

TEXT = """\
# A comment
Source: a
Build-Depends:
 debhelper-compat (= 13),
# left out
 dh-python

 \t
Package: b
Description: short
 long
 .
  more
"""


def test_paragraphs() -> None:
    assert list(deb822.paragraphs(f"\n{TEXT}\n\n")) == [
        {"Source": "a", "Build-Depends": "\ndebhelper-compat (= 13),\ndh-python"},
        {"Package": "b", "Description": "short\nlong\n.\n more"},
    ]
    assert list(deb822.paragraphs("")) == list(deb822.paragraphs("\n \n# x\n")) == []


@pytest.mark.parametrize(
    "text",
    ["A: b\n", "A:\n b\n c\n", "A: b\n c\n  d\n .\nE: f\n", "A: \nB: c\n"],
)
def test_what_is_read_is_written_again(text: str) -> None:
    assert deb822.text(deb822.fields(text)) == text


def test_no_line_of_a_value_ends_the_paragraph() -> None:
    assert deb822.text({"A": "b\n\n \nc"}) == "A: b\n .\n .\n c\n"
