from __future__ import annotations

from pathlib import Path

import pytest
from samples import sample_project

from debonair import target, template
from debonair.host.cache import Cache
from debonair.tree import texts

TRIXIE = target.load("trixie-arm64")
TEMPLATE = "packaging/source/rules.in"


def fill(cache: Cache, where: target.Target = TRIXIE) -> str:
    with texts.remembered(sample_project(), where, cache):
        return template.fill(TEMPLATE, {})


def test_the_next_build_takes_the_texts_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path)
    filled = fill(cache)
    monkeypatch.setattr(template, "_environment", None)
    assert fill(cache) == filled


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    filled = fill(cache)
    (kept,) = (tmp_path / "texts").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(b"damaged")
    assert fill(cache) == filled
    assert kept.read_bytes() == whole


def test_targets_have_their_own(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    fill(cache)
    fill(cache, target.load("bookworm-arm64"))
    assert len(list((tmp_path / "texts").iterdir())) == 2
