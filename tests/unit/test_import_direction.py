"""The rooms of Debonair import in one direction and in no circle, and no module is long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import debonair

ROOT = Path(debonair.__file__).parent
BASE = frozenset({"errors", "resources", "template"})
ORDER = ("host", "deb", "target", "debian", "project", "lock", "wheels", "tree", "build")
LAST = frozenset({"source", "init", "trial", "doctor"})
"""They may import every room of the order, and not each other."""
MOST_LINES = 350
BESIDE = BASE | {"host", "deb"}
"""What ``repository`` imports; only the command line imports ``repository``."""


def allowed() -> dict[str, frozenset[str]]:
    """Return what each room may import besides itself."""
    rooms = {name: frozenset[str]() if name == "errors" else BASE for name in BASE}
    rooms |= {name: BASE | {*ORDER[:place]} for place, name in enumerate(ORDER)}
    rooms |= {name: BASE | {*ORDER} for name in LAST}
    rooms["repository"] = BESIDE
    rooms["cli"] = BASE | {*ORDER} | LAST | {"repository"}
    rooms |= {"__main__": frozenset({"cli", "host"}), "": frozenset()}
    return rooms


@cache
def modules() -> dict[str, Path]:
    """Return the files of Debonair by module, such as ``lock.uv``; a room is its ``__init__``."""
    found = dict[str, Path]()
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: str) -> Iterator[str]:
    """Yield the modules of Debonair that are imported anywhere: at the top, in functions, for types."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [
                name if name.removeprefix("debonair.") in modules() else str(node.module) for name in whole
            ]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == "debonair":
                yield name.removeprefix("debonair").removeprefix(".")


def violations(module: str, source: str) -> list[str]:
    """Return what ``module`` imports against the direction."""
    room = module.partition(".")[0]
    may = allowed()[room] | {room, ""}
    return [f"{module} imports {name}" for name in imports(source) if name.partition(".")[0] not in may]


def test_every_room_is_known() -> None:
    assert {name.partition(".")[0] for name in modules()} == {*allowed()}


def test_nothing_is_imported_from_the_right() -> None:
    assert [found for name, path in modules().items() for found in violations(name, path.read_text())] == []


def test_no_module_is_long() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_circle() -> None:
    graph = {name: {*imports(path.read_text())} - {name, ""} for name, path in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(circle.args[1]))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("host.run", "from debonair.deb import tree\n"),
        ("lock.uv", "def f():\n    from debonair.wheels import pure\n"),
        ("project.load", "if TYPE_CHECKING:\n    from debonair.lock import Lock\n"),
        ("trial.advice", "from debonair.init.discovery import code\n"),
        ("repository.publish", "import debonair.target.model\n"),
        ("tree.plan", "from debonair.build import plan\n"),
        ("errors", "from debonair import resources\n"),
    ],
)
def test_the_judge_sees_it(module: str, source: str) -> None:
    assert len(violations(module, source)) == 1
