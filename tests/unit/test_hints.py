"""Whatever Debonair tells people to install can be installed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from debonair.errors import MachineError
from debonair.host import run

ROOT = Path(__file__).parents[2]
VERIFIED = frozenset(
    line
    for line in (ROOT / "tests/support/debian-packages.txt").read_text().splitlines()
    if not line.startswith("#")
)
_DOORS = ("run", "start", "piped", "attend", "find", "runner")
_TOLD = re.compile(r"apt(?:-get)? install((?: +-[\w-]+)*(?: +[\w{}./~*+=:-]+)+)")
_MADE = re.compile(r"[{.*/]|^-")
"""What is a file, an option, or a name that is filled in, of which run.PACKAGES has all."""
_OURS = ("hello-pi", "my-app", *["and", "upgrade", "from"])
"""What is published in the documentation; and a sentence of the bootstrap deb's."""


def programs() -> Iterator[tuple[str, Path]]:
    """Yield the programs that are called by their name, as the code stands there."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if isinstance(first, ast.List) and first.elts:
                first = first.elts[0]
            elif name != "find":
                continue
            program = first.value if isinstance(first, ast.Constant) else None
            if name in _DOORS and isinstance(program, str) and re.fullmatch(r"[a-z][\w-]+", program):
                yield program, path


def told() -> Iterator[tuple[str, Path]]:
    """Yield the packages that a text tells people to install."""
    for folder in ("src", "packaging", "docs", "README.md", "README.zh.md", "CONTRIBUTING.md"):
        top = ROOT / folder
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.suffix not in (".py", ".md", ".in", ".sh", ".toml", "") or not path.is_file():
                continue
            for found in _TOLD.finditer(path.read_text(encoding="utf-8", errors="replace")):
                for word in found[1].split():
                    name = word.rstrip(".:")
                    if re.fullmatch(r"[a-z][a-z0-9+.-]+", name) and not _MADE.search(name):
                        yield name, path
                    elif word != name:
                        break


@pytest.mark.parametrize(
    ("program", "path"), sorted(set(programs())), ids=lambda value: getattr(value, "stem", value)
)
def test_a_program_has_its_package(program: str, path: Path) -> None:
    if program in ("python3", "uv"):  # what Debonair runs in; and it has a hint of its own
        return
    assert run.PACKAGES.get(program) in VERIFIED, f"{path} calls {program}"


def test_programs_are_found_in_the_code() -> None:
    assert {"apt-get", "dpkg-deb", "git"} <= {program for program, _ in programs()}


@pytest.mark.parametrize("package", sorted(set(run.PACKAGES.values())))
def test_a_package_of_a_program_exists(package: str) -> None:
    assert package in VERIFIED


def test_what_a_text_names_exists() -> None:
    unknown = {(name, path) for name, path in told() if name not in {*VERIFIED, *_OURS}}
    assert unknown == set()
    assert "debian-archive-keyring" in {name for name, _ in told()}


def test_of_a_program_without_a_package_nobody_is_sent_to_one() -> None:
    with pytest.raises(MachineError, match="no-such-program") as caught:
        run.find("no-such-program")
    assert "apt" not in caught.value.hint
