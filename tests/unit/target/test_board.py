from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from debonair import target
from debonair.cli import main as cli
from debonair.errors import TargetError
from debonair.target import board

PAGE = Path(__file__).parents[3] / "docs/reference/targets.md"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("zero2w", "zero2w"),
        ("Zero 2 W", "zero2w"),
        ("zero-w", "zero"),
        ("1", "1"),
        ("Raspberry Pi 3B+", "3"),
        ("rpi4", "4"),
        ("Pi 5", "5"),
        ("pi2b", "2"),
    ],
)
def test_a_model_is_found_as_people_write_it(asked: str, name: str) -> None:
    assert board.find(asked).name == name


def test_one_that_is_not_known() -> None:
    with pytest.raises(TargetError, match="no Raspberry Pi 'zero3'") as refused:
        board.find("zero3")
    assert "Did you mean 'zero" in refused.value.hint
    assert refused.value.hint.endswith("The models: zero, 1, 2, zero2w, 3, 4, 5.")


@pytest.mark.parametrize("one", board.boards(), ids=lambda one: one.name)
def test_every_model_has_a_target_of_each_suite(one: board.Board) -> None:
    suites = {target.load(name).suite for name in target.names()}
    assert one.targets()
    for found in one.targets().values():
        assert {each.suite for each in found} == suites
        out = [each.debian_release for each in found if each.released]
        assert out == sorted(out, reverse=True)
        assert [each.released for each in found] == sorted((each.released for each in found), reverse=True)


@pytest.mark.parametrize("one", board.boards(), ids=lambda one: one.name)
def test_the_documentation_says_the_same(one: board.Board) -> None:
    row = next(line for line in PAGE.read_text().splitlines() if line.endswith(f"| `{one.name}` |"))
    named = re.findall(r"`(\w+-\w+)`", row)
    assert named == [each.name for found in one.targets().values() for each in found]


def test_the_verb() -> None:
    shown = CliRunner().invoke(cli.main, ["targets", "--pi", "zero"])
    assert shown.stdout.splitlines() == [
        "Raspberry Pi Zero, Zero W:",
        "  32-bit Raspberry Pi OS, Debian 13              trixie-armv6",
        "  32-bit Raspberry Pi OS, Debian 12              bookworm-armv6",
        "  32-bit Raspberry Pi OS, Debian 14 (to come)    forky-armv6",
    ]
    found = json.loads(CliRunner().invoke(cli.main, ["targets", "--pi", "4", "--json"]).stdout)
    assert [each["name"] for each in found][:2] == ["trixie-arm64", "bookworm-arm64"]
