"""Ctrl-C on a real terminal, and SIGTERM, in the waits of a trial: it ends, and leaves nothing.

Every app here waits for something that never comes, so a trial that does not end by itself hangs.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import ptys
import pytest
from debians import CHECKOUT, Builder
from ptys import Terminal
from test_try import left_by

from debonair.debian.apt import host_architecture

pytestmark = pytest.mark.boot

PATIENCE = 10.0
"""Seconds to end: a busy machine takes longer than the one second that people notice."""
ASLEEP = "sleep 7531"
APP = """
import subprocess
from pathlib import Path

COUNT = Path("/var/lib/app-on-trial/count")


def app(environ, start_response):
    path, count = environ["PATH_INFO"], int(COUNT.read_text()) if COUNT.exists() else 0
    if path == "/":
        COUNT.write_text(str(count + 1))
    if {condition}:
        subprocess.run(["sleep", "7531"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello"]
"""
SDIST = {
    "PKG-INFO": "Metadata-Version: 2.2\nName: x\nVersion: 1.0\n",
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "x"\nversion = "1.0"\n',
    # Outside of a Debian there is no compiler.
    "backend.py": """
import subprocess
from pathlib import Path

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if not Path("/var/lib/dpkg/status").exists():
        raise RuntimeError("no compiler")
    subprocess.run(["sleep", "7531"])
""",
}
ENDS = [pytest.param("\x03", 130, id="ctrl-c"), pytest.param("", 143, id="kill")]


@dataclass(frozen=True)
class Wait:
    """The condition under which the app never answers, and the programs that run while it is waited for."""

    condition: str
    programs: tuple[str, ...]
    upgrades: bool = False


WAITS = {
    "apt waits for the app": Wait("True", ("apt-get install", "watch.py", ASLEEP)),
    "the page is polled": Wait("path == '/'", ("curl", ASLEEP)),
    "the page is under load": Wait("path == '/' and count > 5", ("load.py", ASLEEP), upgrades=True),
}


@contextmanager
def debonair(
    folder: Path, *words: str | Path, cwd: Path | None = None, cache: Path | None = None
) -> Iterator[Terminal]:
    """Run a verb on a terminal; ``folder`` gets its temporary files."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src"), "TMPDIR": str(folder)}
    if cache:
        env["DEBONAIR_CACHE"] = str(cache)
    argv = [sys.executable, "-m", "debonair", *map(str, words)]
    with ptys.run(argv, env=env, cwd=cwd) as terminal:
        yield terminal


def trial(folder: Path, *words: str | Path, cache: Path | None = None) -> AbstractContextManager[Terminal]:
    """Run ``debonair try`` on a terminal."""
    return debonair(folder, "try", *words, cache=cache)


def made(build: Builder, folder: Path, condition: str, target: str, version: str = "1.0") -> Path:
    """Build the app for ``target``."""
    project = shutil.copytree(CHECKOUT / "examples/hello", folder / version)
    settings = (project / "debonair.toml").read_text()
    settings = settings.replace("hello-pi", "app-on-trial").replace('"1.0"', f'"{version}"')
    (project / "debonair.toml").write_text(f'health = "/healthz"\n{settings}')
    (project / "app.py").write_text(APP.replace("{condition}", condition))
    return build(project, target)


def runs(terminal: Terminal, *programs: str) -> Callable[[], bool]:
    """Tell whether all ``programs`` run below the command."""
    return lambda: all(
        any(each in words for words in ptys.below(terminal.pid).values()) for each in programs
    )


def assert_ends(terminal: Terminal, typed: str, status: int, folder: Path) -> None:
    """It ends with ``status`` and one line, and leaves no process, file or mount."""
    processes = list(ptys.below(terminal.pid))
    if typed:
        terminal.type(typed)
    else:
        os.kill(terminal.pid, signal.SIGTERM)
    print(f"{terminal.wait(PATIENCE):.2f} s")  # noqa: T201 - shown if it fails
    assert terminal.status == status, terminal.text
    assert terminal.text.endswith("Interrupted.\r\n")
    assert "Traceback" not in terminal.text
    assert terminal.restored
    ptys.assert_gone(processes, PATIENCE)
    assert left_by(terminal.pid) == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("typed", "status"), ENDS)
@pytest.mark.parametrize("name", WAITS)
def test_a_page_never_answers(name: str, typed: str, status: int, build: Builder, tmp_path: Path) -> None:
    wait = WAITS[name]
    target = f"trixie-{host_architecture()}"
    (files := tmp_path / "files").mkdir()
    words: list[str | Path] = [made(build, tmp_path, wait.condition, target)]
    if wait.upgrades:
        words = ["--upgrade-from", *words, made(build, tmp_path, wait.condition, target, "1.1")]
    with trial(files, *words) as terminal:
        terminal.wait_for(runs(terminal, *wait.programs), 300)
        time.sleep(2)  # the program that asks for the page has asked
        assert_ends(terminal, typed, status, files)


