"""Whoever distrusts a deb builds it again and gets the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from comparison import differences

from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.debian.interpreter import Interpreter
from debonair.host.cache import Cache
from debonair.host.run import run
from debonair.wheels import bytecode

GUESTBOOK = Path(__file__).parents[2] / "examples/guestbook"
TARGETS = ("trixie-armv7", "bookworm-amd64")
EPOCH = 1_700_000_000


@dataclass(frozen=True)
class Surroundings:
    """Whatever must not be seen in a deb."""

    folder: str
    umask: int
    newest: int
    """The latest mtime of the sources."""
    cpus: frozenset[int]
    environ: Mapping[str, str] = field(default_factory=dict)


HERE = Surroundings(
    "here",
    0o022,
    1_600_000_000,
    frozenset(sorted(os.sched_getaffinity(0))[:1]),
    {"TZ": "UTC", "LC_ALL": "C"},
)
THERE = Surroundings(
    "there/quite a länger path",
    0o077,
    1_750_000_000,
    frozenset(os.sched_getaffinity(0)),
    {
        "TZ": "XYZ-13:45",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "de",
        "PYTHONHASHSEED": "7",
        "PYTHON_CPU_COUNT": "3",
        "HOME": "/nonexistent",
        "USER": "someone",
    },
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which everything is that may be fetched, and no layer."""
    kept = Cache.of(os.environ).root
    environ = {**os.environ, "DEBONAIR_CACHE": str(kept), "SOURCE_DATE_EPOCH": str(EPOCH)}
    out = tmp_path_factory.mktemp("first")
    _debonair(["build", GUESTBOOK, "--out", out, *(f"--target={name}" for name in TARGETS)], environ)
    return kept


