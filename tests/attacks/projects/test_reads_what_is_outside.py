"""A project that wants to have a file of its author's in the settings, in the package, or on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cloned import Victim

Secret = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("uwsgi.ini", "[uwsgi]\nini = {}\n"),
        ("uwsgi.ini", "[uwsgi]\ninclude = {}\n"),
        ("uwsgi.ini", "[uwsgi]\nset = there={}\nini = %(there)\n"),
        ("uwsgi.yaml", "uwsgi:\n  ini: {}\n"),
        ("uwsgi.json", '{{"uwsgi": {{"ini": "{}"}}}}\n'),
        ("uwsgi.xml", "<uwsgi><ini>{}</ini></uwsgi>\n"),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_through_an_include_of_uwsgi(
    name: str, form: str, victim: Victim, secret: Secret, *, relative: bool
) -> None:
    path = secret("other.ini", "[uwsgi]\nprocname-prefix = stolen\n")
    victim.put({name: form.format("../outside/other.ini" if relative else path)})
    held = victim.init()
    assert "stolen" not in held.output + held.written


@pytest.mark.parametrize("option", ["-r", "-c"])
@pytest.mark.parametrize("place", ["../outside/list.txt", "{}", "more/../../outside/list.txt"])
def test_through_an_include_of_requirements(
    option: str, place: str, victim: Victim, secret: Secret
) -> None:
    path = secret("list.txt", "stolen\n")
    victim.put({"requirements.txt": f"{option} {place.format(path)}\n", "more/x": ""})
    held = victim.init()
    assert "stolen" not in held.output + held.written


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "stolen\n"),
        ("README.md", "stolen words\n"),
        ("Procfile", "web: gunicorn app:app\nstolen: python x.py\n"),
        ("Dockerfile", "FROM x\nENV KEPT=stolen\n"),
        ("runtime.txt", "python-3.11 stolen\n"),
        ("app.json", '{"description": "stolen"}'),
        ("uwsgi.ini", "[uwsgi]\nprocname-prefix = stolen\n"),
        ("deploy/site", "server {\n    server_name stolen.example;\n    location / { uwsgi_pass x; }\n}\n"),
        ("setup.cfg", "[metadata]\nname = stolen\nversion = 1\n"),
        ("setup.py", "setup(name='stolen', version='1')\n"),
        ("Pipfile", '[packages]\nstolen = "*"\n'),
        ("pyproject.toml", '[project]\nname = "stolen"\nversion = "1"\n'),
        ("debonair.toml", 'description = "stolen"\n'),
        ("wsgi.py", "from flask import Flask\nstolen = Flask(__name__)\n"),
    ],
)
def test_through_a_link(name: str, text: str, victim: Victim, secret: Secret) -> None:
    path = victim.root / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if name == "Pipfile":
        (victim.root / "requirements.txt").unlink()
    path.symlink_to(secret("file", text))
    held = victim.init()
    assert "stolen" not in held.output


def test_through_a_linked_folder(victim: Victim, secret: Secret) -> None:
    secret("x.nginx", "server {\n    server_name stolen.example;\n    location / { uwsgi_pass x; }\n}\n")
    (victim.root / "deploy").symlink_to(victim.outside)
    held = victim.init()
    assert "stolen" not in held.output + held.written


@pytest.mark.parametrize("version", ["file: {}", "file: ../outside/stolen.py", "attr: {}.x"])
def test_through_the_version_of_setup_cfg(version: str, victim: Victim, secret: Secret) -> None:
    path = secret("stolen.py", "7.8.9+stolen\nx = '7.8.9+stolen'\n__version__ = '7.8.9+stolen'\n")
    place = str(path).removesuffix(".py") if "attr" in version else str(path)
    victim.put({"setup.cfg": f"[metadata]\nname = app\nversion = {version.format(place)}\n"})
    held = victim.init()
    assert "+stolen" not in held.output + held.written


def test_through_the_name_of_setup_py(victim: Victim, secret: Secret) -> None:
    secret("__init__.py", "__version__ = '7.8.9+stolen'\n")
    victim.put({"setup.py": "from setuptools import setup\nsetup(name='../outside')\n"})
    held = victim.init()
    assert "+stolen" not in held.output + held.written


def test_through_the_requirements_of_setup_cfg(victim: Victim, secret: Secret) -> None:
    path = secret("list.txt", "stolen\n")
    (victim.root / "requirements.txt").unlink()
    victim.put({"setup.cfg": f"[metadata]\nname = app\n[options]\ninstall_requires = file: {path}\n"})
    held = victim.init()
    assert "stolen" not in held.output + held.written


@pytest.mark.parametrize(
    "what", ["version = {attr = '/outside/x.v'}", "dependencies = {file = '../outside/x.py'}"]
)
def test_through_what_setuptools_reads(what: str, victim: Victim, secret: Secret) -> None:
    path = secret("x.py", "stolen\nv = '7+stolen'\n")
    key = what.partition(" ")[0]
    victim.put({
        "pyproject.toml": f'[project]\nname = "app"\ndynamic = ["{key}"]\n[tool.setuptools.dynamic]\n'
        + what.replace("/outside/x", str(path.with_suffix("")), 1 if "attr" in what else 0)
    })  # fmt: skip
    held = victim.init()
    assert "stolen" not in held.output + held.written.replace("../outside/x.py", "")


@pytest.mark.parametrize(
    ("name", "pyproject"),
    [
        ("LICENSE", None),
        ("debian/copyright", None),
        ("debian/tool.1", None),
        ("README", '[project]\nname = "app"\nversion = "1"\nlicense = {{file = "{}"}}\n'),
        ("README", '[project]\nname = "app"\nversion = "1"\nlicense-files = ["../outside/file"]\n'),
    ],
)
def test_into_the_package(name: str, pyproject: str | None, victim: Victim, secret: Secret) -> None:
    path = secret("file", "stolen\n")
    victim.put({"debonair.toml": 'package = "app"\nversion = "1"\nwsgi = "app:app"\ndescription = "x"\n'
                'maintainer = "A <a@example.org>"\n'})  # fmt: skip
    if pyproject:
        victim.put({"pyproject.toml": pyproject.format(path)})
    else:
        (victim.root / name).parent.mkdir(exist_ok=True)
        (victim.root / name).symlink_to(path)
    assert "stolen" not in victim.load()


def test_writes_where_a_link_leads(victim: Victim) -> None:
    """Settings have words of the project's in them, and a link that leads nowhere yet names any file."""
    (victim.root / "debonair.toml").symlink_to(victim.outside / "authorized_keys")
    victim.init()
    assert not any(victim.outside.iterdir())


def test_into_its_own_wheel(victim: Victim, secret: Secret) -> None:
    """A backend puts what it is given into the wheel, and the wheel goes into the deb."""
    link = victim.root / "guestbook.txt"
    link.symlink_to(secret("id_ed25519", "PRIVATE"))
    output = victim.python(
        "import sys; from pathlib import Path; from debonair import errors\n"
        "from debonair.wheels import project_wheel\n"
        "try: print(list(project_wheel._copy(Path(sys.argv[1]), 0)))\n"
        "except errors.Error as error: print(error.message)\n"
    )
    assert "PRIVATE" not in output
    assert "leads out of the project" in output
