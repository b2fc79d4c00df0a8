from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from wheelmaker import make_wheel

from debonair import project as projects
from debonair.errors import Error, ProjectError, WheelError
from debonair.project import Project
from debonair.wheels import Wheel, metadata

CODE = {
    "diary/__init__.py": b"",
    "diary/run.py": b"from flask import Flask\napplication = Flask(__name__)\ndef create_app(): ...\n",
}
SAYS = """\
Summary: A diary
  of every day
Author: Ada Lovelace
Author-email: ada@example.org
License-Expression: MIT
License-File: LICENSE
Project-URL: Source, https://example.org/source
Requires-Python: >=3.9
"""
COMMANDS = {"console_scripts": {"diary": "diary.run:main [extra]"}, "gui_scripts": {"win": "diary:gui"}}


def project(root: Path, **settings: Any) -> Project:
    table = {"from-pypi": "Di.ary>=1", "maintainer": "Bo <bo@example.org>", **settings}
    return projects.of(root, root / "debonair.toml", {key.replace("_", "-"): table[key] for key in table})


def wheel(folder: Path, name: str = "Di.ary", files: Mapping[str, bytes] = CODE, **more: Any) -> Wheel:
    path = make_wheel(folder, name, "1.2", files, **more)
    return Wheel(name, "1.2", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path)


def described(root: Path, settings: Mapping[str, Any], **more: Any) -> Project:
    other = wheel(root, "flask", {"flask/__init__.py": b""})
    return metadata.described(project(root, **settings), [other, wheel(root, **more)])


def refused(root: Path, settings: Mapping[str, Any], **more: Any) -> Error:
    with pytest.raises(Error) as caught:
        described(root, settings, **more)
    return caught.value


def test_the_wheel_says_what_a_project_would(tmp_path: Path) -> None:
    found = described(
        tmp_path,
        {"wsgi": "diary.run:application"},
        says=SAYS,
        entry_points=COMMANDS,
        extra={"Di_ary-1.2.dist-info/licenses/LICENSE": b"Copyright (c) 2020 Ada\n"},
    )
    assert (found.package, found.name, found.version, found.install) == ("di-ary", "di-ary", "1.2", "index")
    assert (found.description, found.long_description) == ("A diary of every day", "A diary of every day")
    assert (found.maintainer, found.author) == ("Bo <bo@example.org>", "Ada Lovelace")
    assert (found.license, found.license_text) == ("MIT", "Copyright (c) 2020 Ada\n")
    assert found.homepage == "https://example.org/source"
    assert found.scripts == {"diary": "diary.run:main"}
    assert found.requirements == ("Di.ary>=1",)


def test_what_is_said_in_the_settings_counts(tmp_path: Path) -> None:
    (tmp_path / "requirements.in").write_text("gevent\n")
    (tmp_path / "src").mkdir()
    settings = {"wsgi": "diary.run:create_app()", "package": "my-diary", "description": "Mine"}
    found = described(tmp_path, {**settings, "static": {"/s/": "diary/static"}}, says=SAYS)
    assert (found.package, found.description, found.long_description) == ("my-diary", "Mine", "Mine")
    assert found.requirements == ("Di.ary>=1", "gevent")
    assert found.import_root == ""


def test_a_wheel_that_says_little(tmp_path: Path) -> None:
    found = described(
        tmp_path,
        {},
        says="Summary: UNKNOWN\nHome-page: UNKNOWN\nAuthor: UNKNOWN\nAuthor-email: Ada <ada@example.org>\n"
        "License: BSD\nClassifier: License :: OSI Approved :: BSD License\nClassifier: License :: x\n",
        entry_points=COMMANDS,
    )
    assert found.description == "Python application di-ary"
    assert (found.author, found.homepage) == ("Ada <ada@example.org>", "")
    expected = "The wheel does not include its licence, but names it: BSD, BSD License."
    assert found.license_text == expected
    bare = described(tmp_path, {}, entry_points=COMMANDS)
    assert (bare.author, bare.license, bare.license_text) == ("", "", "")


