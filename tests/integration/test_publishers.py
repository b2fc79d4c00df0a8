"""Publishers that meet, or find no room, as processes; and a client in the middle of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aptclient import Client
from debs import make_deb

from debonair.repository import http_server

pytestmark = pytest.mark.long

CHECKOUT = Path(__file__).parents[2]
VERSION = "-1+deb13"


class Publisher:
    """Types ``debonair repo`` for one repository."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "apt"
        self.folder = folder
        # a killed publisher leaves gpg's agent, which ends when its folder does; a socket's path is short
        self.scratch = Path(tempfile.mkdtemp(prefix="debonair-test."))
        self.env = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT / "src"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "DEBONAIR_REPOSITORY": str(self.root),
            "TMPDIR": str(self.scratch),
        }

    def start(self, *words: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        argv = [*prefix, sys.executable, "-m", "debonair", "repo", *map(str, words)]
        return subprocess.Popen(
            argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str | Path, prefix: tuple[str, ...] = (), code: int = 0) -> str:
        with self.start(*words, prefix=prefix) as process:
            stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == code, stdout + stderr
        assert "Traceback" not in stderr
        return stdout + stderr

    def deb(self, package: str, version: str) -> Path:
        return make_deb(self.folder / "debs", package, f"{version}{VERSION}")

    def client(self, uri: str = "", name: str = "client") -> Client:
        return Client(
            self.folder / name, uri or f"file:{self.root}", self.root / "acme-archive-keyring.gpg"
        )


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    made = Publisher(tmp_path)
    made.run("init", made.root, "--name", "acme")
    yield made
    shutil.rmtree(made.scratch)


@pytest.fixture
def address(publisher: Publisher) -> Iterator[str]:
    with http_server.server(
        publisher.root, "127.0.0.1", 0, accounts=frozenset(), log=lambda _: None
    ) as bound:
        thread = threading.Thread(target=bound.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{bound.server_port}"
        bound.shutdown()
        thread.join()


def test_two_at_once_twenty_times(publisher: Publisher) -> None:
    for number in range(20):
        pairs = [publisher.deb(package, f"1.{number}") for package in ("mine", "theirs")]
        running = [publisher.start("add", deb) for deb in pairs]
        for process in running:
            assert process.communicate(timeout=120)[1] == ""
            assert process.returncode == 0
    machine = publisher.client()
    assert machine.update() == "", "and no Date is too far ahead"
    assert machine.would("install", "mine") == [f"mine 1.19{VERSION}"]
    assert machine.would("install", "theirs") == [f"theirs 1.19{VERSION}"]
    assert publisher.run("history").count(" in trixie\n") == 40
    assert "suites are healthy, signed by" in publisher.run("verify")


def test_a_client_in_the_middle_of_it(publisher: Publisher, address: str) -> None:
    """It updates without a pause while releases come one after another: never a mismatch."""
    wrong: list[str] = []
    updates = 0
    ended = threading.Event()

    def follow() -> None:
        nonlocal updates
        machine = publisher.client(address)
        while not ended.is_set():
            wrong.extend(filter(None, [machine.update()]))
            updates += 1

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        for number in range(15):
            publisher.run("add", publisher.deb("hello", f"1.{number}"))
    finally:
        ended.set()
        thread.join()
    assert wrong == []
    assert updates > 5


def test_a_disk_without_room(publisher: Publisher) -> None:
    publisher.run("add", publisher.deb("hello", "1.0"))
    before = publisher.run("list")
    filler = os.urandom(50_000).hex()
    large = make_deb(publisher.folder, "hello", f"1.1{VERSION}", files={"usr/share/hello/x": filler})
    output = publisher.run("add", large, prefix=("prlimit", "--fsize=20000"), code=9)
    assert "Error: There is no space left on the disk to write" in output
    assert "clients see either the old state or the complete new one" in output
    assert publisher.run("list") == before
    assert publisher.client().update() == ""
    assert "suites are healthy, signed by" in publisher.run("verify")
    publisher.run("add", large)
    assert "suites are healthy, signed by" in publisher.run("verify")


def test_a_folder_that_may_not_be_written(publisher: Publisher, tmp_path: Path) -> None:
    before = publisher.run("list")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    subprocess.run(["chown", "-R", "65534", tmp_path / "config", publisher.scratch], check=True)
    prefix = (
        "setpriv",
        "--bounding-set=-dac_override",
        "--inh-caps=-all",
        "--reuid=65534",
        "--clear-groups",
    )
    output = publisher.run("renew", prefix=prefix, code=9)
    assert "cannot be read or written: Permission denied" in output
    assert publisher.run("list") == before
    assert "suites are healthy, signed by" in publisher.run("verify")
