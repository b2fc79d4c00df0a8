from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from samples import sample_project
from wheelmaker import make_wheel

from debonair import own
from debonair.cache import Cache
from debonair.errors import LockError, ProjectError
from debonair.project import Project

EPOCH = 1_700_000_000


class Backend:
    """Stands in for uv: builds a wheel of a fixed name and keeps what it was given to see."""

    seen: dict[str, tuple[bytes, int, int]]

    def __init__(self, tag: str = "py3-none-any", error: Exception | None = None) -> None:
        self.tag, self.error, self.built = tag, error, 0

    def __call__(self, root: Path, environ: Mapping[str, str]) -> Backend:
        self.root, self.environ = root, environ
        return self

    def build(self, source: Path, out: Path, epoch: int) -> Path:
        self.built += 1
        if self.error:
            raise self.error
        self.epoch = epoch
        self.seen = {
            str(path.relative_to(source)): (
                path.read_bytes(),
                path.stat().st_mode & 0o777,
                int(path.stat().st_mtime),
            )
            for path in sorted(source.rglob("*"))
            if path.is_file()
        }
        return make_wheel(out, "Guestbook", "1.4.2", {"guestbook.py": b""}, self.tag)


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
    (root / "dangling").symlink_to("nowhere")
    return sample_project(root=root, config_file=root / "pyproject.toml", install="wheel")


def use(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> Backend:
    monkeypatch.setattr(own, "Uv", backend)
    return backend


def test_the_backend_sees_a_clean_copy(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = use(monkeypatch, Backend())
    found = own.wheel(given, EPOCH, Cache(tmp_path / "cache"), {"A": "1"})
    assert backend.seen == {
        ".dockerignore": (b".dockerignore", 0o644, EPOCH),
        "pyproject.toml": (b"pyproject.toml", 0o644, EPOCH),
        "src/guestbook.py": (b"src/guestbook.py", 0o644, EPOCH),
        "tool": (b"tool", 0o755, EPOCH),
    }
    assert (backend.epoch, backend.root, backend.environ) == (EPOCH, given.root, {"A": "1"})
    assert (found.name, found.version, found.filename) == (
        "Guestbook",
        "1.4.2",
        "Guestbook-1.4.2-py3-none-any.whl",
    )
    assert found.path.is_file()
    assert found.path.parent == tmp_path / "cache/wheels" / found.sha256


def test_the_same_sources_are_built_once(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = use(monkeypatch, Backend())
    cache = Cache(tmp_path / "cache")
    first = own.wheel(given, EPOCH, cache, {})
    os.utime(given.root / "tool", (1, 1))
    (given.root / "dist/new.whl").touch()
    assert own.wheel(given, EPOCH, cache, {}) == first
    assert backend.built == 1


@pytest.mark.parametrize("change", ["content", "mode", "name", "epoch", "cache", "note"])
def test_whatever_the_backend_sees_counts(
    change: str, given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = use(monkeypatch, Backend())
    cache = Cache(tmp_path / "cache")
    first = own.wheel(given, EPOCH, cache, {})
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
    own.wheel(given, EPOCH + (change == "epoch"), cache, {})
    assert backend.built == 2


def test_a_wheel_for_one_machine_is_refused(
    given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Backend("cp313-cp313-linux_x86_64"))
    with pytest.raises(ProjectError, match="which is not pure Python") as caught:
        own.wheel(given, EPOCH, Cache(tmp_path / "cache"), {})
    assert 'install = "files"' in caught.value.hint
    assert not (tmp_path / "cache/wheels").exists()


def test_a_backend_that_fails(given: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = use(monkeypatch, Backend(error=LockError("it does not build")))
    for _ in range(2):
        with pytest.raises(LockError, match="does not build"):
            own.wheel(given, EPOCH, Cache(tmp_path / "cache"), {})
    assert backend.built == 2  # a failure is not remembered
