"""What a build backend runs with: its lock, and the name of what it makes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from sdistless import undescribed

from debonair.errors import LockError
from debonair.lock import build_tools
from debonair.lock.uv import Uv

HASH = "0" * 64


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[tuple[str, ...], str]]:
    """What uv was asked to lock; all of it is in a folder of the project, and once more elsewhere."""
    found = list[tuple[tuple[str, ...], str]]()

    def lock(uv: Uv, requirements: Iterable[str], python: str, previous: Path) -> bytes:
        assert uv.root == previous.parent == tmp_path
        found.append((tuple(requirements), python))
        wheel = f"{(tmp_path / 'wheels/flit_core-1-py3-none-any.whl').as_uri()}"
        return (
            'lock-version = "1.0"\ncreated-by = "uv"\n\n[[packages]]\nname = "flit-core"\nversion = "1"\n'
            f'wheels = [{{ url = "{wheel}", hashes = {{ sha256 = "{HASH}" }} }}]\n'
        ).encode()

    monkeypatch.setattr(Uv, "lock", lock)
    return found


def locked(folder: Path, *requires: str, python: str = "3.11") -> tuple[str, ...]:
    names, lock = build_tools.locked(
        build_tools.path(folder, "My.App"),
        requires,
        python,
        {},
        locks=folder / "cache/locks",
        describe=undescribed,
    )
    assert [package.name for package in lock.packages] == ["flit-core"]
    return names


def test_it_is_locked_once(tmp_path: Path, asked: list[object]) -> None:
    assert locked(tmp_path, "flit_core") == ("flit_core",)
    assert locked(tmp_path, "flit_core", python="3.13") == ("flit_core",)
    assert asked == [(("flit_core",), "3.11")]


def test_no_path_of_this_machine_is_in_it(tmp_path: Path, asked: list[object]) -> None:
    locked(tmp_path, "flit_core")
    text = (tmp_path / "pylock.build-my-app.toml").read_text()
    assert str(tmp_path) not in text
    assert 'path = "wheels/flit_core-1-py3-none-any.whl"' in text


def test_what_was_asked_for_later_stays(tmp_path: Path, asked: list[object]) -> None:
    locked(tmp_path, "flit_core")
    locked(tmp_path, "flit_core", "wheel")
    assert locked(tmp_path, "flit_core") == ("flit_core", "wheel")
    assert len(asked) == 2


def test_an_older_python_needs_another(tmp_path: Path, asked: list[object]) -> None:
    locked(tmp_path, "flit_core", python="3.13")
    locked(tmp_path, "flit_core", python="3.11")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "filename",
    [
        "../../flask-3.0-py3-none-any.whl",
        "/etc/flask-3.0-py3-none-any.whl",
        "flask-3.0-py3-none-any.whl",
        "purely-2.0-py3-none-any.whl",
        "purely-1.0.tar.gz",
        "purely-1.0-py3-none-any.whl\n",
        "purely-1.0-py3-none-\x1b]0;any.whl",
        "",
    ],
)
def test_a_name_that_a_backend_may_not_choose(filename: str) -> None:
    with pytest.raises(LockError, match=r"which is (not a wheel|another package)") as caught:
        build_tools.check(filename, "Purely", "1.0")
    assert not re.search(r"[\x00-\x1f]", caught.value.message)


@pytest.mark.parametrize(("name", "version"), [("Purely", "1.0.0"), ("", ""), ("purely", "")])
def test_a_name_that_it_may_choose(name: str, version: str) -> None:
    build_tools.check("purely-1.0-py3-none-any.whl", name, version)
