"""A project that wants whoever packages it to see a traceback, and nothing of what is wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cloned import APP, Victim

BASE = """\
package = "app"
version = "1"
wsgi = "app:app"
description = "x"
maintainer = "A <a@example.org>"
"""


@pytest.mark.parametrize(
    "name",
    ["app.py", "wsgi.py", "setup.cfg", "README.md", "requirements.txt", "pyproject.toml", "uwsgi.ini"],
)
def test_by_a_file_that_may_not_be_read(name: str, victim: Victim) -> None:
    victim.put({name: "x", "main.py": APP})
    (victim.root / name).chmod(0)
    victim.init(reads_all=False)


@pytest.mark.parametrize("name", ["deploy", "static", "src", "migrations", "app", "debian", "venv"])
def test_by_a_folder_that_may_not_be_entered(name: str, victim: Victim) -> None:
    victim.put({f"{name}/__init__.py": APP, f"{name}/site.nginx": "server { }"})
    (victim.root / name).chmod(0o600)
    victim.init(reads_all=False)
    (victim.root / name).chmod(0)
    victim.init(reads_all=False)


@pytest.mark.parametrize(
    "name", ["debonair.toml", "pyproject.toml", "requirements.txt", "app.py", "deploy", "src"]
)
def test_by_a_link_to_itself(name: str, victim: Victim) -> None:
    (victim.root / name).unlink(missing_ok=True)
    (victim.root / name).symlink_to(name)
    victim.init()


@pytest.mark.parametrize("name", ["debonair.toml", "requirements.txt", "pyproject.toml", "setup.py"])
def test_by_a_folder_of_the_name_of_a_file(name: str, victim: Victim) -> None:
    (victim.root / name).unlink(missing_ok=True)
    (victim.root / name / "x").mkdir(parents=True)
    victim.init()


@pytest.mark.parametrize(
    "line",
    [
        'include = ["a\\\\"]', 'exclude = ["a\\\\"]', 'include = ["!"]', '[nginx]\nlisten = [""]',
        'collect = "a\\u0000b"',
    ],
)  # fmt: skip
def test_by_a_setting_of_a_build(line: str, victim: Victim) -> None:
    victim.put({"debonair.toml": f"{BASE}{line}\n", "requirements.txt": ""})
    assert victim.debonair("plan", "--target", "trixie-amd64").status == 3


def test_by_folders_in_folders(victim: Victim) -> None:
    """Whatever walks them by calls to itself comes to the end of Python's stack."""
    here = os.open(victim.root, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    victim.init()
    program = (
        "import sys; from pathlib import Path; from debonair import errors\n"
        "from debonair import project\n"
        "from debonair.tree import app_files\n"
        "try: print(len(app_files.collect(project.load(Path(sys.argv[1])))))\n"
        "except errors.Error as error: print(error.message)\n"
    )
    output = victim.python(program)
    # pytest, which removes the folders of earlier runs, walks them by calls to itself too
    subprocess.run(["rm", "-r", victim.root / "d"], check=True)
    assert "cannot be read: File name too long" in output


@pytest.mark.parametrize(
    "line",
    [
        'static = {"/x/" = "a\\u0000b"}', f'static = {{"/x/" = "{"a" * 5000}"}}',
        f'wsgi = "{"a" * 5000}:app"',
        'wsgi = "a\\u0000:app"', 'description = "a\\u001b"', 'maintainer = "A\\r <a@example.org>"',
        'uwsgi = {harakiri = "\\u00b2"}', f"uwsgi = {{harakiri = {'9' * 5000}}}", f"uwsgi = {'[' * 2000}",
        f"uwsgi.{'.'.join('a' * 3000)} = 1",
        'nginx = {server-name = "a\\\\"}', 'service = {memory-max = "1\\\\"}',
        'nginx = {client-max-body-size = "\\u0663m"}',
    ],
)  # fmt: skip
def test_by_a_setting(line: str, victim: Victim) -> None:
    head = {
        "package": "app",
        "version": "1",
        "description": "x",
        "maintainer": "A <a@example.org>",
        "wsgi": "app:app",
    }
    rows = [f'{key} = "{value}"' for key, value in head.items() if not line.startswith(key)]
    victim.put({"debonair.toml": "\n".join([*rows, line, ""])})
    victim.python(
        "import sys; from pathlib import Path; from debonair import errors\n"
        "from debonair import project\n"
        "from debonair import target\n"
        "from debonair.tree import control_file\n"
        "from debonair.tree.service import render\n"
        "meant = target.load('trixie-amd64')\n"
        "try:\n"
        "    found = project.load(Path(sys.argv[1]))\n"
        "    control_file.control(found, meant, [], version='1').text(installed_size=1)\n"
        "    render.members(found, '1')\n"
        "except errors.Error as error: print(error.message)\n"
    )


def test_by_the_name_of_its_folder(tmp_path: Path) -> None:
    for name in (b"a\nb = 'c'", b"\xff\xfe", b"-", b"a" * 200, b"\x1b[2J"):
        root = tmp_path / os.fsdecode(name)
        root.mkdir()
        found = Victim(root, tmp_path)
        found.put({"app.py": APP, "requirements.txt": "flask\n"})
        assert found.init().status == 0
