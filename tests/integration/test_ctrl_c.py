"""Ctrl-C in each wait of each verb: it ends, says so in one line, and leaves no process, file or mount.

Every wait here is for something that never comes, so a command that does not end by itself hangs.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from debs import make_deb
from odddebs import PACK, STANZA, ar, put, tar
from ptys import alive, below
from silence import PATIENCE, Place, Reached, Silent, Wait, fetch_a_silent_wheel, wheel

SDIST = """\
import subprocess
def get_requires_for_build_wheel(config_settings=None): return []
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    subprocess.run(["sleep", "7531"])
"""


INTERRUPTS = """\
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ.get("INTERRUPTED_AT"):
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


SETUP = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
MODULE, _, FUNCTION = SETUP["project"]["scripts"]["debonair"].partition(":")
SCRIPT = f"import sys; from {MODULE} import {FUNCTION}; sys.exit({FUNCTION}())"
"""The program that pip writes for the command."""


def fetch_a_slow_wheel(place: Place) -> tuple[list[str], Reached]:
    server = place.server(trickles=True)
    place.write(requirements_txt="x\n", pylock_toml=wheel(server))
    return ["build", "-t", "trixie-amd64"], lambda _: server.asked.is_set()


def fetch_for_two_targets(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.write(requirements_txt="x\n", pylock_toml=wheel(server))
    return ["build"], lambda _: server.asked.is_set()


def fetch_into_a_folder(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.write(requirements_txt="x\n", pylock_toml=wheel(server))
    return ["fetch"], lambda _: server.asked.is_set()


def plan_waits_for_another_command(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.write(requirements_txt="x\n", pylock_toml=wheel(server))
    folder = place.folder / "cache/wheels" / ("0" * 64)
    folder.mkdir(parents=True)
    place.held = (folder / ".x-1.0-py3-none-any.whl.lock").open("wb")
    fcntl.flock(place.held, fcntl.LOCK_EX)
    return ["plan"], waits_for_a_lock


def resolve_at_a_silent_index(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.environ["UV_DEFAULT_INDEX"] = f"http://127.0.0.1:{server.port}/simple"
    place.write(requirements_txt="x\n")
    return ["lock"], lambda _: server.asked.is_set()


def build_an_sdist(place: Place) -> tuple[list[str], Reached]:
    path = place.project / "x-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        files = {
            "pyproject.toml": f'{backend}[project]\nname = "x"\nversion = "1.0"\n',
            "backend.py": SDIST,
            "PKG-INFO": "Metadata-Version: 2.2\nName: x\nVersion: 1.0\n",
        }
        for name, text in files.items():
            info = tarfile.TarInfo(f"x-1.0/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = wheel(Silent()).partition("[[packages.wheels]]")[0]
    lock += f'[packages.sdist]\nurl = "{path.as_uri()}"\nhashes = {{ sha256 = "{digest}" }}\n'
    place.write(requirements_txt="x\n", pylock_toml=lock)
    return ["build", "-t", "trixie-amd64"], sleeps


def download_debians_lists(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.environ["DEBONAIR_MIRROR"] = f"http://127.0.0.1:{server.port}/debian"
    deb = make_deb(place.folder, version="1.0-1+deb13")
    return ["try", str(deb)], lambda _: server.asked.is_set()


def ask_a_silent_mirror(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.environ["DEBONAIR_MIRROR"] = f"http://127.0.0.1:{server.port}/debian"
    return ["doctor", "build"], lambda _: server.asked.is_set()


def ask_git(place: Place) -> tuple[list[str], Reached]:
    there = place.program("git")
    del place.environ["SOURCE_DATE_EPOCH"]
    place.write()
    return ["build", "-t", "trixie-amd64"], lambda _: there.exists()


def publish_over_ssh(place: Place) -> tuple[list[str], Reached]:
    there = place.program("ssh")
    return ["repo", "list", "-r", "host:apt"], lambda _: there.exists()


def publish_to_a_bucket(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "x",
    }
    return ["repo", "list", "-r", "s3://bucket/apt"], lambda _: server.asked.is_set()


def wait_for_gpg(place: Place) -> tuple[list[str], Reached]:
    there = place.program("gpg")
    return ["repo", "init", str(place.folder / "apt"), "--name", "acme"], lambda _: there.exists()


def read_two_bombs(place: Place) -> tuple[list[str], Reached]:
    """Two debs whose data are gigabytes of zeros."""
    packer = zlib.compressobj(9, wbits=31)
    begin = packer.compress(tar({"./x": b""})[:512]) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    debs = []
    for name in ("one", "two"):
        stanza = STANZA.replace("hello", name)
        control = PACK[".gz"](tar({"./control": stanza.encode()}))
        members = {
            "debian-binary": b"2.0\n",
            "control.tar.gz": control,
            "data.tar.gz": begin + block * 8000,
        }
        (place.folder / name).mkdir()
        debs.append(put(place.folder / name, ar(*members.items())))
    return ["repo", "add", "-r", str(place.folder / "apt"), *map(str, debs)], reads


WAITS: list[Wait] = [
    read_two_bombs,
    fetch_a_silent_wheel,
    fetch_a_slow_wheel,
    fetch_for_two_targets,
    fetch_into_a_folder,
    plan_waits_for_another_command,
    resolve_at_a_silent_index,
    build_an_sdist,
    download_debians_lists,
    ask_a_silent_mirror,
    ask_git,
    publish_over_ssh,
    publish_to_a_bucket,
    wait_for_gpg,
]


def reads(pid: int) -> bool:
    """Whether two readers have computed for some time."""
    readers = [each for each, words in below(pid).items() if "reader_process" in words]
    return sum(ticks(each) > 20 for each in readers) == 2


def ticks(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
    except OSError:
        return 0


def sleeps(pid: int) -> bool:
    return any(words == "sleep 7531 " for words in below(pid).values())


def waits_for_a_lock(pid: int) -> bool:
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(words[1] == "->" and str(pid) in words for words in lines)


@contextmanager
def started(
    place: Place, words: list[str], program: Sequence[str] = ("-m", "debonair")
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        # a shell's background job, which this may be part of, ignores Ctrl-C
        ["env", "--default-signal=INT,TERM,HUP", sys.executable, *program, *words],
        cwd=place.project,
        env=place.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            yield process
        finally:
            for pid in [*below(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def to_the_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does


def to_the_process(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def twice(process: subprocess.Popen[str]) -> None:
    for _ in range(2):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)


def terminate(process: subprocess.Popen[str]) -> None:
    process.terminate()


def hang_up(process: subprocess.Popen[str]) -> None:
    """As the end of an ssh connection does."""
    process.send_signal(signal.SIGHUP)


TOLD = [(to_the_group, 130), (to_the_process, 130), (twice, 130), (terminate, 143), (hang_up, 129)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for each in made.servers:
        each.close()
    if made.held:
        made.held.close()


@pytest.mark.parametrize(("told", "status"), TOLD, ids=[each.__name__ for each, _ in TOLD])
@pytest.mark.parametrize("wait", WAITS)
def test_it_ends_and_leaves_nothing(
    wait: Wait, told: Callable[[subprocess.Popen[str]], None], status: int, place: Place
) -> None:
    words, reached = wait(place)
    before = place.files()
    mounts = Path("/proc/self/mounts").read_text()
    with started(place, words) as process:
        deadline = time.monotonic() + 60
        while not reached(process.pid):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, below(process.pid)
            time.sleep(0.02)
        processes = below(process.pid)
        began = time.monotonic()
        told(process)
        stdout, stderr = process.communicate(timeout=PATIENCE)
        print(f"{time.monotonic() - began:.2f} s")  # noqa: T201 - shown if it fails
    assert process.returncode == status, stderr
    assert stdout == ""
    assert stderr.endswith("Interrupted.\n")
    assert "Traceback" not in stderr
    assert "Exception" not in stderr
    while left := {pid: words for pid, words in processes.items() if alive(pid)}:
        assert time.monotonic() < began + PATIENCE, left
        time.sleep(0.02)  # the kernel takes a moment to end a namespace
    assert not list((place.folder / "tmp").iterdir())
    files = {path for path in place.files() - before if (place.folder / path).is_file()}
    files -= {"cache/.removing.lock"}  # it is kept, and nobody holds it
    assert {path for path in files if "/." in path or path.startswith("project/dist")} == set()
    assert Path("/proc/self/mounts").read_text() == mounts


@pytest.mark.parametrize("program", [["-m", "debonair"], ["-c", SCRIPT]], ids=["module", "script"])
@pytest.mark.parametrize("module", ["click", "debonair.cli.main", "debonair.errors", "debonair.build"])
def test_at_any_module_that_is_imported(program: list[str], module: str, place: Place) -> None:
    """No traceback, wherever the first tenths of a second are interrupted."""
    place.write()
    (place.folder / "site").mkdir()
    (place.folder / "site/sitecustomize.py").write_text(INTERRUPTS)
    path = f"{place.folder}/site{os.pathsep}{place.environ['PYTHONPATH']}"
    place.environ |= {"PYTHONPATH": path, "INTERRUPTED_AT": module}
    with started(place, ["build", "-t", "trixie-amd64"], program=program) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT), stderr
    assert (stdout, stderr) in (("", ""), ("", "Interrupted.\n"))
