"""A wheel that is linked with a library of the system: apt brings it, and a page uses it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from debians import Boot, Builder
from wheelmaker import make_wheel

from debonair import trial
from debonair.deb import archive
from debonair.debian.apt import Suite, host_architecture
from debonair.debian.mirror import mirror
from debonair.debian.rootfs.machine import Machine

pytestmark = pytest.mark.boot

SUITES = {"trixie": "cp313", "bookworm": "cp311"}
LIBRARY, PACKAGE = "libqrencode.so.4", "libqrencode4"
CODE = """
extern void QRcode_APIVersion(int *major, int *minor, int *micro);
int version(void) { int major, minor, micro; QRcode_APIVersion(&major, &minor, &micro); return major; }
"""
MODULE = """
import ctypes, pathlib
_library = ctypes.CDLL(str(pathlib.Path(__file__).with_name("_code.so")))
version = _library.version
"""
APP = """
import code_of_squares
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"squares %d" % code_of_squares.version()]
"""


def compiled(suite_name: str, folder: Path, boot: Boot) -> bytes:
    """Return a shared object that is linked with the suite's own library."""
    status = folder / "status"
    status.touch()
    suite = Suite.of(suite_name, host_architecture(), mirror=mirror(os.environ), cache=boot.bed.cache)
    deb = next(path for path in suite.fetch([PACKAGE], status=status) if path.name.startswith(PACKAGE))
    subprocess.run(["dpkg-deb", "-x", deb, folder / "unpacked"], check=True)
    (library,) = (folder / "unpacked").rglob(LIBRARY)
    source, made = folder / "code.c", folder / "_code.so"
    source.write_text(CODE)
    # what that library is linked with itself is there when it is
    options: list[str | Path] = ["-shared", "-fPIC", "-O2", "-Wl,--allow-shlib-undefined", "-o", made]
    subprocess.run(["gcc", *options, source, library], check=True)
    return made.read_bytes()


def state(machine: Machine) -> str:
    """Return dpkg's letters for the library's package."""
    return machine.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", PACKAGE], check=False).stdout


@pytest.mark.parametrize("suite", SUITES)
def test_apt_brings_the_library_that_a_wheel_needs(
    suite: str, boot: Boot, build: Builder, tmp_path: Path
) -> None:
    python, cpu = SUITES[suite], os.uname().machine
    files = {
        "code_of_squares/__init__.py": MODULE.encode(),
        "code_of_squares/_code.so": compiled(suite, tmp_path, boot),
    }
    tag = f"{python}-{python}-linux_{cpu}"
    wheel = make_wheel(tmp_path / "index", "code-of-squares", "1.0", files, tag)
    project = tmp_path / "squares"
    project.mkdir()
    (project / "app.py").write_text(APP)
    (project / "debonair.toml").write_text(
        'package = "squares"\nversion = "1.0"\nwsgi = "app:app"\ndescription = "Counts squares"\n'
        f'maintainer = "A Name <a@example.org>"\ntargets = ["{suite}-{host_architecture()}"]\n'
    )
    (project / "requirements.in").write_text("code-of-squares\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (project / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "test"\n'
        '[[packages]]\nname = "code-of-squares"\nversion = "1.0"\n'
        f'wheels = [{{ path = "{wheel}", hashes = {{ sha256 = "{digest}" }} }}]\n'
        '[tool.debonair]\nrequirements = ["code-of-squares"]\npython = "3.11"\n'
    )
    deb = build(project, f"{suite}-{host_architecture()}")
    assert PACKAGE in archive.read_control(deb)["Depends"].split(", ")
    with boot(suite) as machine:
        assert state(machine) != "ii "
        trial.install(boot.bed, machine, deb)
        assert trial.healthy(machine, "squares", trial.Site("/")).text == "squares 4"
        assert state(machine) == "ii "