def _debonair(words: list[str | Path], environ: Mapping[str, str], where: Surroundings = HERE) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "debonair", *words],
        env=environ,
        umask=where.umask,
        preexec_fn=lambda: os.sched_setaffinity(0, where.cpus),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _copied(where: Surroundings, base: Path, seed: int) -> Path:
    """Copy the guestbook, its files in another order and with other times and modes."""
    root = base / where.folder / "guestbook"
    files = sorted(
        path for path in GUESTBOOK.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    chance = random.Random(seed)
    chance.shuffle(files)
    for path in files:
        copy = root / path.relative_to(GUESTBOOK)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod((0o777 if os.access(path, os.X_OK) else 0o666) & ~where.umask)
        time = where.newest - chance.randrange(1_000_000)
        os.utime(copy, (time, time))
    os.utime(copy, (where.newest, where.newest))
    return root


def _built(
    where: Surroundings, project: Path, base: Path, shared: Path, epoch: int | None = EPOCH
) -> dict[str, Path]:
    """Build ``project`` for each target, with no layer in the cache, and return the debs by name."""
    cache, out = base / where.folder / "cache", base / where.folder / "out"
    cache.mkdir(parents=True)
    for name in ("wheels", "locks", "pythons"):
        if (shared / name).exists():
            (cache / name).symlink_to(shared / name)
    environ = {**os.environ, **where.environ, "DEBONAIR_CACHE": str(cache)}
    environ.pop("SOURCE_DATE_EPOCH", None)
    if epoch is not None:
        environ["SOURCE_DATE_EPOCH"] = str(epoch)
    words: list[str | Path] = ["build", project, "--out", out, *(f"--target={name}" for name in TARGETS)]
    _debonair(words, environ, where)
    debs = {path.name: path for path in sorted(out.iterdir())}
    assert len(debs) == len(TARGETS)
    return debs


def _same(first: Mapping[str, Path], second: Mapping[str, Path]) -> None:
    assert list(first) == list(second)
    for name, path in first.items():
        assert "\n".join(differences(path, second[name])) == ""
        assert path.read_bytes() == second[name].read_bytes()


def test_two_builds_in_other_surroundings(shared: Path, tmp_path: Path) -> None:
    builds = [
        _built(where, _copied(where, tmp_path, seed), tmp_path, shared)
        for seed, where in enumerate((HERE, THERE))
    ]
    _same(*builds)


def test_two_clones_of_one_commit(shared: Path, tmp_path: Path) -> None:
    """Without SOURCE_DATE_EPOCH the time is that of the commit."""
    original = _copied(HERE, tmp_path / "original", 1)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    git: list[str | Path] = ["git", "-C", original, *identity]
    dates = {"GIT_AUTHOR_DATE": f"{EPOCH} +0100", "GIT_COMMITTER_DATE": f"{EPOCH} +0100"}
    run([*git, "init", "--quiet"])
    run([*git, "add", "--all"])
    run([*git, "commit", "--quiet", "--message=all"], env=dates)
    builds = []
    for where in (HERE, THERE):
        clone = tmp_path / where.folder / "guestbook"
        clone.parent.mkdir(parents=True)
        run(["git", "clone", "--quiet", original, clone])
        builds.append(_built(where, clone, tmp_path, shared, epoch=None))
    _same(*builds)
    for path in builds[0].values():
        times = {entry.path: entry.mtime for entry in archive.read(path).entries}
        assert times["usr/lib/guestbook/dist/app/guestbook/__init__.py"] == EPOCH


def test_a_warm_build_is_the_cold_one(shared: Path, tmp_path: Path) -> None:
    project = _copied(HERE, tmp_path, 1)
    cold = _built(HERE, project, tmp_path, shared)
    kept = {name: path.rename(tmp_path / name) for name, path in cold.items()}
    environ = {**os.environ, "DEBONAIR_CACHE": str(tmp_path / HERE.folder / "cache")}
    environ["SOURCE_DATE_EPOCH"] = str(EPOCH)
    out = tmp_path / HERE.folder / "out"
    _debonair(["build", project, "--out", out, *(f"--target={name}" for name in TARGETS)], environ)
    _same(kept, {path.name: path for path in sorted(out.iterdir())})


def test_bytecode_depends_on_its_module_alone() -> None:
    """Not on the hash seed (``-I`` leaves it random), nor on the order, nor on what else is compiled."""
    library = Path(os.__file__).parent
    files = sorted(
        path for name in ("json", "email", "http", "asyncio") for path in (library / name).rglob("*.py")
    )
    sources = [(f"/usr/lib/x/{path.relative_to(library)}", path.read_bytes()) for path in files]
    here = Interpreter((sys.executable,), sys.version.split()[0])
    together = bytecode.compiled(sources, here)
    assert len(together) == len(files)
    assert bytecode.compiled(reversed(sources), here) == together
    for source in sources[::10]:
        assert bytecode.compiled([source], here)[source[0]] == together[source[0]]


class TestDifferences:
    """The comparison itself must be able to fail."""

    CONTROL = Control("x-y", "1", "all", "A <a@b>", "thing")

    def deb(self, path: Path, *sources: Source, mtime: int = 0, scripts: str = "") -> Path:
        layers = [tree.layer("x", [source]) for source in sources]
        data = archive.write(
            self.CONTROL, tree.assemble(layers, mtime=0), {"postinst": scripts}, mtime=mtime
        )
        path.write_bytes(data)
        return path

    @pytest.mark.parametrize(
        ("other", "expected"),
        [
            (Source.file("a", b"one\ntwo\n", mtime=5), "mtime of a: 0 and 5"),
            (Source.file("a", b"one\ntwo\n", mtime=0, mode=0o755), "mode of a: 420 and 493"),
            (Source.file("a", b"one\n2\n", mtime=0), "-two\n+2"),
            (Source.file("a", b"one\n\xff\n", mtime=0), "from byte 4 on: b'two\\n' and b'\\xff\\n'"),
            (Source.link("a", "b", mtime=0), "kind of a: file and link"),
            (Source.file("b", b"one\ntwo\n", mtime=0), "-a\n+b"),
        ],
    )
    def test_they_are_named(self, other: Source, expected: str, tmp_path: Path) -> None:
        one = self.deb(tmp_path / "1.deb", Source.file("a", b"one\ntwo\n", mtime=0))
        two = self.deb(tmp_path / "2.deb", other)
        assert expected in "\n".join(differences(one, two))

    def test_the_order_counts(self, tmp_path: Path) -> None:
        sources = [Source.file(name, b"", mtime=0) for name in "ab"]
        debs = [self.deb(tmp_path / "1.deb", *sources), self.deb(tmp_path / "2.deb", *sources[::-1])]
        assert "another order" in differences(*debs)[0]

    def test_the_control_tarball_counts(self, tmp_path: Path) -> None:
        one, two = self.deb(tmp_path / "1.deb"), self.deb(tmp_path / "2.deb", scripts="#!/bin/sh\n")
        assert differences(one, two) == ["control.tar: postinst is in one only"]

    def test_the_archive_counts(self, tmp_path: Path) -> None:
        one, two = self.deb(tmp_path / "1.deb"), self.deb(tmp_path / "2.deb", mtime=5)
        assert "the archives around them differ" in differences(one, two)[0]

    def test_the_same_is_the_same(self, tmp_path: Path) -> None:
        one, two = self.deb(tmp_path / "1.deb"), self.deb(tmp_path / "2.deb")
        assert differences(one, two) == []
