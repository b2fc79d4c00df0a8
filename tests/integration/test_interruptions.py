"""Publishers that die or that the disk refuses, and connections that end: what clients see then.

After each, a client finds no hash that does not match, and either what was there or what was to come.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from aptclient import Client
from debs import make_deb
from publisher import repo, served, started

from debonair.host import run

pytestmark = pytest.mark.long

POINTS = 40


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DEBONAIR_REPOSITORY", str(tmp_path / "apt"))
    with tempfile.TemporaryDirectory(prefix="publishers.") as short:  # an agent's home, which ends with it
        monkeypatch.setenv("TMPDIR", short)
        yield


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time stand still: what is published again has the same hashes, and folders are named by these."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(time.time()) - 60))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that offers hello 1.0."""
    repo("init", tmp_path / "apt", "--name", "acme", "--url", "http://127.0.0.1:9")
    repo("add", make_deb(tmp_path))
    return tmp_path / "apt"


def client(root: Path, uri: str = "", name: str = "client", suite: str = "trixie") -> Client:
    keyring = root / "acme-archive-keyring.gpg"
    return Client(root.parent / name, uri or f"file:{root}", keyring, suite=suite)


def candidate(machine: Client, package: str = "hello") -> str:
    """The version that a machine would install, or nothing."""
    shown = machine.run("policy", package, program="apt-cache").stdout
    found = [line.split()[1] for line in shown.splitlines() if line.strip().startswith("Candidate:")]
    return found[0].partition("-")[0] if found else ""


