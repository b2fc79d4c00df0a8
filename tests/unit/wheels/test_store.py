"""Wheels that somebody's backend built are kept where they belong, whatever it calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.wheels import store

GOOD = "thing-1.0-py3-none-any.whl"


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    file = store.keep(GOOD, b"wheel", cache)
    assert store.has(file, cache)
    (cache.root / "wheels" / file.sha256 / GOOD).unlink()
    assert not store.has(file, cache)


@pytest.mark.parametrize(
    "name",
    [
        f"../../{GOOD}",
        f"/dev/null/{GOOD}",
        "thing-1.0-py3-none-../../../any.whl",
        "thing-1.0-py3-none-any.whl/../../../../x-1-py3-none-any.whl",
        "x\0-1.0-py3-none-any.whl",
        "authorized_keys",
        "",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    cache = Cache(tmp_path / "cache")
    with pytest.raises(WheelError, match="A build backend named its wheel"):
        store.keep(name, b"wheel", cache)
    assert list(tmp_path.iterdir()) == []
