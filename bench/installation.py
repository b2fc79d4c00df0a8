"""Debonair as its user has it: installed the ordinary way, with Debian's own Python.

An editable install, as the checkout's .venv has one, finds every import by way of a hook.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = Path("/usr/bin/python3")
"""What dh-virtualenv runs on, and pipx."""
VENV = ROOT / "dist/bench-venv"
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "src", "packaging", "systemd", "nginx-sites")
"""What Debonair's own wheel is made of."""


def install() -> Path:
    """Install Debonair, and what it is locked to, into a venv of its own; return its command.

    What is there already is left alone: the packages as long as the lock is the same, Debonair as long as
    its sources are. Ends this program if something fails, with what was said.
    """
    lock = ROOT / "requirements.txt"
    interpreter = VENV / "bin/python3"
    locked = _digest([lock])
    if not _is(VENV / "lock", locked) or not interpreter.exists():
        print(f"bench: making {VENV.relative_to(ROOT)} with {PYTHON} and the locked packages", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        _run([PYTHON, "-m", "venv", "--without-pip", VENV])
        _pip("install", "--require-hashes", "-r", lock)
        (VENV / "lock").write_text(locked)
    made = _digest(path for name in _SOURCES for path in _files(ROOT / name))
    if not _is(VENV / "made", made):
        print(f"bench: installing Debonair there: pip install --no-deps, {lock.name} being met", flush=True)
        (VENV / "made").unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="debonair-bench-") as scratch:
            _pip("install", "--no-deps", "--no-index", "--force-reinstall", _wheel(Path(scratch)))
        (VENV / "made").write_text(made)
    return VENV / "bin/debonair"


def _wheel(scratch: Path) -> Path:
    """Make Debonair's wheel of a copy of its sources, as setuptools leaves a folder ``build`` there."""
    copy = scratch / "debonair"
    for name in _SOURCES:
        for path in _files(ROOT / name):
            place = copy / path.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    _run([*pip, "-w", scratch, copy])
    return next(scratch.glob("*.whl"))


def _files(path: Path) -> list[Path]:
    """Return ``path``, or all files below it that are not what a run or a build left there."""
    if path.is_file():
        return [path]
    left = ("__pycache__", ".egg-info")
    return sorted(
        found
        for found in path.rglob("*")
        if found.is_file() and not any(part.endswith(left) for part in found.parts)
    )


def _digest(paths: Iterable[Path]) -> str:
    """Return a hash of the interpreter, and of the names and bytes of ``paths``."""
    total = hashlib.sha256(str(PYTHON.resolve()).encode())
    for path in paths:
        data = path.read_bytes()
        total.update(f"{path.relative_to(ROOT)} {len(data)}\n".encode() + data)
    return total.hexdigest()


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _pip(verb: str, *words: str | Path) -> None:
    """Run the checkout's pip on the venv, which has none, as pipx does; it compiles the bytecode."""
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "--python", VENV / "bin/python3", verb, "-q", "--compile", *words])


def _run(argv: Sequence[str | Path]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(map(str, argv))} failed:\n{done.stdout}{done.stderr}")
