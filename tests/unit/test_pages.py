"""The pages that a reader follows have a form in which the tests can follow them too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import blocks, followed


@pytest.mark.parametrize("page", followed(), ids=lambda page: page.stem)
def test_every_command_can_be_followed(page: Path) -> None:
    found = list(blocks(page))
    code = r"^```.*?^```$"
    outside = re.sub(code, "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert not re.findall(r"^ {4}\S.*", outside, re.MULTILINE), (
        "a block without a fence is followed by nobody"
    )
    assert all(block.words for block in found), "a fence that does not say what it holds"
    assert {block.place for block in found if block.is_command} <= {"", "pi", "clone"}
    assert any(block.is_command for block in found)


def test_a_block_says_what_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Write `app.py`:\n\n```python\nx = 1\n```\n\n"
        "and `b.toml`, which says\nmore:\n\n```toml\na = 1\n```\n\n"
        "On the Pi:\n\n```sh pi\nls\n```\n"
    )
    first, second, third = blocks(page)
    assert (first.file, first.body, first.line, first.is_command) == ("app.py", "x = 1\n", 3, False)
    assert second.file == "b.toml"
    assert (third.file, third.place, third.is_command) == ("", "pi", True)