@pytest.mark.parametrize(
    ("says", "text"),
    [("License: " + "word " * 20 + "\n", "word " * 19 + "word"), ("License: MIT\n", "old text")],
)
def test_where_older_wheels_have_the_text_of_their_licence(tmp_path: Path, says: str, text: str) -> None:
    extra = {"Di_ary-1.2.dist-info/LICENSE.txt": b"old text"} if "MIT" in says else {}
    found = described(tmp_path, {}, says=says, extra=extra, entry_points=COMMANDS)
    assert found.license_text.strip() == text


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        (
            "diary.runn:application",
            "'diary.runn:application', but di-ary 1.2 has no module 'diary.runn'",
            "",
        ),
        ("dairy.run:application", "but di-ary 1.2 has no module 'dairy.run'", ""),
        ("diary.run:aplication", "'wsgi' names 'aplication', but run.py does not define it.", ""),
        (
            "zzz:zzz",
            "has no module 'zzz'",
            "like WSGI callables: diary.run:application, diary.run:create_app().",
        ),
    ],
)
def test_a_name_that_is_not_in_it(tmp_path: Path, entry: str, message: str, hint: str) -> None:
    wrong = refused(tmp_path, {"wsgi": entry})
    assert message in wrong.message
    assert (hint or "Did you mean 'diary.run:application'?") in wrong.hint


def test_a_name_may_be_in_another_wheel(tmp_path: Path) -> None:
    assert described(tmp_path, {"wsgi": "flask.helpers:anything"}).wsgi == "flask.helpers:anything"


def test_a_module_that_this_python_cannot_read_is_left_to_its_own(tmp_path: Path) -> None:
    assert described(tmp_path, {"wsgi": "later:app"}, files={"later.py": b"soon(: syntax"}).version == "1.2"


def test_nothing_to_serve_and_no_command(tmp_path: Path) -> None:
    wrong = refused(tmp_path, {})
    assert isinstance(wrong, ProjectError)
    assert "di-ary 1.2 has no command" in wrong.message
    assert "diary.run:application" in wrong.hint
    assert "module:callable" in refused(tmp_path, {}, files={"diary.py": b""}).hint
    many = {f"m{number}.py": b"app = 1" for number in range(7)}
    assert refused(tmp_path, {}, files=many).hint.endswith("m4:app and 2 more.")


def test_a_wheel_that_is_none(tmp_path: Path) -> None:
    found = wheel(tmp_path)
    found.path.write_bytes(b"no zip")
    with pytest.raises(WheelError, match=r"Di_ary-1\.2-py3-none-any\.whl is not a valid wheel"):
        metadata.described(project(tmp_path), [found])


def test_the_time_is_that_of_the_newest_file_in_the_wheel(tmp_path: Path) -> None:
    assert metadata.times(project(tmp_path), [wheel(tmp_path)]) == [1580608922]  # 2020-02-02


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"from_pypi": "a @ https://example.org/a.whl"},
            "which is not the name of a package on the index.",
        ),
        ({"from_pypi": "./a.whl"}, "which is not the name of a package on the index."),
        ({"from_pypi": "a; python_version < '3'"}, "which is not the name of a package on the index."),
        ({"version": "1.0"}, "'version' is '1.0', but 'from-pypi' determines it."),
        ({"install": "files"}, "'install' is 'files', but 'from-pypi' determines it."),
        ({"wsgi": "diary"}, "which is not the name of a WSGI callable."),
        ({"package": "X"}, "is not a valid name of a Debian package."),
        ({"maintainer": ""}, "'maintainer' is missing."),
    ],
)
def test_settings_that_contradict(tmp_path: Path, settings: Mapping[str, str], message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        project(tmp_path, **settings)
    assert message in caught.value.message
    assert caught.value.message.startswith("debonair.toml")


def test_another_project_beside_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    (tmp_path / "debonair.toml").write_text('from-pypi = "diary"\n')
    with pytest.raises(ProjectError, match=r"but pyproject\.toml is of another project\."):
        projects.load(tmp_path)


def test_what_can_be_served_is_named(tmp_path: Path) -> None:
    assert metadata.candidates(wheel(tmp_path)).startswith(
        "These names look like WSGI callables: diary.run:app"
    )
    assert metadata.candidates(wheel(tmp_path, files={"a.py": b""})) == ""


def test_nothing_else_of_the_project_changes(tmp_path: Path) -> None:
    before = project(tmp_path, wsgi="diary.run:application", health="/up")
    after = metadata.described(before, [wheel(tmp_path, says=SAYS)])
    changed = {
        field.name
        for field in dataclasses.fields(Project)
        if getattr(before, field.name) != getattr(after, field.name)
    }
    decided = {"version", "description", "long_description", "author", "homepage", "license"}
    assert changed == decided
