"""Debonair's own wheel: what ``pipx install`` gives."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as setuptools makes it of a copy of what git has."""
    folder = tmp_path_factory.mktemp("own")
    listed = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (CHECKOUT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "source" / name).write_bytes((CHECKOUT / name).read_bytes())
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(folder / "source")], check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_every_module_and_every_data_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = CHECKOUT / "src/debonair"
    modules = {f"debonair/{path.relative_to(source)}" for path in source.rglob("*.py")}
    data = {
        f"debonair/data/{path.relative_to(CHECKOUT)}"
        for folder in ("systemd", "nginx-sites", "packaging")
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "debhelper", "dev"} & {*path.relative_to(CHECKOUT).parts}
    }
    assert found == {*modules, *data, "debonair/py.typed"}


def test_the_wheel_builds_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "app.py").write_text("def app(environ, start_response): ...\n")
    (tmp_path / "debonair.toml").write_text(
        'package = "tiny"\nversion = "1"\nwsgi = "app:app"\ndescription = "Tiny"\n'
        'maintainer = "A Name <a@example.org>"\ninclude = ["app.py"]\n'
    )
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import debonair.cli.main;"
        f"assert debonair.__file__.startswith({str(tmp_path)!r}); debonair.cli.main.main()"
    )
    words = [sys.executable, "-c", program, "build", str(tmp_path), "--target", "trixie-arm64"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, (tmp_path / "dist/tiny_1-1+deb13_arm64.deb").exists()) == (0, True), (
        done.stderr
    )
