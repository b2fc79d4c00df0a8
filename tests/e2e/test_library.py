"""Python libraries as Debian packages: published, installed with the app that depends on them, upgraded."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from debians import CHECKOUT, Boot, Builder
from followers import Follower, equip
from servers import made, served

from debonair import trial
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.container import Container
from debonair.host.cache import Cache
from debonair.source.library.workshop import Workshop

pytestmark = [pytest.mark.boot, pytest.mark.long]

PURE = ("smbus2==0.5.0", "smbus2==0.6.0")
COMPILED = ("spidev==3.7", "spidev==3.8")
APP = """\
import importlib.metadata
import spidev
import smbus2

def app(environ, start_response):
    version = importlib.metadata.version
    start_response("200 OK", [("Content-Type", "text/plain")])
    found = [f"{name}=={version(name)}" for name in ("smbus2", "spidev")]
    found += [smbus2.SMBus.__name__, spidev.SpiDev.__name__]
    return [", ".join(found).encode()]
"""
SETTINGS = """\
package = "sensors"
version = "1.0"
description = "What the sensors say"
maintainer = "A Test <test@example.org>"
depends = ["python3-smbus2 (>= 0.5)", "python3-spidev (>= 3.7)"]
system-site-packages = true
health-timeout = 300
"""


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the keys of a repository, and what is made, out of this machine's own folders."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def library(suite: str, architecture: str, requirement: str, out: Path) -> Path:
    """Make the package of a library as ``debonair library`` does."""
    cache = Cache.of(os.environ)
    workshop = Workshop.of(suite, architecture, "A Test <test@example.org>", cache, os.environ)
    (found,) = workshop.make(requirement, out)
    return found.path


def project(root: Path) -> Path:
    """Return ``root``, made the folder of an app that uses both libraries."""
    root.mkdir()
    (root / "app.py").write_text(APP)
    (root / "debonair.toml").write_text(SETTINGS)
    return root


@pytest.mark.parametrize(
    ("suite", "architecture"),
    [("trixie", host_architecture()), ("bookworm", host_architecture()), ("trixie", "arm64")],
)
def test_an_app_shares_libraries(
    suite: str, architecture: str, boot: Boot, build: Builder, tmp_path: Path
) -> None:
    app = build(project(tmp_path / "app"), f"{suite}-{architecture}")
    # Emulated, a build takes two minutes: there the compiled one stays as it is.
    compiled = COMPILED if architecture == host_architecture() else COMPILED[1:]
    made_of = [*PURE, *compiled]
    debs = {each: library(suite, architecture, each, tmp_path / "debs") for each in made_of}
    assert {path.name.rpartition("_")[2] for path in debs.values()} == {"all.deb", f"{architecture}.deb"}
    old, new = (PURE[0], compiled[0]), (PURE[1], compiled[-1])
    root = tmp_path / "apt"
    with boot(suite, architecture=architecture) as machine:
        equip(boot, machine)
        site = made(str(root), "http://127.0.0.1:8080")
        site.repo("add", app, *(debs[each] for each in old))
        with served(machine, root):
            site.bootstrap(machine)
            follower = Follower(machine, tmp_path)
            assert follower.update() == ""
            done = follower.install("sensors")
            assert done.status == 0, done.stdout + done.stderr
            assert page(machine) == [*old, "SMBus", "SpiDev"]
            site.repo("add", *(debs[each] for each in new if each not in old))
            assert follower.update() == ""
            machine.run(["apt", "upgrade", "--yes"])
            machine.run(["sensors", "restart"])
            assert page(machine) == [*new, "SMBus", "SpiDev"]


def page(machine: Container) -> list[str]:
    """Return what the app's page says: the libraries as requirements, and what it has of them."""
    trial.healthy(machine, "sensors", trial.Site("/"), within=300)
    return machine.get("/").text.split(", ")


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    """Built anew, and not taken from the cache."""
    cache = Cache.of(os.environ)
    kept = cache.folder("libraries")
    for requirement in (PURE[1], COMPILED[1]):
        first = library("trixie", host_architecture(), requirement, tmp_path / "one").read_bytes()
        for path in kept.glob("*/*.deb"):
            if path.read_bytes() == first:
                path.unlink()  # as a person does who cleans up
        second = library("trixie", host_architecture(), requirement, tmp_path / "two")
        assert second.read_bytes() == first


