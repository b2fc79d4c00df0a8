"""What uv really does, with an index that is a folder of wheels made here: no network."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from samples import sample_project
from wheelmaker import make_wheel

from debonair import lock, target, wheels
from debonair.errors import LockError, MachineError, NetworkError, WheelError
from debonair.host import sandbox
from debonair.host.cache import Cache
from debonair.host.run import run
from debonair.lock.uv import Uv, program
from debonair.project import Project

ARM64, ARMV7 = target.load("trixie-arm64"), target.load("bookworm-armv7")

_BACKEND = """
import os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "purely-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        metadata = "Metadata-Version: 2.1\\nName: purely\\nVersion: 1.0\\n"
        archive.writestr(zipfile.ZipInfo("purely-1.0.dist-info/METADATA"), metadata)
        wheel = "Wheel-Version: 1.0\\nTag: {tag}\\n"
        archive.writestr(zipfile.ZipInfo("purely-1.0.dist-info/WHEEL"), wheel)
        archive.writestr(zipfile.ZipInfo("purely-1.0.dist-info/RECORD"), "")
        archive.writestr(zipfile.ZipInfo("purely.py"), "EPOCH = " + os.environ["SOURCE_DATE_EPOCH"])
    return name
"""
_BUILD = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
_GUESTBOOK = """
[project]
name = "guestbook"
version = "1.4.2"
requires-python = ">=3.11"
dependencies = ["Site>=1"]
"""
_PROJECT = '[project]\nname = "purely"\nversion = "1.0"\n'


def make_sdist(folder: Path, tag: str) -> Path:
    """Write an sdist whose build backend lies in it, so that nothing is fetched."""
    path = folder / "purely-1.0.tar.gz"
    members = {
        "PKG-INFO": "Metadata-Version: 2.2\nName: purely\nVersion: 1.0\n",
        "pyproject.toml": _PROJECT + _BUILD,
        "backend.py": _BACKEND.replace("{tag}", tag),
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"purely-1.0/{name}")
            member.size, member.mtime = len(text), 1_600_000_000
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    make_wheel(folder, "site", "1.0", {"site.py": b""}, requires=("marked", "old; python_version < '3.12'"))
    make_wheel(folder, "old", "1.0", {"old.py": b""})
    for machine in ("aarch64", "x86_64"):
        for python in ("cp311", "cp313"):
            tag = f"{python}-{python}-manylinux2014_{machine}"
            make_wheel(folder, "marked", "2.0", {"marked.so": machine.encode()}, tag)
    make_wheel(folder, "marked", "2.0", {"marked.py": b""})
    return folder


@pytest.fixture
def environ(index: Path, tmp_path: Path) -> dict[str, str]:
    (empty := tmp_path / "empty").mkdir()
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))},
        "UV_FIND_LINKS": str(index),
        "UV_DEFAULT_INDEX": empty.as_uri(),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_CONFIG_FILE": os.devnull,
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "guestbook"
    root.mkdir()
    (root / "pyproject.toml").write_text(_GUESTBOOK)
    return sample_project(root=root, config_file=root / "pyproject.toml", requirements=("Site>=1",))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


WANTED = {
    "trixie-arm64": ["marked-2.0-cp313-cp313-manylinux2014_aarch64.whl", "site-1.0-py3-none-any.whl"],
    "bookworm-armv7": [
        "marked-2.0-py3-none-any.whl",
        "old-1.0-py3-none-any.whl",
        "site-1.0-py3-none-any.whl",
    ],
}


def check(project: Project, cache: Cache, environ: dict[str, str], form: str) -> None:
    """Check that the lock, whatever its form, leads to the right wheels, and that no uv is asked twice."""
    found = lock.ensure(project, [ARM64, ARMV7], cache, environ, describe=wheels.describe)
    assert found.form == form
    for on in (ARM64, ARMV7):
        got = wheels.obtain(found, on, cache, environ)
        assert [wheel.filename for wheel in got] == WANTED[on.name]
    assert (
        lock.ensure(project, [ARM64, ARMV7], cache, environ, runner=_refuse, describe=wheels.describe)
        == found
    )


def _refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("uv was asked again")


def test_pylock(project: Project, cache: Cache, environ: dict[str, str], index: Path) -> None:
    check(project, cache, environ, "pylock.toml")
    make_wheel(index, "site", "1.1", {"site.py": b""})
    path = lock.write(project, [ARM64, ARMV7], cache, environ, describe=wheels.describe)
    assert 'version = "1.1"' not in path.read_text()
    lock.write(project, [ARM64, ARMV7], cache, environ, upgrade=True, describe=wheels.describe)
    assert 'version = "1.1"' in path.read_text()
    assert path.read_text().count("[tool.debonair]") == 1


@pytest.mark.parametrize(("prereleases", "version"), [(False, "1.0"), (True, "1.1rc1")])
def test_versions_that_are_not_final(
    project: Project, cache: Cache, environ: dict[str, str], index: Path, *, prereleases: bool, version: str
) -> None:
    make_wheel(index, "site", "1.1rc1", {"site.py": b""})
    path = lock.write(
        replace(project, prereleases=prereleases), [ARM64], cache, environ, describe=wheels.describe
    )
    assert f'version = "{version}"' in path.read_text()


def test_versions_of_another_tool_and_constraints(
    project: Project, cache: Cache, environ: dict[str, str], index: Path
) -> None:
    for version in ("1.1", "1.2"):
        make_wheel(index, "site", version, {"site.py": b""})
    other = project.root / "Pipfile.lock"
    other.write_text('{"default": {"site": {"version": "==1.1"}}}')
    path = lock.write(project, [ARM64], cache, environ, describe=wheels.describe)
    assert 'version = "1.1"' in path.read_text()
    path.unlink()
    other.unlink()
    bounded = replace(project, constraints=("site<1.1",))
    assert (
        'version = "1.0"'
        in lock.write(bounded, [ARM64], cache, environ, describe=wheels.describe).read_text()
    )


def test_from_an_old_folder_to_a_deb(cache: Cache, environ: dict[str, str], tmp_path: Path) -> None:
    root = tmp_path / "old book"
    root.mkdir()
    (root / "app.py").write_text("def application(environ, start_response): ...\n")
    (root / "Pipfile").write_text('[packages]\nsite = "*"\n')
    (root / "Procfile").write_text("web: gunicorn app --timeout 90\n")
    words = [sys.executable, "-m", "debonair"]
    environ |= {"DEBONAIR_CACHE": str(cache.root), "SOURCE_DATE_EPOCH": "1700000000"}
    output = run([*words, "init", "--yes"], cwd=root, env=environ).stdout
    assert "Procfile:1 (a WSGI function)" in output
    run([*words, "build", "--target", "trixie-amd64"], cwd=root, env=environ)
    assert (root / "dist/old-book_0.1-1+deb13_amd64.deb").is_file()
    before = (root / "debonair.toml").read_bytes()
    assert (
        "already has settings, and was not changed. These settings would have been written"
        in run([*words, "init"], cwd=root, env=environ).stdout
    )
    assert (root / "debonair.toml").read_bytes() == before


def test_wheels_beside_the_app_go_with_it(
    project: Project, cache: Cache, environ: dict[str, str], index: Path
) -> None:
    index.rename(project.root / "wheels")
    (project.root / "uv.toml").write_text('find-links = ["wheels"]\n')
    del environ["UV_FIND_LINKS"]
    lock.write(project, [ARM64, ARMV7], cache, environ, describe=wheels.describe)
    moved = project.root.rename(project.root.with_name("moved"))
    text = (moved / "pylock.toml").read_text()
    assert 'path = "wheels/site-1.0-py3-none-any.whl"' in text
    assert "file:" not in text
    there = replace(project, root=moved, config_file=moved / "pyproject.toml")
    check(there, cache, environ, "pylock.toml")


def test_hash_pinned_requirements(project: Project, cache: Cache, environ: dict[str, str]) -> None:
    path = project.root / "requirements.txt"
    path.write_text(f"site==1.0 --hash=sha256:{'0' * 64}\n")
    assert lock.write(project, [ARM64, ARMV7], cache, environ, describe=wheels.describe) == path
    text = path.read_text()
    assert "--hash=sha256:" in text
    assert str(project.root.parent) not in text  # no address, no path of this machine
    check(project, cache, environ, "requirements.txt")


def test_uv_lock(project: Project, cache: Cache, environ: dict[str, str]) -> None:
    run([program(), "lock", "-q"], cwd=project.root, env=environ)
    check(project, cache, environ, "uv.lock")


def test_requirements_that_cannot_be_met(project: Project, cache: Cache, environ: dict[str, str]) -> None:
    changed = sample_project(root=project.root, config_file=project.config_file, requirements=("site>99",))
    with pytest.raises(LockError, match=r"cannot be met(.|\n)*site>99"):
        lock.ensure(changed, [ARM64], cache, environ, describe=wheels.describe)
    assert not (project.root / "pylock.toml").exists()


def test_no_network(project: Project, cache: Cache, environ: dict[str, str]) -> None:
    del environ["UV_FIND_LINKS"], environ["UV_DEFAULT_INDEX"]
    environ |= {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1:9 could not be reached"):
        lock.ensure(project, [ARM64], cache, environ, describe=wheels.describe)
    assert not (project.root / "pylock.toml").exists()


def test_an_sdist_is_built(
    project: Project,
    cache: Cache,
    environ: dict[str, str],
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_sdist(index, "py3-none-any")
    changed = sample_project(root=project.root, config_file=project.config_file, requirements=("purely",))
    found = lock.ensure(changed, [ARM64], cache, environ, describe=wheels.describe)
    (wheel,) = wheels.obtain(found, ARM64, cache, environ)
    assert wheel.filename == "purely-1.0-py3-none-any.whl"
    assert b"EPOCH = 1600000000" in wheel.path.read_bytes()
    with monkeypatch.context() as alone:
        alone.setattr(sandbox, "find", _refuse)
        assert wheels.obtain(found, ARM64, cache, environ) == (wheel,)


def test_an_sdist_is_built_where_no_sandbox_can_be_made(
    project: Project,
    cache: Cache,
    environ: dict[str, str],
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_sdist(index, "py3-none-any")
    changed = sample_project(root=project.root, config_file=project.config_file, requirements=("purely",))
    found = lock.ensure(changed, [ARM64], cache, environ, describe=wheels.describe)
    (wheel,) = wheels.obtain(found, ARM64, cache, environ)
    monkeypatch.setattr(sandbox, "find", lambda: (None, "not permitted"))
    with pytest.raises(MachineError, match=r"purely 1\.0 is built by code of others.*not permitted"):
        wheels.obtain(found, ARM64, Cache(cache.root / "other"), environ)
    environ[sandbox.VARIABLE] = "1"
    (same,) = wheels.obtain(found, ARM64, Cache(cache.root / "other"), environ)
    assert same.sha256 == wheel.sha256


def test_an_sdist_that_is_not_pure(
    project: Project, cache: Cache, environ: dict[str, str], index: Path
) -> None:
    make_sdist(index, "cp313-cp313-linux_x86_64")
    changed = sample_project(root=project.root, config_file=project.config_file, requirements=("purely",))
    found = lock.ensure(changed, [ARM64], cache, environ, describe=wheels.describe)
    with pytest.raises(WheelError, match="not pure Python"):
        wheels.obtain(found, ARM64, cache, environ)


def test_the_interpreter_of_debonair_builds(project: Project, environ: dict[str, str]) -> None:
    """uv must not look for another Python: on a fresh machine there is none."""
    environ["UV_PYTHON"] = "9.9"
    environ["UV_PYTHON_PREFERENCE"] = "only-managed"
    assert b"[[packages]]" in Uv(project.root, environ, wheels.describe).files(["site==1.0"], "3.11")
