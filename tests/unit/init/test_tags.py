"""The version that a project takes from git's tags, read without running git."""

from __future__ import annotations

from pathlib import Path

import pytest
from drafts import FLASK, draft, make

from debonair.init.discovery import tags

PYPROJECT = """[project]
name = "book"
dynamic = ["version"]
dependencies = ["flask"]
[build-system]
requires = ["setuptools", "setuptools-scm"]
"""
HASH = "0123456789" * 4


def repository(root: Path, packed: str = "", *loose: str) -> Path:
    lines = "".join(f"{HASH} refs/tags/{tag}\n^{HASH}\n" for tag in packed.split())
    files = {f".git/refs/tags/{tag}": f"{HASH}\n" for tag in loose}
    return make(
        root, {".git/packed-refs": f"# pack-refs with: peeled\n{lines}{HASH} refs/heads/v9\n", **files}
    )


@pytest.mark.parametrize(
    ("packed", "loose", "found"),
    [
        ("v1.2 v1.10 v1.9", (), ("1.10", "v1.10")),
        ("v1.2", ("release/1.3",), ("1.3", "release/1.3")),
        ("book-1.0 book-2.0rc1 nightly", (), ("1.0", "book-1.0")),
        ("v2.0rc1", (), ("2.0rc1", "v2.0rc1")),
        ("nightly", (), ("", "")),
        ("", (), ("", "")),
    ],
)
def test_the_latest_tag(
    packed: str, loose: tuple[str, ...], found: tuple[str, str], tmp_path: Path
) -> None:
    assert tags.latest(repository(tmp_path, packed, *loose)) == found


def test_a_link_out_of_the_project_is_not_read(tmp_path: Path) -> None:
    repository(tmp_path / "other", "v1.0", "v2.0")
    make(tmp_path / "mine", {"app.py": FLASK})
    (tmp_path / "mine/.git").symlink_to(tmp_path / "other/.git")
    assert tags.latest(tmp_path / "mine") == ("", "")


def test_init_proposes_it(tmp_path: Path) -> None:
    make(tmp_path, {"app.py": FLASK, "pyproject.toml": PYPROJECT})
    (version,) = (each for each in draft(tmp_path).findings if each.name == "version")
    assert (version.value, version.key) == ("0.1", ("version",))
    assert "setuptools_scm takes it from git's tags, but git has no tag" in version.where
    repository(tmp_path, "v1.2 v1.4.2")
    (version,) = (each for each in draft(tmp_path).findings if each.name == "version")
    assert (version.value, version.key) == ("1.4.2", ("version",))
    assert version.where == "git's tag v1.4.2; raise it with each release"
