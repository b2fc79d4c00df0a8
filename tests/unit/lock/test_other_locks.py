from __future__ import annotations

from pathlib import Path

import pytest

from debonair.errors import LockError
from debonair.lock import other_locks, pylock


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "Pipfile.lock",
            '{"default": {"Flask": {"version": "==3.0.0"}, "own": {"path": "."}}, "develop": {"x": {}}}',
        ),
        ("poetry.lock", '[[package]]\nname = "Flask"\nversion = "3.0"\n'),
        (
            "pdm.lock",
            (
                '[[package]]\nname = "flask"\nversion = "3.0"\n[[package]]\nname = "a"\nversion = "1"\n'
                '[[package]]\nname = "a"\nversion = "2"\n'
            ),
        ),
    ],
)
def test_the_versions_of_other_tools(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    path = other_locks.find(tmp_path)
    assert path == tmp_path / name
    (version,) = other_locks.read(path).values()
    assert version in {"3.0", "3.0.0"}
    assert list(other_locks.read(path)) == ["flask"]


def test_there_is_none(tmp_path: Path) -> None:
    assert other_locks.find(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [("Pipfile.lock", "{"), ("Pipfile.lock", "[]"), ("Pipfile.lock", "{}"), ("poetry.lock", "a ="),
     ("poetry.lock", '[[package]]\nname = "a"\nversion = "b"\n')],
)  # fmt: skip
def test_what_cannot_be_read(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LockError, match="is not valid"):
        other_locks.read(tmp_path / name)


def test_a_seed_is_a_lock_without_files() -> None:
    found = pylock.read(other_locks.seed({"flask": "3.0", "click": "8"}), Path("pylock.toml"))
    assert [(package.name, package.version, package.files) for package in found.packages] == [
        ("flask", "3.0", ()),
        ("click", "8", ()),
    ]


def test_changes() -> None:
    assert other_locks.changes({"a": "1", "b": "1.0", "c": "2"}, {"a": "2", "b": "1", "d": "1"}) == [
        "a 2 (was 1)"
    ]
