"""A project of a few kilobytes that wants to be gigabytes, in the machine of who packages it."""

from __future__ import annotations

import os

import pytest
from cloned import Victim

_ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol" * 9}">' for n in range(9))


def _sparse(victim: Victim, name: str) -> None:
    """Make a file that takes no place, and has more bytes than there is memory."""
    victim.put({name: ""})
    os.truncate(victim.root / name, 6 << 30)


def test_by_entities(victim: Victim) -> None:
    victim.put({"uwsgi.xml": f"<!DOCTYPE uwsgi [{_ENTITIES}]><uwsgi><env>A=&e8;</env></uwsgi>"})
    assert "uwsgi.xml" in victim.init().output


def test_by_one_long_entity_many_times(victim: Victim) -> None:
    entity = f'<!ENTITY e "{"x" * 60_000}">'
    victim.put({"uwsgi.xml": f"<!DOCTYPE uwsgi [{entity}]><uwsgi><env>A={'&e;' * 60_000}</env></uwsgi>"})
    assert "uwsgi.xml" in victim.init().output


def test_by_aliases(victim: Victim) -> None:
    items = ", ".join("x" for _ in range(2000))
    options = "".join(f"  o{n}: *items\n" for n in range(1000))
    sections = "".join(f"s{n}: *options\n" for n in range(1000))
    text = f"a: {{x: &items [{items}]}}\nuwsgi: &options\n{options}{sections}"
    victim.put({"uwsgi.yaml": text})
    assert "uwsgi.yaml" in victim.init().output


@pytest.mark.parametrize("many", [20, 4000])
def test_by_placeholders(many: int, victim: Victim) -> None:
    lines = [f"set = p{n}={f'%(p{n + 1})' * many}" for n in range(5)]
    victim.put({"uwsgi.ini": "\n".join(["[uwsgi]", *lines, "set = p5=xxxxxxxxxxxx", "env = A=%(p0)", ""])})
    assert "uwsgi.ini" in victim.init().output


def test_by_many_placeholders(victim: Victim) -> None:
    lines = "".join(f"env = A{n}=%(long)\n" for n in range(20_000))
    victim.put({"uwsgi.ini": f"[uwsgi]\nset = long={'x' * 120_000}\n{lines}"})
    assert "uwsgi.ini" in victim.init().output


def test_by_requirements_that_include_each_other_twice(victim: Victim) -> None:
    files = {f"r{n}.txt": f"-r r{n + 1}.txt\n-r ./r{n + 1}.txt\n-c r{n + 1}.txt\n" for n in range(60)}
    victim.put({"requirements.txt": "-r r0.txt\n", **files, "r60.txt": "flask\n"})
    victim.init()


@pytest.mark.parametrize(
    "text",
    [
        "a = 'xxxxxxxx'\n" + "a = a + a\n" * 40 + "setup(name='a', version=a)\n",
        "a = ['xxxxxxxx']\n" + "a = [a, a]\n" * 40 + "setup(name='a', install_requires=a)\n",
        "a = ['xxxxxxxx']\n" + "a = a + a\n" * 40 + "setup(name='a', install_requires=a)\n",
        f"a = '{'x' * 60_000}'\nsetup(name='a', install_requires=[{'a,' * 60_000}])\n",
        "a = {'console_scripts': 'xxxxxxxx'}\n"
        + "a = {'console_scripts': [a, a]}\n" * 40
        + "setup(name='a', entry_points=a)\n",
    ],
)
def test_by_what_setup_py_adds_up(text: str, victim: Victim) -> None:
    victim.put({"setup.py": text})
    victim.init()


@pytest.mark.parametrize(
    "name",
    [
        "big.py", "wsgi.py", "manage.py", "setup.py", "setup.cfg", "README.md", "requirements.txt",
        "Pipfile", "pyproject.toml", "debonair.toml", "Procfile", "Dockerfile", "app.json", "runtime.txt",
        "uwsgi.ini", "uwsgi.yaml", "uwsgi.xml", "uwsgi.json", "nginx.conf", "deploy/disk",
        "deploy/some.ini",
    ],
)  # fmt: skip
def test_by_a_file_of_gigabytes(name: str, victim: Victim) -> None:
    _sparse(victim, name)
    victim.init()


LOCKS = ["pylock.toml", "uv.lock", "requirements.txt", "poetry.lock", "Pipfile.lock"]


@pytest.mark.parametrize("name", LOCKS)
def test_by_a_lock_of_gigabytes(name: str, victim: Victim) -> None:
    victim.init()
    _sparse(victim, name)
    assert f"{name} is larger than" in victim.lock()


@pytest.mark.parametrize("name", [name for name in LOCKS if name != "requirements.txt"])
def test_by_a_lock_of_lists_in_lists(name: str, victim: Victim) -> None:
    victim.put({"pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["flask"]\n'})
    victim.init()
    lists = "[" * 50_000
    victim.put({name: lists if name == "Pipfile.lock" else f"a = {lists}"})
    assert name in victim.lock()


@pytest.mark.parametrize("name", ["LICENSE", "debian/copyright", "debian/tool.1"])
def test_by_a_document_of_gigabytes(name: str, victim: Victim) -> None:
    victim.init()
    _sparse(victim, name)
    assert name in victim.load()


@pytest.mark.parametrize("name", ["app.py", "deploy/site", "uwsgi.ini", "README"])
def test_by_a_link_to_zeros(name: str, victim: Victim) -> None:
    path = victim.root / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")
    victim.init()
