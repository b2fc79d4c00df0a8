"""A broken release, made from a deb that works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from debonair.deb.version import order
from debonair.trial.broken import spoil

CONTROL = "Package: app\nVersion: {}\nArchitecture: all\nDepends: python3 (>= 3.13~)\n"


def unpacked(root: Path, release: Mapping[str, object], *files: str, version: str = "1.0-1+deb13") -> Path:
    dist = root / "usr/lib/app/dist"
    for name in files:
        path = dist / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("fine = True\n")
    dist.mkdir(parents=True, exist_ok=True)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(CONTROL.format(version))
    (dist / "release.json").write_text(json.dumps({"version": version, **release}))
    return dist


def broken(dist: Path) -> list[str]:
    return sorted(
        str(path.relative_to(dist)) for path in dist.rglob("*.py") if "fine" not in path.read_text()
    )


@pytest.mark.parametrize(
    ("release", "files", "expected"),
    [
        ({"wsgi": "web:app", "import-path": ["app"]}, ["app/web.py", "app/more.py"], ["app/web.py"]),
        (
            {"wsgi": "web:create_app()", "import-path": ["app"]},
            ["app/web/__init__.py", "app/other/__init__.py"],
            ["app/web/__init__.py"],
        ),
        (
            {"wsgi": "site.wsgi:application", "import-path": ["app"]},
            ["app/site/wsgi.py"],
            ["app/site/wsgi.py"],
        ),
        (
            {"wsgi": "web:app", "import-path": []},
            ["venv/lib/python3.13/site-packages/web.py"],
            ["venv/lib/python3.13/site-packages/web.py"],
        ),
        (
            {"wsgi": "", "server": "command", "import-path": ["app"]},
            ["app/main.py", "app/web/__init__.py", "app/web/deep.py"],
            ["app/main.py", "app/web/__init__.py"],
        ),
    ],
)
def test_the_code_that_the_server_imports_first_raises(
    tmp_path: Path, release: dict[str, object], files: list[str], expected: list[str]
) -> None:
    dist = unpacked(tmp_path, release, *files)
    spoil(tmp_path)
    assert broken(dist) == expected
    with pytest.raises(RuntimeError, match="Broken on purpose"):
        exec(compile((dist / expected[0]).read_text(), "it", "exec"), {})


def test_its_bytecode_is_removed(tmp_path: Path) -> None:
    release = {"wsgi": "web:app", "import-path": ["app"]}
    kept, compiled = "app/__pycache__/other.cpython-313.pyc", "app/__pycache__/web.cpython-313.pyc"
    dist = unpacked(tmp_path, release, "app/web.py", kept, compiled)
    spoil(tmp_path)
    assert (dist / kept).exists()
    assert not (dist / compiled).exists()


@pytest.mark.parametrize(
    "version", ["1.0-1+deb13", "2:1.0-1+deb13", "1.0+deb13", "1.0", "1.0~rc1-1", "1.0-a-1"]
)
def test_its_version_is_higher(tmp_path: Path, version: str) -> None:
    dist = unpacked(tmp_path, {"wsgi": "web:app", "import-path": ["app"]}, "app/web.py", version=version)
    found = spoil(tmp_path)
    assert order(version) < order(found)
    assert version.partition("+deb")[2] == found.partition("+deb")[2], "it is for the same suite"
    assert CONTROL.format(found) == (tmp_path / "DEBIAN/control").read_text()
    assert json.loads((dist / "release.json").read_text())["version"] == found


def test_an_app_without_code(tmp_path: Path) -> None:
    unpacked(tmp_path, {"wsgi": "web:app", "import-path": ["app"]})
    with pytest.raises(LookupError, match="app has no module that could be broken"):
        spoil(tmp_path)
