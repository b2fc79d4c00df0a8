from __future__ import annotations

import tomllib
from typing import Any

import pytest

from debonair.host import toml


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "a \"b\" \\ 'c'",
        "\x00\x1f\x7f\t\n\r",
        "é \U0001f600 \u2028",
        0,
        1.5,
        True,
        [],
        ",",
        ["a", 'b","c', "\x7f"],
        [",", ","],
    ],
)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert tomllib.loads(f"key = {toml.value(value)}") == {"key": value}


@pytest.mark.parametrize("name", ["a-b_1", "a.b", "", 'a"b', "é"])
def test_a_key(name: str) -> None:
    assert tomllib.loads(f"{toml.key(name)} = 1") == {name: 1}
