"""A publisher with two repositories, and somebody who may write to where they are kept and has no key."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from aptclient import Client
from s3 import S3, serving
from sshd import HOST, running
from writer import BUCKET, BucketWriter, FolderWriter, Publisher, Writer, put_back, snapshot

from debonair.repository.pins import Pins
from debonair.repository.storage.locate import identity


@pytest.fixture(scope="session")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with running(tmp_path_factory.mktemp("sshd") / "files") as environ:
        yield environ


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with serving() as server:
        yield server


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """Somebody whose keys and pins are in a home of the test's own."""
    _publish_from(tmp_path, monkeypatch)
    return Publisher(tmp_path)


def _publish_from(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("HOME", str(folder / "home"))
    patch.setenv("XDG_CONFIG_HOME", str(folder / "home/config"))
    patch.setenv("DEBONAIR_PUBLISHER", "ada@example")
    patch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def folder(publisher: Publisher) -> Writer:
    """The attacker, in front of a folder of the publisher's machine."""
    return FolderWriter(publisher.folder / "apt", str(publisher.folder / "apt"))


@pytest.fixture(params=["folder", "ssh", "bucket"])
def writer(request: pytest.FixtureRequest, publisher: Publisher, folder: Writer) -> Iterator[Writer]:
    """The attacker, in front of each kind of storage."""
    if request.param == "folder":
        yield folder
    elif request.param == "ssh":
        monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        for key, value in request.getfixturevalue("ssh").items():
            monkeypatch.setenv(key, value)
        root = publisher.folder / "apt"
        yield FolderWriter(root, f"{HOST}:{root}")
    else:
        server: S3 = request.getfixturevalue("s3")
        monkeypatch = request.getfixturevalue("monkeypatch")
        for key, value in server.environment().items():
            monkeypatch.setenv(key, value)
        server.bucket(BUCKET)
        yield BucketWriter(server)
        for name in server.objects(BUCKET):
            server.client("s3").delete_object(Bucket=BUCKET, Key=name)
        server.client("s3").delete_bucket(Bucket=BUCKET)


@dataclass(frozen=True)
class Begun:
    """A repository right after its first version, and its publisher's configuration."""

    address: str
    files: Mapping[str, bytes]
    config: Path


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """The repository acme, which offers ``hello`` 1.0, to copy: to make it takes seconds by ssh."""
    home = tmp_path_factory.mktemp("begun")
    writer = FolderWriter(home / "apt", str(home / "apt"))
    with pytest.MonkeyPatch.context() as patch:
        _publish_from(home, patch)
        Publisher(home).begin("acme", writer.address)
    return Begun(writer.address, snapshot(writer), home / "home/config/debonair")


@pytest.fixture
def acme(publisher: Publisher, writer: Writer, begun: Begun) -> Publisher:
    """The publisher of acme, which offers ``hello`` 1.0."""
    put_back(writer, dict(begun.files))
    if isinstance(writer, FolderWriter):
        (writer.root / ".lock").touch()
    config = publisher.folder / "home/config/debonair"
    shutil.copytree(begun.config, config, ignore=shutil.ignore_patterns("S.*"))  # sockets of gpg-agent
    pins = Pins(config / "places")
    pin = pins.load(begun.address)
    assert pin
    pins.save(msgspec.structs.replace(pin, place=identity(writer.address)))
    pins.forget(begun.address)
    publisher.address = writer.address
    publisher.deb("1.0")
    return publisher


@pytest.fixture
def client(tmp_path: Path, acme: Publisher, writer: Writer) -> Client:
    """A machine that follows acme, by its key, and has seen ``hello`` 1.0 there."""
    keyring = tmp_path / "keyring"
    keyring.write_bytes(writer.read("acme-archive-keyring.gpg"))
    machine = Client(tmp_path / "client", writer.uri, keyring)
    assert machine.update() == ""
    assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
    return machine


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert not [path for path in tmp_path.rglob(".new.*") if path.is_file()]
