"""A package with code in C and no wheel for a 32-bit Pi: built from source, and used there by a page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from debians import Boot

from debonair import build as builds
from debonair import project as projects
from debonair import target as targets
from debonair import trial
from debonair.errors import WheelError
from debonair.host.cache import Cache

pytestmark = [pytest.mark.boot, pytest.mark.long]

TARGET = "trixie-armv7"
APP = """\
import cffi

ffi = cffi.FFI()
ffi.cdef("int getpid(void);")
C = ffi.dlopen(None)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"C says {C.getpid() > 1}".encode()]
"""
SETTINGS = """\
package = "calls-c"
version = "1.0"
wsgi = "app:app"
maintainer = "A Test <test@example.org>"
description = "A page that calls C"
targets = ["trixie-armv7"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    folder = tmp_path / "calls-c"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "requirements.txt").write_text("cffi\n")
    return folder


@pytest.fixture
def caches(tmp_path: Path) -> tuple[Cache, Cache]:
    """Two caches that share what a Debian is made of, and nothing that was built."""
    shared = Cache.of(os.environ)
    made = (Cache(tmp_path / "one"), Cache(tmp_path / "two"))
    for cache in made:
        cache.root.mkdir()
        for name in ("apt", "emulators", "pythons", "roots"):
            (cache.root / name).symlink_to(shared.folder(name))
    return made


def build(project: Path, cache: Cache) -> Path:
    out = cache.root / "dist"
    found = targets.load(TARGET)
    return builds.build(projects.load(project), found, out, cache=cache, environ=os.environ).path


def test_a_page_calls_what_was_built_from_source(
    project: Path, caches: tuple[Cache, Cache], boot: Boot
) -> None:
    (project / "debonair.toml").write_text(
        SETTINGS + 'sdists = "allow"\n[build-depends]\ncffi = ["libffi-dev"]\n'
    )
    deb, again = (build(project, cache) for cache in caches)
    assert deb.read_bytes() == again.read_bytes()
    assert (project / "pylock.build-cffi.toml").exists()
    with boot("trixie", architecture="armhf") as machine:
        trial.install(boot.bed, machine, deb)
        assert trial.healthy(machine, "calls-c", trial.Site()).text == "C says True"
        assert machine.run(["dpkg-query", "-W", "-f", "${Status}", "libffi8"]).stdout.endswith("installed")


def test_what_it_lacks_is_said(project: Path, caches: tuple[Cache, Cache]) -> None:
    (project / "debonair.toml").write_text(SETTINGS + 'sdists = "allow"\n')
    with pytest.raises(WheelError, match=r"cffi .* does not build from source for trixie-armv7") as failed:
        build(project, caches[0])
    assert "ffi.h" in failed.value.message
    assert "[build-depends]" in failed.value.hint