@pytest.mark.parametrize(("typed", "status"), ENDS)
def test_an_emulated_debian_boots(typed: str, status: int, build: Builder, tmp_path: Path) -> None:
    other = "arm64" if host_architecture() != "arm64" else "armv7"
    (files := tmp_path / "files").mkdir()
    before = registered()
    with trial(files, made(build, tmp_path, "False", f"trixie-{other}")) as terminal:
        terminal.wait_for(runs(terminal, "systemd-nspawn", "/lib/systemd/systemd-"), 600)
        assert_ends(terminal, typed, status, files)
    assert registered() <= before


@pytest.mark.parametrize(("typed", "status"), ENDS)
def test_an_emulated_debian_builds(typed: str, status: int, tmp_path: Path) -> None:
    other = "arm64" if host_architecture() != "arm64" else "armv7"
    (files := tmp_path / "files").mkdir()
    project = shutil.copytree(CHECKOUT / "examples/hello", tmp_path / "project")
    settings = (project / "debonair.toml").read_text()
    (project / "debonair.toml").write_text(f'sdists = "allow"\n{settings}')
    (project / "requirements.txt").write_text("x\n")
    with tarfile.open(archive := project / "x-1.0.tar.gz", "w:gz") as tar:
        for name, text in SDIST.items():
            member = tarfile.TarInfo(f"x-1.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (project / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "x"\nversion = "1.0"\n'
        f'[packages.sdist]\nurl = "{archive.as_uri()}"\nhashes = {{ sha256 = "{digest}" }}\n'
    )
    before = registered()
    with debonair(files, "build", "-t", f"trixie-{other}", cwd=project) as terminal:
        terminal.wait_for(runs(terminal, "qemu-", ASLEEP), 900)
        assert_ends(terminal, typed, status, files)
    assert registered() <= before
    assert not (project / "dist").exists()


def registered() -> set[str]:
    """The programs of other architectures that this machine runs, if it shows them."""
    return {path.name for path in Path("/proc/sys/fs/binfmt_misc").glob("debonair-*")}


@pytest.mark.parametrize(("typed", "status"), ENDS)
def test_a_debian_is_set_up(typed: str, status: int, build: Builder, tmp_path: Path) -> None:
    deb = made(build, tmp_path, "False", f"trixie-{host_architecture()}")
    (files := tmp_path / "files").mkdir()
    (cache := tmp_path / "cache").mkdir()
    with trial(files, deb, cache=cache) as terminal:
        terminal.wait_for(runs(terminal, "mmdebstrap", "dpkg --"), 600)
        assert_ends(terminal, typed, status, files)
    assert list((cache / "roots").iterdir()) == []


def test_a_shell_returns_the_terminal(build: Builder, tmp_path: Path) -> None:
    """Ctrl-C is the shell's, then that of the trial again."""
    deb = made(build, tmp_path, "False", f"trixie-{host_architecture()}")
    (files := tmp_path / "files").mkdir()
    with trial(files, "--keep", deb, "--", "bash", "--norc") as terminal:
        terminal.wait_for("bash-5.2# ", 300)
        terminal.type(f"{ASLEEP}\n")
        terminal.wait_for(runs(terminal, ASLEEP))
        terminal.type("\x03")
        terminal.wait_for("bash-5.2# ")
        terminal.type("exit 3\n")
        terminal.wait_for("It runs until you press Ctrl-C.")
        terminal.wait_for("bash -l\r\n")
        terminal.type("\x03")
        terminal.wait(PATIENCE)
        assert terminal.status == 3
        assert terminal.restored
    assert list(files.iterdir()) == []


def test_ctrl_c_belongs_to_a_command(build: Builder, tmp_path: Path) -> None:
    """An interpreter goes on; a killed one leaves the terminal as it was."""
    deb = made(build, tmp_path, "False", f"trixie-{host_architecture()}")
    (files := tmp_path / "files").mkdir()
    with trial(files, deb, "--", "python3", "-q") as terminal:
        terminal.wait_for(">>> ", 300)
        terminal.type("\x03")
        terminal.wait_for("KeyboardInterrupt")
        terminal.wait_for(lambda: not terminal.restored)
        terminal.type("6 * 7\n")
        terminal.wait_for("42")
        assert_ends(terminal, "", 143, files)
