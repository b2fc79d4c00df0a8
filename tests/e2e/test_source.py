"""What dpkg-buildpackage makes of a source package of ours, beside what ``debonair build`` makes."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import buildroot
import pytest
from comparison import differences
from debians import EXAMPLES, Boot, Builder, debonair

from debonair import project as projects
from debonair import target as targets
from debonair import trial
from debonair.deb import archive
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.root import Root
from debonair.host.cache import Cache
from debonair.init import from_pypi
from debonair.source import package as source

pytestmark = pytest.mark.boot

TARGET = f"trixie-{host_architecture()}"
FRAMEWORKS = Path(__file__).parents[1] / "frameworks"
DEBHELPERS = {"control.tar: bytes of control", "control.tar: bytes of md5sums"} | {
    f"control.tar: bytes of {script}" for script in ("preinst", "postinst", "prerm", "postrm")
}
"""What debhelper puts together: its snippets are among ours, and Installed-Size counts the scripts."""


@dataclass(frozen=True)
class Daemon:
    """Builds source packages as a build daemon does."""

    boot: Boot
    own: Path

    def __call__(self, dsc: Path, folder: Path) -> Path:
        """Return the deb that dpkg-buildpackage makes of ``dsc`` in a clean root, in ``folder``."""
        subprocess.run(
            ["dpkg-source", "--no-check", "-x", dsc.name, folder / "unpacked"],
            cwd=dsc.parent,
            check=True,
            capture_output=True,
        )
        root = Root("trixie", host_architecture(), buildroot.PACKAGES)
        (deb,) = buildroot.build(self.boot.bed, folder / "unpacked", root, [self.own], folder)
        return deb


@pytest.fixture
def daemon(boot: Boot, own: Path) -> Daemon:
    return Daemon(boot, own)


def packed(root: Path, out: Path) -> Path:
    """Return the .dsc of the project in ``root``."""
    cache = Cache.of(os.environ)
    (dsc,) = source.write(projects.load(root), [targets.load(TARGET)], out, cache, os.environ)
    return dsc


def published_tool(root: Path) -> Path:
    """Return ``root``, made the folder of a command-line tool that is published."""
    root.mkdir()
    options = {
        "from-pypi": "pyjokes==0.8.3",
        "maintainer": "A Test <test@example.org>",
        "targets": [TARGET],
    }
    from_pypi.begin(root, options, Cache.of(os.environ), os.environ)
    return root


def own_wheel(root: Path) -> Path:
    """Return ``root``, made the folder of a tool that its own build backend builds."""
    (root / "src").mkdir(parents=True)
    (root / "src/greet.py").write_text('def main():\n    print("hello")\n')
    (root / "pyproject.toml").write_text(
        "[project]\n"
        'name = "greet"\nversion = "1.0"\ndescription = "Say hello"\n'
        'authors = [{ name = "A Test", email = "test@example.org" }]\n'
        '[project.scripts]\ngreet = "greet:main"\n'
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    )
    return root


def unexplained(one: Path, other: Path) -> Iterator[str]:
    """Yield what two debs differ in, but for what is debhelper's."""
    first, second = (archive.read(path, keep=lambda name: name.endswith(".gz")) for path in (one, other))
    for name, data in first.contents.items():
        assert gzip.decompress(data) == gzip.decompress(second.contents[name])
    for line in differences(one, other):
        head = line.partition(":\n")[0]
        compressed = ".gz" in head  # debhelper compresses, where we store
        order = "in another order" in head  # dpkg-deb sorts, where ours go by layers
        link = head.startswith(
            f"data.tar: mtime of usr/bin/{first.fields['Package']}:"
        )  # dh_link makes it anew
        if head not in DEBHELPERS and not (compressed or order or link):
            yield line


@pytest.mark.parametrize("kind", ["files", "collect", "wheel", "index"])
def test_what_comes_of_it_is_what_build_makes(
    kind: str, daemon: Daemon, build: Builder, tmp_path: Path
) -> None:
    if kind == "files":
        root = EXAMPLES / "guestbook"
    elif kind == "collect":
        root = shutil.copytree(FRAMEWORKS / "django", tmp_path / "project")
        debonair(root, "init", "--yes")
    else:
        root = (own_wheel if kind == "wheel" else published_tool)(tmp_path / "project")
    native = build(root, TARGET)
    made = daemon(packed(root, tmp_path / "source"), tmp_path)
    assert made.name == native.name
    first, second = (archive.read(path) for path in (native, made))
    assert {entry.path for entry in first.entries} == {entry.path for entry in second.entries}
    assert list(unexplained(native, made)) == []
    sizes = [deb.fields.pop("Installed-Size") for deb in (first, second)]
    assert first.fields == second.fields
    assert int(sizes[1]) - int(sizes[0]) in range(20), "the scripts are counted too"


def test_it_is_installed_and_opened(daemon: Daemon, boot: Boot, tmp_path: Path) -> None:
    root = shutil.copytree(EXAMPLES / "guestbook", tmp_path / "project")
    deb = daemon(packed(root, tmp_path / "source"), tmp_path)
    with boot("trixie") as machine:
        trial.install(boot.bed, machine, deb)
        trial.healthy(machine, "guestbook", trial.Site("/"))
        assert machine.run(["systemctl", "is-enabled", "guestbook"]).stdout.strip() == "enabled"
        machine.run(["apt-get", "purge", "--yes", "guestbook"])
        assert machine.run(["getent", "passwd", "guestbook"], check=False).status != 0


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [
        {
            path.name: path.read_bytes()
            for path in packed(EXAMPLES / "guestbook", tmp_path / name).parent.iterdir()
        }
        for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 3
