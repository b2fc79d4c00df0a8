"""An author's machine with something to steal on it, and sdists that try.

What runs in them is a build backend of their own (PEP 517), so that nothing has to be fetched. What it sees
and does, it puts into the wheel that it makes; that is looked at afterwards, and the machine too.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import socket
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import debonair
from debonair.host.run import Completed, run

TOKEN = "pypi-AgEIcHlwaS5vcmc"
USER = 1234

_BACKEND = """\
import base64, glob, json, os, socket, subprocess, sys, zipfile

def attempt(function):
    try:
        return function()
    except BaseException as wrong:
        return repr(wrong)

def loot():
    found = {}
{attack}
    return found

FOUND = loot()
attempt(lambda: open({drop!r}, "a").write(json.dumps(FOUND)))

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.mkdir(os.path.join(folder, "purely-1.0.dist-info"))
    with open(os.path.join(folder, "purely-1.0.dist-info", "METADATA"), "w") as out:
        out.write("Metadata-Version: 2.1\\nName: purely\\nVersion: 1.0\\nSummary: "
            + base64.b64encode(json.dumps(FOUND).encode()).decode() + "\\n")
    return "purely-1.0.dist-info"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "purely-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        info = "purely-1.0.dist-info"
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: purely\\nVersion: 1.0\\n")
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        archive.writestr(info + "/RECORD", "")
        archive.writestr("loot.json", json.dumps(FOUND))
    return name
"""
_BUILD = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def sdist(folder: Path, attack: str, *, dynamic: bool = False) -> Path:
    """Write the sdist purely 1.0 whose backend runs ``attack``, lines that fill the dict ``found``.

    One that is ``dynamic`` says what it needs only when it is run.
    """
    body = "".join(f"    {line}\n" for line in attack.splitlines())
    backend = _BACKEND.replace("{attack}", body).replace("{drop!r}", repr(str(folder.parent / "drop")))
    project = "" if dynamic else '[project]\nname = "purely"\nversion = "1.0"\n'
    members = {
        "PKG-INFO": f"Metadata-Version: {'2.1' if dynamic else '2.2'}\nName: purely\nVersion: 1.0\n",
        "pyproject.toml": project + _BUILD,
        "backend.py": backend,
    }
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "purely-1.0.tar.gz", "w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"purely-1.0/{name}")
            member.size, member.mtime = len(text), 1_600_000_000
            archive.addfile(member, io.BytesIO(text.encode()))
    return folder / "purely-1.0.tar.gz"


@dataclass
class Author:
    """Who builds: root, or a user like any other; a home with a token, a project, a cache."""

    base: Path
    root: bool
    before: list[str] = field(default_factory=list)
    """The words of what becomes the author's command."""

    def __post_init__(self) -> None:
        self.home, self.project, self.cache = self.base / "home", self.base / "project", self.base / "cache"
        for folder in (self.home, self.project, self.cache, self.base / "empty"):
            folder.mkdir(parents=True)
        (self.home / ".netrc").write_text(f"machine upload.example login me password {TOKEN}\n")
        (self.home / ".bashrc").write_text("# mine\n")
        (self.project / "app.py").write_text("def app(environ, start):\n    return []\n")
        self.configure("")

    def configure(self, more: str, requirement: str = "purely") -> None:
        """Write the project's settings, which require ``requirement``."""
        (self.project / "pyproject.toml").write_text(
            '[project]\nname = "victim"\nversion = "1.0"\ndescription = "An app"\n'
            f'authors = [{{ name = "Ada", email = "ada@example.org" }}]\ndependencies = ["{requirement}"]\n'
            f'[tool.debonair]\nwsgi = "app:app"\ntargets = ["bookworm-amd64"]\n{more}'
        )

    def debonair(self, *words: str, **environ: str) -> Completed:
        """Run the command line as the author, whose index is a folder of the ``base``."""
        variables = {
            "DEBONAIR_CACHE": str(self.cache),
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONPATH": os.pathsep.join([
                str(Path(debonair.__file__).parents[1]), sysconfig.get_path("purelib"),
            ]),
            "SOURCE_DATE_EPOCH": "1700000000",
            "TWINE_PASSWORD": TOKEN,
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "UV_FIND_LINKS": str(self.base / "index"),
            "UV_DEFAULT_INDEX": (self.base / "empty").as_uri(),
            **environ,
        }  # fmt: skip
        started = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        return run(
            [*started, *self._python()[:-1], *self.before, self._python()[-1], "-m", "debonair", *words],
            cwd=self.project,
            check=False,
        )

    def _python(self) -> list[str]:
        """Return the words that start a Python as the author."""
        if self.root or os.getuid() != 0:
            return [sys.executable]
        shutil.chown(self.base, USER, USER)
        for path in self.base.rglob("*"):
            os.chown(path, USER, USER, follow_symlinks=False)
        # By env, as setpriv itself still has root's capabilities when it looks for what it starts.
        become = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "env"]
        # A Python in root's own home is nobody else's.
        reached = run([*become, sys.executable, "-c", ""], check=False).status == 0
        return [*become, sys.executable if reached else "/usr/bin/python3"]

    def loot(self) -> str:
        """Return what the backends found, as text: what they left, wheels and METADATA that are kept."""
        drop = self.base / "drop"
        found = [drop.read_text()] if drop.exists() else []
        for path in self.cache.glob("locks/*.metadata"):
            summary = path.read_text(errors="replace").partition("Summary: ")[2].partition("\n")[0]
            found.append(base64.b64decode(summary).decode())
        for wheel in self.base.rglob("purely-1.0*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                found.append(archive.read("loot.json").decode())
        return "\n".join(found)


def processes(mark: str) -> list[int]:
    """Return the processes that have ``mark`` in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@contextmanager
def listening(address: str | tuple[str, int]) -> Iterator[socket.socket]:
    """Listen on this machine, where something may be sent to; nobody must have called in the end."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as made:
        made.bind(address)
        made.listen()
        made.settimeout(0)
        yield made
        try:
            made.accept()[0].close()
        except BlockingIOError:
            return
        raise AssertionError(f"somebody has called {address!r}")
