from __future__ import annotations

import os
from pathlib import Path

import pytest
from boxes import Box, boxed
from samples import sample_project

from debonair.errors import LockError, ProjectError
from debonair.host.cache import Cache
from debonair.host.sandbox import FailedError
from debonair.lock import Lock, build_tools
from debonair.project import Project
from debonair.wheels import project_wheel

EPOCH = 1_700_000_000
PYPROJECT = b'[build-system]\nrequires = ["setuptools"]\n'


@pytest.fixture
def given(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    for name in (
        "pyproject.toml", "src/guestbook.py", "tool", ".git/config", ".venv/x", "dist/old.whl", "build/x",
        ".mypy_cache/x", "src/__pycache__/x.pyc", "x.egg-info/PKG-INFO", ".dockerignore",
    ):  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "tool").chmod(0o711)
    (root / "pyproject.toml").write_bytes(PYPROJECT)
    (root / "dangling").symlink_to("nowhere")
    return sample_project(root=root, config_file=root / "pyproject.toml", install="wheel")


def use(monkeypatch: pytest.MonkeyPatch, box: Box) -> Box:
    def locked(file: Path, requires: tuple[str, ...], *_: object, **__: object) -> object:
        file.write_text("locked")
        return requires, Lock((), file, "pylock.toml", "")

    monkeypatch.setattr(build_tools, "locked", locked)
    return boxed(monkeypatch, box)


def test_the_backend_sees_a_clean_copy(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = use(monkeypatch, Box(name="Guestbook"))
    found = project_wheel.wheel(given, EPOCH, Cache(tmp_path / "cache"), {"A": "1"})
    (seen,) = box.given
    assert {path: of for path, of in seen.items() if path.startswith("source/")} == {
        "source/.dockerignore": (b".dockerignore", 0o644, EPOCH),
        "source/pyproject.toml": (PYPROJECT, 0o644, EPOCH),
        "source/src/guestbook.py": (b"src/guestbook.py", 0o644, EPOCH),
        "source/tool": (b"tool", 0o755, EPOCH),
    }
    assert {path for path in seen if not path.startswith("source/")} == {
        "backend.json",
        "build_wheel.py",
        "venv/pyvenv.cfg",
    }
    (variables,) = box.variables
    assert variables["SOURCE_DATE_EPOCH"] == str(EPOCH)
    assert variables["SETUPTOOLS_SCM_PRETEND_VERSION"] == "1.4.2"
    assert "A" not in variables
    assert (found.name, found.version, found.filename) == (
        "Guestbook",
        "1.4.2",
        "Guestbook-1.0-py3-none-any.whl",
    )
    assert found.path.is_file()
    assert found.path.parent == tmp_path / "cache/wheels" / found.sha256


def test_the_same_sources_are_built_once(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = use(monkeypatch, Box())
    cache = Cache(tmp_path / "cache")
    first = project_wheel.wheel(given, EPOCH, cache, {})
    os.utime(given.root / "tool", (1, 1))
    (given.root / "dist/new.whl").touch()
    assert project_wheel.wheel(given, EPOCH, cache, {}) == first
    assert len(box.given) == 1


@pytest.mark.parametrize("change", ["content", "mode", "name", "epoch", "cache", "note", "tools"])
def test_whatever_the_backend_sees_counts(
    change: str, given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = use(monkeypatch, Box())
    cache = Cache(tmp_path / "cache")
    first = project_wheel.wheel(given, EPOCH, cache, {})
    if change == "content":
        (given.root / "tool").write_text("new")
    elif change == "mode":
        (given.root / "tool").chmod(0o644)
    elif change == "name":
        (given.root / "tool").rename(given.root / "hammer")
    elif change == "cache":
        first.path.unlink()
    elif change == "note":
        (note,) = (tmp_path / "cache/locks").glob("*.own")
        note.write_bytes(b"rubbish")
    elif change == "tools":
        (given.root / "pylock.build-guestbook.toml").write_text("others")
    project_wheel.wheel(given, EPOCH + (change == "epoch"), cache, {})
    assert len(box.given) == 2


def test_the_tools_of_a_shelf_are_taken_and_no_others(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = use(monkeypatch, Box(asks=[["wheel"]]))
    project_wheel.wheel(given, EPOCH, Cache(tmp_path / "cache"), {}, [])
    assert not (given.root / "pylock.build-guestbook.toml").exists()
    assert [call["requires"] for call in box.calls] == [["setuptools"], ["setuptools", "wheel"]]


def test_a_wheel_for_one_machine_is_refused(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Box(tag="cp313-cp313-linux_x86_64"))
    with pytest.raises(ProjectError, match="which is not pure Python") as caught:
        project_wheel.wheel(given, EPOCH, Cache(tmp_path / "cache"), {})
    assert 'install = "files"' in caught.value.hint
    assert not (tmp_path / "cache/wheels").exists()


def test_a_backend_that_fails(given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = use(monkeypatch, Box(raises=FailedError("Traceback:\nOSError: no network", 1)))
    for _ in range(2):
        with pytest.raises(LockError, match=r"does not build.*\n  Traceback:\n  OSError: no net") as caught:
            project_wheel.wheel(given, EPOCH, Cache(tmp_path / "cache"), {})
        assert "without a network" in caught.value.hint
    assert len(box.given) == 2  # a failure is not remembered
