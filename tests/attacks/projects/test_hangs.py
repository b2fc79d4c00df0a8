"""A project that wants ``debonair`` never to end: by what waits, goes round, or takes too long."""

from __future__ import annotations

import os

import pytest
from cloned import APP, Victim

_MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    "name",
    [
        "worker.py", "wsgi.py", "manage.py", "setup.py", "setup.cfg", "README.md", "requirements.txt",
        "Pipfile", "pyproject.toml", "debonair.toml", "Procfile", "Dockerfile", "uwsgi.ini", "nginx.conf",
        "deploy/site", "static/x",
    ],
)  # fmt: skip
def test_by_a_fifo(name: str, victim: Victim) -> None:
    path = victim.root / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    victim.init()


@pytest.mark.parametrize("name", [".git/HEAD", ".git/config", ".git"])
def test_by_a_fifo_that_git_reads(name: str, victim: Victim) -> None:
    """git waits as long as it is let."""
    path = victim.root / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert victim.init(seconds=60).status == 0


@pytest.mark.parametrize("name", [".git/HEAD", "uv.toml", "pylock.build-guestbook.toml"])
def test_by_a_fifo_that_a_build_reads(name: str, victim: Victim) -> None:
    victim.init()
    path = victim.root / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    victim.python(
        "import os, sys; from pathlib import Path\n"
        "from debonair import errors, wheels\n"
        "from debonair.host import clock\n"
        "from debonair.lock import build_tools, index_config\n"
        "root = Path(sys.argv[1])\n"
        "clock._SECONDS = 2\n"
        "def attempt(function, *words, **more):\n"
        "    try: print(function(*words, **more))\n"
        "    except errors.Error as error: print(error.message)\n"
        "attempt(clock.of, root, {})\n"
        "attempt(index_config.of, dict(os.environ), root)\n"
        "lock = build_tools.path(root, 'guestbook')\n"
        "attempt(build_tools.locked, lock, (), '3.13', {}, locks=root.parent, describe=wheels.describe)\n",
        seconds=60,
    )


@pytest.mark.parametrize("name", ["LICENSE", "debian/copyright", "debian/tool.1"])
def test_by_a_fifo_among_the_documents(name: str, victim: Victim) -> None:
    victim.init()
    (victim.root / "debian").mkdir()
    os.mkfifo(victim.root / name)
    victim.load()


@pytest.mark.parametrize(
    "files",
    [
        {"uwsgi.ini": "[uwsgi]\nini = uwsgi.ini\n"},
        {"uwsgi.ini": "[uwsgi]\nini = x/../uwsgi.ini\n", "x/y": ""},
        {"uwsgi.ini": "[uwsgi]\nini = :a\n[a]\nini = :b\n[b]\nini = :a\n"},
        {"uwsgi.ini": "[uwsgi]\nini = b.ini\n", "b.ini": "[uwsgi]\nini = x/../uwsgi.ini\n", "x/y": ""},
        {"uwsgi.ini": "[uwsgi]\nini = :s0\n" + "".join(f"[s{n}]\nini = :s{n + 1}\n" for n in range(5000))},
        {"uwsgi.ini": "[uwsgi]\nini = u0.ini\n"}
        | {f"u{n}.ini": f"[uwsgi]\nini = u{n + 1}.ini\n" for n in range(1500)},
        {"requirements.txt": "-r x/../requirements.txt\n", "x/y": ""},
        {"requirements.txt": "-r r0.txt\n"} | {f"r{n}.txt": f"-r r{n + 1}.txt\n" for n in range(1500)},
    ],
)  # fmt: skip
def test_by_files_that_include_each_other(files: dict[str, str], victim: Victim) -> None:
    victim.put(files)
    victim.init()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "[![](" * 40_000),
        ("README.md", "*" * 200_000 + " words"),
        ("README.md", "\n" * _MEGABYTE),
        ("deploy/site", "\n" * 200_000),
        ("deploy/site", "server\n" * 100_000),
        ("deploy/site", "server {\n" + "${ " * 100_000),
        (
            "deploy/site",
            f"server {{\nlocation ~ ^/({'a|' * 2000}a)/ {{ root /{'a/' * 1900}; }}\n}}\n",
        ),
        ("manage.py", "'DJANGO_SETTINGS_MODULE'," + " " * 500_000),
        ("dotted.py", f"import a{'.a' * 100_000}\n"),
        ("Procfile", f"web: gunicorn {' ' * 200_000}x app:app\n"),
        ("Procfile", f"web: gunicorn {'x ' * 200_000} app:app\n"),
        ("Dockerfile", f"CMD gunicorn {' ' * 200_000}x app:app\n"),
        ("Dockerfile", "ENV A=" + "x" * 200_000 + "\n"),
        ("Dockerfile", "RUN x \\\n" * 100_000),
        ("uwsgi.ini", f"[uwsgi]\nenv = A={'x' * 200_000}\n"),
        ("uwsgi.ini", f"[uwsgi]\nsocket = {'/' * 200_000}x\n"),
        ("uwsgi.ini", f"[uwsgi]\na{' ' * 200_000}b\n"),
        ("uwsgi.ini", "[uwsgi]\nattach-daemon = x\n" * 20_000),
        ("uwsgi.yaml", "[" * 100_000),
        ("uwsgi.yaml", "uwsgi:\n" + "  a: b\n" * 30_000),
        ("uwsgi.json", '{"uwsgi": {' + ",".join(f'"env": "A{n}=b"' for n in range(30_000)) + "}}"),
        ("uwsgi.xml", "<uwsgi><env>" + "a<b/>" * 100_000 + "</env></uwsgi>"),
        ("app.json", '{"env": {' + ",".join(f'"A{n}": "b"' for n in range(20_000)) + "}}"),
        ("requirements.txt", "a\\\n" * 100_000),
        ("requirements.txt", "a " * 200_000),
        ("chain.py", "\n".join(f"a{n} = a{n + 1}" for n in range(6000)) + "\na6000 = None\n"
         "from app import app as a6000\n"),
        ("many.py", "x = 1\n" * 150_000),
        ("many.py", "if x:\n  y = 1\n" * 40_000),
        ("needs.py", "import x\n" * 40_000),
    ],
)  # fmt: skip
def test_by_what_takes_too_long(name: str, text: str, victim: Victim) -> None:
    victim.put({name: text, "app.py": APP + "import chain, many, needs\n"})
    victim.init()


@pytest.mark.parametrize(
    "text", ["\n" * _MEGABYTE, "- " * 500_000, "copyright " * 100_000, "copyright\n" * 100_000]
)
def test_by_a_licence(text: str, victim: Victim) -> None:
    victim.init()
    victim.put({"LICENSE": text})
    victim.python(
        "import sys; from pathlib import Path; from debonair import project\n"
        "from debonair.tree import documents\n"
        "documents.copyright_text(project.load(Path(sys.argv[1])), epoch=0)\n"
    )