def sdist(folder: Path, name: str, *, setup: str = "", python: str = ">=3.9", requires: str = "") -> None:
    """Put the sdist of a library into ``folder``, with ``setup`` at the top of its setup.py."""
    top = f"{name}-1.0"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Python: {python}\n"
    code = (
        f"{setup}\nfrom setuptools import setup\n"
        f"setup(name={name!r}, version='1.0', py_modules=[{name!r}], python_requires={python!r}, "
        f"install_requires={requires.split()!r}, description='A library', author='A Test')\n"
    )
    if requires:
        metadata += f"Requires-Dist: {requires}\n"
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / f"{top}.tar.gz", "w:gz") as archive:
        for path, text in {
            "PKG-INFO": metadata,
            "setup.py": code,
            f"{name}.py": f"name = {name!r}\n",
        }.items():
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size, member.mtime = len(text), 1_700_000_000
            archive.addfile(member, io.BytesIO(text.encode()))


def asked(folder: Path, *words: str, index: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Type ``debonair library`` in ``folder``."""
    env = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT / "src"),
        "DEBFULLNAME": "A",
        "DEBEMAIL": "a@example.org",
    }
    env |= {"UV_FIND_LINKS": str(index), "UV_NO_INDEX": "1"} if index else {}
    argv = [sys.executable, "-m", "debonair", "library", *words]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["of_old"], r"of-old 1\.0 is for Python <3\.9, but trixie has 3\.13", "--suite"),
        (["smbus2==0.4.1"], "trixie has 0.4.3 in its package python3-smbus2, which is newer", "depends ="),
        (["smbus2==0.4.3"], "trixie has 0.4.3 in its package python3-smbus2\\.", "depends ="),
        (["broken"], "broken 1.0 cannot be built(.|\n)*this never builds", "choose a version"),
        (["bücher"], "is not the name of a library", "Write it as"),
        (
            ["lonely"],
            "lonely 1.0 has requirements that trixie(.|\n)*alone>=1 \\(the suite does not have it\\)",
            "--recursive",
        ),
        (["alone", "--suite", "buster"], "no target for buster", "debonair targets"),
        (
            ["alone", "--build-depends", "no-such-dev"],
            "The build dependencies of alone 1.0",
            "--build-depends",
        ),
    ],
)
def test_what_cannot_be_made(words: list[str], message: str, hint: str, tmp_path: Path) -> None:
    index = tmp_path / "index"
    sdist(index, "of_old", python="<3.9")
    sdist(index, "broken", setup="raise SystemExit('this never builds')")
    sdist(index, "alone")
    sdist(index, "lonely", requires="alone>=1")
    folder = tmp_path / "here"
    folder.mkdir()
    done = asked(folder, *words, index=None if "smbus2" in words[0] else index)
    assert done.returncode in range(3, 11), done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert hint in done.stderr.partition("Hint:")[2]
    assert "Traceback" not in done.stderr.replace("Traceback (most recent call last):\n  File", "")
    assert list(folder.iterdir()) == [], "nothing is left behind"


def test_what_the_suite_lacks_is_made_too(tmp_path: Path) -> None:
    sdist(tmp_path / "index", "alone")
    sdist(tmp_path / "index", "lonely", requires="alone>=1,<2")
    done = asked(tmp_path, "lonely", "--recursive", index=tmp_path / "index")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("dist/python3-alone_1.0-1+deb13_all.deb")
    assert second.startswith("dist/python3-lonely_1.0-1+deb13_all.deb")
    assert second.endswith("needs python3-alone (<< 2~), python3-alone (>= 1)")
