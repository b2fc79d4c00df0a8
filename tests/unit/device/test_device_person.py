"""A hint to type has sudo in front of what needs root, wherever sudo is."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import person
import pytest

_DEVICE = Path(__file__).parents[3] / "packaging/device"
_ROOTS = re.compile(r"(?:: |then: |&& |in: )(?:sudo |sudoedit |systemctl |journalctl |dpkg |apt |nginx )")


@pytest.mark.parametrize(
    ("user", "has", "expected"),
    [(1000, True, "sudo "), (1000, False, "sudo "), (0, True, "sudo "), (0, False, "")],
)
def test_root_types_no_sudo_only_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, *, user: int, has: bool, expected: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(person, "_has_sudo", lambda: has)
    assert person.sudo() == expected


@pytest.mark.parametrize("file", sorted(_DEVICE.glob("*.py")), ids=lambda file: file.name)
def test_no_hint_decides_about_sudo_by_itself(file: Path) -> None:
    """A hint is a part of an f-string, in which the function comes before what root types."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    explained = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in explained]
    lines = [line for text in texts if isinstance(text, str) for line in text.splitlines()]
    assert [line for line in lines if _ROOTS.search(line) and not line.startswith("#")] == []


def test_the_test_finds_such_hints() -> None:
    assert _ROOTS.search("x does not run: journalctl -u x")
    assert _ROOTS.search("write the line, then: sudo nginx -t")
