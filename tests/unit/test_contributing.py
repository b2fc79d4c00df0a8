"""CONTRIBUTING says where things are: its paths exist, and a thing that is added there is there."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

import debonair
from debonair import target
from debonair.cli.main import main
from debonair.errors import RepositoryError
from debonair.init.discovery import identity
from debonair.init.discovery.callables import Callables
from debonair.init.discovery.code import modules
from debonair.init.imports import heroku
from debonair.project import Project, catalogue, settings
from debonair.repository.storage import locate
from debonair.target import board
from debonair.target import model as targets

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
ASKED = {"a suite", "a board", "a framework for `init`", "a storage", "a verb", "a setting"}


def rows(heading: str) -> dict[str, list[str]]:
    """Return the table below ``heading``: what is in backquotes in the second column, by the first."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {first.strip(): re.findall(r"`([^`]+)`", second) for first, second in cells}


ANSWERS = rows("Where would I add ...")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the data files, which targets, boards and frameworks are read from."""
    shutil.copytree(ROOT / "packaging", tmp_path / "packaging", ignore=shutil.ignore_patterns("dev"))
    for module in (targets, board, catalogue):
        monkeypatch.setattr(module, "resource", lambda path: tmp_path / path)
    catalogue.known.cache_clear()
    yield tmp_path
    catalogue.known.cache_clear()


def place(what: str, name: str = "") -> str:
    """Return the answer for ``what``, the one that ends with ``name`` of several; it must exist."""
    (found,) = [path for path in ANSWERS[what] if path.endswith(name) and "/" in path]
    return found


def test_every_question_has_an_answer() -> None:
    assert set(ANSWERS) == ASKED


@pytest.mark.parametrize("path", sorted({path for paths in ANSWERS.values() for path in paths}))
def test_each_answer_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_table_of_rooms_is_that_of_the_folder() -> None:
    listed = re.findall(
        r"`([a-z]+(?:/|\.py))`", "".join(re.findall(r"^\| (`.*?) \|", rooms(), re.MULTILINE))
    )
    there = [f"{path.name}/" for path in Path(debonair.__file__).parent.iterdir() if path.is_dir()]
    there += [path.name for path in Path(debonair.__file__).parent.glob("[a-z]*.py")]
    assert sorted(listed) == sorted(set(there) - {"__pycache__/", "data/"})


def rooms() -> str:
    return TEXT.partition("## The rooms of")[2].partition("\n## ")[0]


def test_it_fits_on_one_screen() -> None:
    assert len(rooms().splitlines()) < 40


def test_a_suite(data: Path) -> None:
    text = (data / "packaging/targets/trixie-arm64.toml").read_text()
    text = text.replace('suite = "trixie"', 'suite = "later"').replace("release = 13", "release = 99")
    (data / place("a suite") / "later-arm64.toml").write_text(text)
    assert "later-arm64" in target.names()
    assert target.suites()["later"].release == 99


def test_a_suite_is_proposed_for_its_python(data: Path) -> None:
    text = (data / "packaging/targets/trixie-arm64.toml").read_text()
    text = text.replace('suite = "trixie"', 'suite = "later"').replace("release = 13", "release = 99")
    text = text.replace('python = "3.13"', 'python = "3.99"')
    (data / place("a suite") / "later-arm64.toml").write_text(text)
    (found,) = identity.targets({"requires-python": ">=3.99"}, "setup.py")
    assert found.value == ["later-arm64", "later-amd64"]
    (data / "runtime.txt").write_text("python-3.99.1\n")
    assert heroku.runtime(data / "runtime.txt", data).settings == {
        "targets": ["later-arm64", "later-amd64"]
    }


def test_a_board(data: Path) -> None:
    with (data / place("a board")).open("a") as file:
        file.write('\n[99]\nmodel = "Raspberry Pi 99"\nbits-64 = "arm64"\n')
    assert board.find("Pi 99").model == "Raspberry Pi 99"


def test_a_framework(data: Path, tmp_path: Path) -> None:
    file = data / place("a framework for `init`", "discovery.toml")
    file.write_text(file.read_text().replace("[wsgi] ", '[wsgi]\n"later.App" = "Later" ', 1))
    assert tomllib.loads(file.read_text())["wsgi"]["later.App"] == "Later"
    root = tmp_path / "project"
    root.mkdir()
    (root / "app.py").write_text("import later\n\napp = later.App()\n")
    found = Callables(modules(root)[0]).candidates()
    assert [(each.entry, each.what) for each in found] == [("app:app", "Later")]


def test_a_storage() -> None:
    where = ROOT / place("a storage", "locate.py")
    assert Path(inspect.getfile(locate)) == where
    for address in ("folder", "host:folder"):
        made = locate.storage(address, {}, clock=lambda: 0)
        assert Path(inspect.getfile(type(made))).parent == ROOT / place("a storage", "storage/")
    with pytest.raises(RepositoryError, match=r"is not a place where a repository can be written\."):
        locate.storage("gopher://host/folder", {}, clock=lambda: 0)


def test_a_verb() -> None:
    folder, group = ROOT / place("a verb", "cli/"), ROOT / place("a verb", "main.py")
    names = {node.id for node in ast.walk(ast.parse(group.read_text())) if isinstance(node, ast.Name)}
    for verb in main.commands.values():
        assert verb.callback
        file = Path(inspect.getfile(inspect.unwrap(verb.callback)))
        assert folder in file.parents
        assert isinstance(verb, click.Group) or file == group or file.stem in names


def test_a_setting() -> None:
    default, kind, value = (
        ROOT / place("a setting", end) for end in ("defaults.toml", "settings.py", "model.py")
    )
    keys = set(tomllib.loads(default.read_text()))
    assert keys
    assert Path(inspect.getfile(settings.Settings)) == kind
    assert keys == {field.encode_name for field in msgspec.structs.fields(settings.Settings)}
    assert Path(inspect.getfile(Project)) == value


def test_each_value_of_the_concepts_is_where_the_page_says() -> None:
    page = (ROOT / "docs/explanation/concepts.md").read_text()
    rows = re.findall(r"^\| `(\w+)`.*? \| `(\S+)` \| `(\S+)` \|$", page, re.MULTILINE)
    assert len(rows) == 8
    for name, module, tests in rows:
        assert re.search(rf"^class {name}\b", (ROOT / module).read_text(), re.MULTILINE), name
        assert (ROOT / tests).is_file(), tests