def restored(kept: Path, place: Path) -> None:
    """Let ``place`` be what ``kept`` is."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(kept, place)


def known(place: Path) -> None:
    """Let this machine know the copy of a repository in ``place``, and no other that was there."""
    repo("trust", "-r", place, "--forget")
    repo("trust", "-r", place, "--name", "acme")


class TestKilled:
    @pytest.mark.usefixtures("still")
    def test_at_any_point_of_an_add(self, root: Path, tmp_path: Path) -> None:
        new = make_deb(tmp_path, version="1.1-1+deb13")
        next_one = make_deb(tmp_path, "other")
        shutil.copytree(root, tmp_path / "before")
        sockets = shutil.ignore_patterns("S.*")  # of gpg-agent, which may run yet
        shutil.copytree(tmp_path / "config", tmp_path / "config-before", ignore=sockets)
        asleep = client(root)
        assert asleep.update() == ""
        shutil.copytree(tmp_path / "client", tmp_path / "client-before")
        operations = killed(tmp_path, new, at=0)
        assert operations > POINTS, "each point is another operation"
        seen = []
        for point in sorted({1 + number * (operations - 1) // (POINTS - 1) for number in range(POINTS)}):
            restored(tmp_path / "before", root)
            restored(tmp_path / "config-before", tmp_path / "config")
            restored(tmp_path / "client-before", tmp_path / "client")
            killed(tmp_path, new, at=point)
            machine = client(root, name=f"client-{point}")
            assert (machine.update(), asleep.update()) == ("", ""), point
            seen.append(candidate(machine))
            assert candidate(asleep) == seen[-1], point
            assert "other 1.0" in repo("add", next_one), point
            assert asleep.update() == "", point
            assert candidate(asleep, "other") == "1.0", point
            assert candidate(asleep) in ("1.0", "1.1"), point
            repo("add", new)
            assert asleep.update() == "", point
            assert candidate(asleep) == "1.1", point
            assert "suites are healthy, signed by" in repo("verify"), point
        assert len(seen) == POINTS
        assert seen == sorted(seen)
        assert set(seen) == {"1.0", "1.1"}


def killed(folder: Path, deb: Path, *, at: int) -> int:
    """Add a deb and be killed ``at`` an operation; or, if that is 0, return how many there are."""
    publisher = started("add", deb, program=("dying", str(at), str(folder / "apt")))
    output, problems = publisher.communicate()
    assert publisher.returncode == (-signal.SIGKILL if at else 0), output + problems
    return 0 if at else int(problems.splitlines()[-1])


class Disk:
    """A file system in memory, in a mount namespace of its own; ``folder`` is where it is seen."""

    def __init__(self, place: Path, size: str) -> None:
        place.mkdir()
        words = 'mount -t tmpfs -o size="$1" disk "$2" && echo mounted && exec sleep infinity'
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", words, "sh", size, place], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == "mounted\n"
        self._place = place
        self.folder = Path(f"/proc/{self._holder.pid}/root{place}")

    def remount(self, option: str) -> None:
        inside = ["nsenter", "--mount", "--target", str(self._holder.pid)]
        run.run([*inside, "mount", "-o", f"remount,{option}", self._place])

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave: int) -> None:
        """Use the disk up but for ``leave`` bytes."""
        (self.folder / "ballast").unlink(missing_ok=True)
        (self.folder / "ballast").write_bytes(b"x" * (self.free - leave))

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk", "4m")
    try:
        yield made
    finally:
        made.close()


@pytest.mark.boot
class TestDisk:
    def test_that_is_full(self, root: Path, disk: Disk, tmp_path: Path) -> None:
        there = disk.folder / "apt"
        new = make_deb(tmp_path, version="1.1-1+deb13", files={"usr/share/hello/blob": random(20_000)})
        machine = client(root, f"file:{there}")
        seen: list[str] = []
        while True:
            refused = len(seen)
            restored(root, there)
            known(there)
            disk.fill(leave=4096 * refused)
            with started("add", new, "-r", there) as publisher:
                problems = publisher.communicate()[1]
            assert machine.update() == "", refused
            if publisher.returncode == 0:
                break
            assert publisher.returncode == 9, problems
            assert "There is no space left on the disk to write" in problems
            assert "Traceback" not in problems
            seen.append(candidate(machine))
            assert not list(there.rglob(".new.*")), refused
            (disk.folder / "ballast").unlink()
            repo("add", new, "-r", there)
            assert machine.update() == "", refused
            assert candidate(machine) == "1.1", refused
            shutil.rmtree(tmp_path / "client")
            machine = client(root, f"file:{there}")
        assert candidate(machine) == "1.1"
        assert seen == sorted(seen), "from what was there to what was to come"
        assert seen.count("1.0") > 10

    def test_that_is_read_only(self, root: Path, disk: Disk, tmp_path: Path) -> None:
        there = disk.folder / "apt"
        restored(root, there)
        known(there)
        machine = client(root, f"file:{there}")
        disk.remount("ro")
        output = repo("add", make_deb(tmp_path, "other"), "-r", there, code=9)
        assert "cannot be read or written: Read-only file system" in output
        assert (
            "Give this account write access to the folder of the repository, or use an account that has it."
        ) in output
        assert machine.update() == ""
        assert candidate(machine) == "1.0"
        assert "hello" in repo("list", "-r", there)
        assert "suites are healthy, signed by" in repo("verify", "-r", there)
        disk.remount("rw")
        repo("add", make_deb(tmp_path, "other"), "-r", there)
        assert machine.update() == ""
        assert candidate(machine, "other") == "1.0"


def random(count: int) -> str:
    """Text that cannot be compressed to less than half."""
    return os.urandom(count // 2).hex()


class TestDropped:
    """A connection that ends after some bytes."""

    def test_a_client_keeps_what_it_has_and_goes_on(
        self, root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        deb = make_deb(tmp_path, "big", files={"usr/share/big/blob": random(200_000)})
        with served(root) as (address, log), broken(address) as (through, allow):
            machine = client(root, through)
            assert machine.update() == ""
            repo("add", deb)
            for count in (0, 1, 100, 700, 1500):
                allow(count)
                assert machine.update(), count
                assert candidate(machine) == "1.0", count
                assert candidate(machine, "big") == "", count
            allow(None)
            assert machine.update() == ""
            allow(100_000)
            fetched = machine.run("install", "--yes", "--download-only", "big")
            assert fetched.status == 100
            assert "Hash Sum mismatch" not in fetched.stderr
            allow(None)
            fetched = machine.run("install", "--yes", "--download-only", "big")
            assert fetched.status == 0, fetched.stderr
            assert '" 206 ' in log[-1], "it goes on where the connection ended"
            (got,) = (machine.folder / "cache/archives").glob("big*.deb")
            assert got.read_bytes() == deb.read_bytes()
        assert capfd.readouterr().err == ""


@contextmanager
def broken(address: str) -> Iterator[tuple[str, Callable[[int | None], None]]]:
    """Give another address for a server, and what says after how many bytes it hangs up."""
    host, _, port = address.removeprefix("http://").partition(":")
    allowed: list[int | None] = [None]

    def carry(source: socket.socket, sink: socket.socket, count: int | None) -> None:
        with source, sink, suppress(OSError):
            while (count is None or count > 0) and (data := source.recv(min(count or 4096, 4096))):
                sink.sendall(data)
                count = None if count is None else count - len(data)
            for end in (source, sink):  # to close it is not enough where another thread waits for it
                end.shutdown(socket.SHUT_RDWR)

    def listen() -> None:
        while True:
            try:
                near, _ = front.accept()
            except OSError:
                return
            far = socket.create_connection((host, int(port)))
            for source, sink, count in ((near, far, None), (far, near, allowed[0])):
                threading.Thread(target=carry, args=(source, sink, count), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as front:
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"http://127.0.0.1:{front.getsockname()[1]}", lambda count: allowed.__setitem__(0, count)
        finally:
            front.shutdown(socket.SHUT_RDWR)
            thread.join()
