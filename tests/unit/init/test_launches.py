"""Apps whose frameworks start servers: the script that is chosen, and the file that runs it on the Pi."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from drafts import draft, make

from debonair.init import model, report
from debonair.project.catalogue import known

STREAMLIT = "import streamlit as st\n\nst.title('Greenhouse')\n"
PROJECTS: Mapping[str, tuple[str, str]] = {
    "streamlit": ("app.py", STREAMLIT),
}
"""For each launch, a script as the quick start of its framework has it."""


def test_each_launch_has_a_project_here() -> None:
    assert set(PROJECTS) == set(known().launches)


@pytest.mark.parametrize("kind", PROJECTS)
def test_a_quick_start(kind: str, golden: Callable[[str, str], None], tmp_path: Path) -> None:
    name, text = PROJECTS[kind]
    found = draft(make(tmp_path, {name: text, "requirements.txt": f"{kind}\n"}))
    model.write(found)
    (file,) = found.files
    assert (tmp_path / file.name).read_text() == file.text
    golden(f"launch/{kind}.py", file.text)
    ast.parse(file.text)
    settings = tomllib.loads(found.text)
    if known().launches[kind].wsgi:
        assert settings["wsgi"] == "debonair_wsgi:application"
        assert "server" not in settings
    else:
        assert settings["server"] == "command"
        assert settings["command"] == "python debonair_socket.py"
    assert f"Written to {file.name}:" in report.text(found)


def test_the_same_again_changes_no_file(tmp_path: Path) -> None:
    root = make(tmp_path, {"app.py": STREAMLIT, "debonair_socket.py": "import streamlit\n# mine\n"})
    found = draft(root)
    assert tomllib.loads(found.text)["command"] == "python debonair_socket.py"
    assert not found.files
    assert "debonair_socket.py exists already, and was not changed." in found.notes


def served(files: Mapping[str, str], root: Path) -> str:
    """Return the script that is served of the project ``files``."""
    return str(draft(make(root, files)).findings[0].value)


@pytest.mark.parametrize(
    ("names", "script"),
    [
        (["a.py", "streamlit_app.py"], "streamlit_app.py"),
        (["pages/app.py", "Home.py"], "Home.py"),
        (["my-dashboard.py"], "my-dashboard.py"),
        (["deep/app.py", "shown.py"], "shown.py"),
    ],
)
def test_the_usual_script_of_several(names: list[str], script: str, tmp_path: Path) -> None:
    assert served(dict.fromkeys(names, STREAMLIT), tmp_path) == script


def test_a_module_that_the_script_imports_is_not_the_script(tmp_path: Path) -> None:
    files = {"app.py": STREAMLIT, "show.py": f"import app\n{STREAMLIT}"}
    assert served(files, tmp_path) == "show.py"


@pytest.mark.parametrize("name", ['a "b".py', "🏠_Home.py", "a\nraise SystemExit.py", "b\\n.py"])
def test_a_path_is_a_literal_in_the_code(name: str, tmp_path: Path) -> None:
    (file,) = draft(make(tmp_path, {name: STREAMLIT})).files
    calls = [node for node in ast.walk(ast.parse(file.text)) if isinstance(node, ast.Call)]
    (path,) = [ast.literal_eval(node.args[0]) for node in calls if ast.unparse(node.func) == "App"]
    assert path == name
    assert "\nraise" not in file.text
