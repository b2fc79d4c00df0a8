"""A repository in a folder of another machine, before sshd and apt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from aptclient import Client
from click.testing import CliRunner
from cutter import cutting
from debs import make_deb
from scribe import Scribe
from sshd import HOST, running
from together import believing, publish_together

from debonair.cli import main as cli
from debonair.cli.repo import publisher
from debonair.errors import MachineError, NetworkError
from debonair.repository import state
from debonair.repository.publish import Repository
from debonair.repository.storage import locate, ssh
from debonair.repository.storage.locate import identity as place_of
from debonair.repository.storage.protocol import Conflict

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with running(tmp_path_factory.mktemp("sshd") / "files") as environ:
        yield environ


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DEBONAIR_REPOSITORY", f"{HOST}:{tmp_path}/the apt")
    for key, value in environment.items():
        monkeypatch.setenv(key, value)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "the apt"


@pytest.fixture
def shelf(root: Path) -> ssh.Remote:
    return ssh.open_(f"ssh://{HOST}{str(root).replace(' ', '%20')}")


def repo(*words: str | Path, code: int = 0) -> str:
    """Run ``debonair repo``; return what it said."""
    done = CliRunner().invoke(cli.main, ["repo", *map(str, words)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def listed(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_deb_is_published_and_fetched(root: Path, tmp_path: Path) -> None:
    output = repo("init", f"{HOST}:{root}", "--name", "acme", "--url", "https://apt.example.org")
    assert output.startswith(f"{HOST}:{root}: repository 'acme'")
    repo("publish", make_deb(tmp_path))
    repo("publish", make_deb(tmp_path, version="1.1-1+deb13"), "--channel", "testing")
    repo("promote", "hello", "1.1")
    assert "returned to 1.0-1" in repo("rollback", "hello")
    assert "suites are healthy, signed by" in repo("verify")
    repo("trust", "-r", root, "--name", "acme")
    assert "suites are healthy, signed by" in repo("verify", "-r", root), "it is a folder like any other"
    assert "0 files removed" in repo("prune")
    machine = Client(
        tmp_path / "client", f"copy:{root}".replace(" ", "%20"), root / "acme-archive-keyring.gpg"
    )
    assert machine.update() == ""
    assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
    assert not [name for name in listed(root) if ".new." in name]


def test_what_a_storage_does(shelf: ssh.Remote, root: Path) -> None:
    assert shelf.read("a/b", 1 << 20) is None
    assert shelf.size("a/b") is None
    assert list(shelf.list("a/")) == []
    shelf.remove("a/b")
    assert not root.exists()
    data = bytes(range(256)) * 1000
    assert shelf.add("a/it's $HOME;+~", data)
    os.utime(root / "a/it's $HOME;+~", (1, 1))
    assert not shelf.add("a/it's $HOME;+~", b"2")
    assert (root / "a/it's $HOME;+~").stat().st_mtime > 1, "it is wanted again"
    found = shelf.read("a/it's $HOME;+~", 1 << 20)
    assert found is not None
    assert found.data == data
    assert shelf.size("a/it's $HOME;+~") == len(data)
    assert [(each.path, each.size) for each in shelf.list("a/")] == [("a/it's $HOME;+~", len(data))]
    assert (root / "a/it's $HOME;+~").stat().st_mode & 0o777 == 0o644
    shelf.remove("a/it's $HOME;+~")
    assert list(root.iterdir()) == []


def test_a_file_is_replaced_by_who_has_read_it(shelf: ssh.Remote, root: Path) -> None:
    times = []
    tag = None
    for text in (b"1", b"2", b"3"):
        shelf.replace("head", text, tag)
        times.append(int((root / "head").stat().st_mtime))
        for other in (None, "0" * 64, tag):
            with pytest.raises(Conflict):
                shelf.replace("head", b"x", other)
        found = shelf.read("head", 1 << 20)
        assert found is not None
        assert found.data == text
        tag = found.tag
    assert times == [times[0], times[0] + 1, times[0] + 2]
    shelf.replace("head", b"3", "0" * 64)  # who did not hear that it had written it
    assert listed(root) == [".lock", "head"]


def test_what_is_cut_off_has_no_name(shelf: ssh.Remote, root: Path) -> None:
    """What a connection that ends in the middle leaves of the data is compared with its hash."""

    class Cut(ssh.Ssh):
        def ask(self, request: str, data: bytes, limit: int) -> tuple[int, bytes]:
            self._in.write(request.encode() + data[:-1])
            self._in.flush()
            self._in.close()
            self._in = open(os.devnull, "wb")  # noqa: PTH123, SIM115 - closed with the session
            return super().ask("", b"", limit)

    broken = ssh.open_(str(shelf), Cut)
    with pytest.raises(NetworkError, match=f"{HOST} cannot be reached by ssh: a file was truncated"):
        broken.add("a", b"123")
    with pytest.raises(NetworkError, match="truncated"):
        broken.replace("head", b"123", None)
    assert listed(root) == []


def test_a_disk_that_is_full_or_not_ours(shelf: ssh.Remote, root: Path) -> None:
    full = ssh.open_(f"{HOST}:/dev/full/apt")
    with pytest.raises(MachineError, match="/dev/full/apt cannot be read or written: "):
        full.add("a", b"1")
    odd = ssh.open_(f"{HOST}:/proc/apt")
    with pytest.raises(MachineError, match="/proc/apt cannot be read or written: mkdir: "):
        odd.add("a", b"1")
    (root / "a").mkdir(parents=True)
    with pytest.raises(MachineError, match="Is a directory"):
        shelf.read("a", 1 << 20)


def test_a_machine_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    output = repo("list", "-r", "ssh://127.0.0.1:1/apt", code=8)
    assert "Error: 127.0.0.1 cannot be reached by ssh: " in output
    assert "Connection refused" in output
    assert (
        "Check that 'ssh 127.0.0.1 true' works without a question, then run the command again. Clients "
        "always see a complete repository."
    ) in output


@pytest.mark.parametrize("after", [1_000, 10_000, 14_000, 18_000])
def test_a_connection_that_is_cut(root: Path, tmp_path: Path, after: int) -> None:
    repo("init", f"{HOST}:{root}", "--name", "acme")
    repo("publish", make_deb(tmp_path))
    deb = make_deb(tmp_path, version="1.1-1+deb13")
    with cutting(int(os.environ["SHELF_PORT"]), after) as port:
        place = f"ssh://{HOST}:{port}{str(root).replace(' ', '%20')}"
        pins = publisher.pins()
        known = pins.load(place_of(f"{HOST}:{root}"))
        assert known is not None
        pins.save(msgspec.structs.replace(known, place=place_of(place)))
        assert f"{HOST} cannot be reached by ssh: " in repo("publish", deb, "--to", place, code=8)
    machine = Client(
        tmp_path / "client", f"file:{root}".replace(" ", "%20"), root / "acme-archive-keyring.gpg"
    )
    assert machine.update() == ""
    assert machine.would("install", "hello")[0] in {"hello 1.0-1+deb13", "hello 1.1-1+deb13"}
    repo("publish", deb)
    assert machine.update() == ""
    assert machine.would("install", "hello") == ["hello 1.1-1+deb13"]
    assert "suites are healthy, signed by" in repo("verify")


def test_two_publishers_at_once(root: Path, tmp_path: Path) -> None:
    def publisher(who: str, scribe: Scribe, clock: Callable[[], int]) -> Repository:
        storage = locate.storage(f"{HOST}:{root}", {}, clock=clock)
        trust = believing(storage, scribe, tmp_path)
        return Repository(storage, lambda _: scribe, trust, clock=clock, who=who)

    bob = publish_together(publisher, tmp_path)
    written = hashlib.sha256((root / state.HEAD).read_bytes()).hexdigest()
    assert bob.trust.head()[1] == written
