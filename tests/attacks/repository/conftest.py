"""A publisher with two repositories, and somebody who may write to where they are kept and has no key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aptclient import Client
from s3 import S3, serving
from sshd import HOST, running
from writer import BUCKET, BucketWriter, FolderWriter, Publisher, Writer


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
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/config"))
    monkeypatch.setenv("DEBONAIR_PUBLISHER", "ada@example")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return Publisher(tmp_path)


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


@pytest.fixture
def acme(publisher: Publisher, writer: Writer) -> Publisher:
    """The publisher of acme, which offers ``hello`` 1.0."""
    return publisher.begin("acme", writer.address)


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
