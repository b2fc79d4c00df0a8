from __future__ import annotations

import builtins
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from obstore import exceptions
from repository import Archive

from debonair.errors import Error, MachineError, NetworkError, RepositoryError
from debonair.host import parallel
from debonair.repository import verify
from debonair.repository.storage import aws, bucket, locate
from debonair.repository.storage.bucket import Bucket
from debonair.repository.storage.folder import Folder
from debonair.repository.storage.protocol import Conflict, Found

HOUR = 3600


@dataclass
class Got:
    meta: dict[str, Any]
    data: bytes

    def bytes(self) -> bytes:
        return self.data


@dataclass
class Store:
    """An object store in memory, as the library shows one: ETags are those of the content."""

    now: float = 1_800_000_000
    objects: dict[str, Got] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    wrong: Callable[[str, str], None] = lambda verb, path: None
    lose: int = 0
    """How many writes are carried out and not answered, so that the library asks again."""

    def get(self, path: str) -> Got:
        self.wrong("get", path)
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]

    def head(self, path: str) -> dict[str, Any]:
        return self.get(path).meta

    def put(self, path: str, data: bytes, *, mode: Any, attributes: Any, use_multipart: bool) -> None:
        assert not use_multipart, "uWSGI ignored it, because it knows only no conditions"
        self.wrong("put", path)
        self.puts.append(path)
        have = self.objects.get(path)
        if mode == "create" and have:
            raise exceptions.AlreadyExistsError(path)
        if mode != "create" and (have is None or have.meta["e_tag"] != mode["e_tag"]):
            raise exceptions.PreconditionError(path)
        modified = datetime.fromtimestamp(self.now, UTC)
        meta = {"path": path, "size": len(data), "last_modified": modified, "version": None}
        self.objects[path] = Got({**meta, "e_tag": f'"{hash(data)}"'}, data)
        self.attributes[path] = attributes
        if self.lose:
            self.lose -= 1
            self.put(path, data, mode=mode, attributes=attributes, use_multipart=False)

    def list(self, folder: str) -> Iterator[list[dict[str, Any]]]:
        self.wrong("list", folder)
        yield [got.meta for path, got in sorted(self.objects.items()) if path.startswith(folder)]

    def delete(self, path: str) -> None:
        self.wrong("delete", path)
        if self.objects.pop(path, None) is None:
            raise FileNotFoundError(path)

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def fleet(store: Store) -> Bucket:
    return Bucket(cast("Any", store), "s3://fleet/apt", clock=lambda: int(store.now), pause=store.pause)


def test_what_never_changes(fleet: Bucket, store: Store) -> None:
    for data in (b"1", b"x" * 100_000):
        path = f"pool/{len(data)}"
        assert fleet.add(path, data)
        store.puts.clear()
        assert not fleet.add(path, data)
        assert store.puts == ([] if len(data) > 1 else [path]), (
            "only what is missing is sent, if it is much"
        )
        found = fleet.read(path, 1 << 20)
        assert found is not None
        assert found.data == data
        assert fleet.size(path) == len(data)
    assert store.attributes["pool/1"] == {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "max-age=31536000, immutable",
    }
    assert str(fleet) == "s3://fleet/apt"


def test_what_is_old_and_wanted_again(fleet: Bucket, store: Store) -> None:
    """Who sweeps must not take it for what a publisher has left."""
    fleet.add("pool/a", b"1")
    written = store.objects["pool/a"].meta["last_modified"]
    store.now += 13 * HOUR
    assert not fleet.add("pool/a", b"2")
    assert store.objects["pool/a"].meta["last_modified"] == written
    assert store.objects["pool/a"].data == b"1"
    assert not fleet.add("pool/a", b"1")
    assert store.objects["pool/a"].meta["last_modified"] > written


def test_what_is_not_there(fleet: Bucket) -> None:
    assert fleet.read("x", 1 << 20) is None
    assert fleet.size("x") is None
    assert list(fleet.list("x/")) == []
    fleet.remove("x")


def test_an_object_is_replaced_by_who_has_read_it(fleet: Bucket, store: Store) -> None:
    fleet.replace("state/head.json", b"1", None)
    first = fleet.read("state/head.json", 1 << 20)
    assert first is not None
    fleet.replace("state/head.json", b"2", first.tag)
    for tag in (first.tag, None, first.tag.replace('"', '"x')):
        with pytest.raises(Conflict):
            fleet.replace("state/head.json", b"3", tag)
    assert store.objects["state/head.json"].data == b"2"
    assert store.attributes["state/head.json"]["Cache-Control"] == "no-cache"


def test_an_answer_that_is_lost(fleet: Bucket, store: Store) -> None:
    store.lose = 1
    fleet.replace("state/head.json", b"1", None)
    found = fleet.read("state/head.json", 1 << 20)
    assert found is not None
    store.lose = 1
    fleet.replace("state/head.json", b"2", found.tag)
    assert store.objects["state/head.json"].data == b"2"


def test_two_changes_in_one_second_have_two_times(fleet: Bucket, store: Store) -> None:
    times = []
    for data in (b"1", b"2", b"3"):
        before = fleet.read("dists/trixie/InRelease", 1 << 20)
        fleet.replace("dists/trixie/InRelease", data, before.tag if before else None)
        times.append(int(store.now))
        assert store.objects["dists/trixie/InRelease"].data == data
    assert times == [times[0], times[0] + 1, times[0] + 2]


def test_the_list(fleet: Bucket, store: Store) -> None:
    fleet.add("pool/a", b"12")
    fleet.add("state/b", b"1")
    assert list(fleet.list("pool/")) == [Found("pool/a", 2, 1_800_000_000)]
    fleet.remove("pool/a")
    assert sorted(store.objects) == ["state/b"]


def test_a_whole_repository(fleet: Bucket, store: Store, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "apt", now=store.now)
    archive.storage = fleet
    archive.repository = archive.publisher()
    archive.init()
    for version in ("1.0", "1.1"):
        archive.now = store.now = store.now + 60
        archive.add(archive.deb(version=version))
    assert verify.verify(archive.draft, archive.scribe) == []
    assert archive.draft.head.generation == 3


@pytest.mark.parametrize(
    ("error", "kind", "message", "hint"),
    [
        (exceptions.PermissionDeniedError("<Code>AccessDenied</Code>"), RepositoryError,
         "to be {what}: AccessDenied.", "list, read, write and delete"),
        (exceptions.UnauthenticatedError("x: no - 401 Unauthorized: \n"), RepositoryError,
         "401 Unauthorized.", "The repository was not changed."),
        (exceptions.GenericError("PUT http://169.254.169.254/ - refused"), RepositoryError,
         "There are no credentials for s3://fleet/apt.", "AWS_PROFILE"),
        (exceptions.GenericError("x - Server returned 501 Not Implemented"), RepositoryError,
         "does not support conditional writes", "newer version"),
        (exceptions.GenericError("Error in 2ms - HTTP error: reset\n\nDebug"), NetworkError,
         "could not be {what}: HTTP error: reset.", "Clients always see a complete repository."),
        (exceptions.GenericError(""), NetworkError, "could not be {what}: it gives no reason.", "again"),
        (FileNotFoundError("NoSuchBucket"), RepositoryError, "There is no bucket at s3:", "endpoint"),
    ],
)  # fmt: skip
def test_what_goes_wrong(
    store: Store, error: Exception, kind: type[Error], message: str, hint: str
) -> None:
    fleet = Bucket(cast("Any", store), "s3://fleet/apt", clock=lambda: 0)

    def wrong(verb: str, path: str) -> NoReturn:
        raise error

    store.wrong = wrong
    for work, what in (
        (lambda: fleet.read("x", 1 << 20), "read"),
        (lambda: fleet.add("x", b"1"), "written"),
        (lambda: fleet.replace("x", b"1", None), "written"),
    ):
        with pytest.raises(kind) as refused:
            work()
        assert message.format(what=what) in refused.value.message
        assert hint in refused.value.hint


def test_a_bucket_that_went_away(fleet: Bucket, store: Store) -> None:
    def wrong(verb: str, path: str) -> NoReturn:
        raise exceptions.PreconditionError("404 <Code>NoSuchBucket</Code>")

    store.wrong = wrong
    with pytest.raises(RepositoryError, match="There is no bucket at s3://fleet/apt"):
        fleet.replace("x", b"1", "1 - x")


class TestOpen:
    def open(self, where: str, **environ: str) -> object:
        return locate.storage(where, {"HOME": "/nonexistent", **environ}, clock=lambda: 0)

    @pytest.mark.parametrize("where", ["s3://fleet", "s3://fleet/apt/", "gs://fleet/apt"])
    def test_a_bucket(self, where: str) -> None:
        assert str(self.open(where, AWS_ENDPOINT_URL="http://127.0.0.1:1")) == where.rstrip("/")

    def test_a_folder(self) -> None:
        for where in ("apt", "./a:b", "/srv/a:b"):
            assert isinstance(self.open(where), Folder)
            assert locate.folder(where) == Path(where)

    @pytest.mark.parametrize("where", ["shelf:apt", "ssh://shelf/apt"])
    def test_another_machine(self, where: str) -> None:
        assert str(self.open(where)) == where
        with pytest.raises(RepositoryError, match="is not a folder on this machine"):
            locate.folder(where)

    @pytest.mark.parametrize(
        ("where", "message"),
        [
            ("https://apt.example.org", "is not a place where a repository can be written."),
            ("s3:///apt", "is not a bucket"),
            ("s3://fleet?x=y", "is not a bucket"),
            ("az://fleet", "There are no credentials for az://fleet"),
        ],
    )
    def test_what_cannot_be(self, where: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
        with pytest.raises(RepositoryError, match=message) as refused:
            self.open(where)
        assert refused.value.hint

    def test_a_key_that_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "fleet")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "not base64")
        with pytest.raises(
            RepositoryError, match=r"az://fleet could not be opened: .*Access Key"
        ) as refused:
            self.open("az://fleet")
        assert "AZURE_STORAGE_ACCOUNT_KEY" in refused.value.hint

    def test_without_the_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        there = builtins.__import__

        def absent(name: str, *more: Any) -> Any:
            if name.startswith("obstore"):
                raise ImportError(name)
            return there(name, *more)

        monkeypatch.setattr(builtins, "__import__", absent)
        with pytest.raises(MachineError, match="is not installed") as refused:
            bucket.open_("s3://fleet", {}, clock=lambda: 0)
        assert "pipx install --force '.[bucket]'" in refused.value.hint


class TestProfile:
    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        folder = tmp_path / ".aws"
        folder.mkdir()
        (folder / "credentials").write_text(
            "[default]\naws_access_key_id = A\naws_secret_access_key = a%b\n"
            "[work]\naws_access_key_id = W\naws_secret_access_key = w\naws_session_token = t\n"
        )
        (folder / "config").write_text(
            "[default]\nregion = here\n"
            "[profile work]\nregion = there\nendpoint_url = http://s3\noutput = x\n"
        )
        return tmp_path

    def test_the_default(self, home: Path) -> None:
        found = aws.profile({"HOME": str(home)})
        assert found == {"access_key_id": "A", "secret_access_key": "a%b", "region": "here"}
        assert aws.profile({"HOME": "/nonexistent"}) == {}

    def test_one_by_its_name(self, home: Path) -> None:
        known = {"HOME": str(home), "AWS_PROFILE": "work"}
        assert aws.profile(known) == {
            "access_key_id": "W",
            "secret_access_key": "w",
            "session_token": "t",
            "region": "there",
            "endpoint": "http://s3",
        }
        more = {"AWS_ACCESS_KEY_ID": "E", "AWS_REGION": "r", "AWS_ENDPOINT_URL": "u"}
        assert aws.profile({**known, **more}) == {}, "the environment says more"

    def test_what_is_wrong(self, home: Path) -> None:
        with pytest.raises(RepositoryError, match="AWS_PROFILE is 'play', but"):
            aws.profile({"HOME": str(home), "AWS_PROFILE": "play"})
        (home / ".aws/config").write_text("region = x\n")
        with pytest.raises(RepositoryError, match="is not a valid file of the AWS CLI"):
            aws.profile({"HOME": str(home)})


class TestEach:
    def test_all_in_their_order(self, fleet: Bucket, tmp_path: Path) -> None:
        for storage in (fleet, Folder(tmp_path)):
            assert parallel.each(storage.at_once, lambda n: n * 2, list(range(100)), "x") == list(
                range(0, 200, 2)
            )
            assert parallel.each(storage.at_once, str, [], "x") == []

    def test_the_first_to_fail_ends_it(self, fleet: Bucket) -> None:
        begun = []

        def work(number: int) -> None:
            begun.append(number)
            time.sleep(0.05)
            raise Conflict(str(number))

        with pytest.raises(Conflict):
            parallel.each(fleet.at_once, work, list(range(1000)), "x")
        assert len(begun) < 1000


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ('Error parsing Path "apt/a/../x": Encountered illegal ".."', "with the key 'apt/a/../x'"),
        ('Path "apt//abs" contained empty path segment', "with the key 'apt//abs'"),
        (
            'Error parsing Path "apt/a\n\x1b[2J": Encountered illegal "\n"',
            r"with the key 'apt/a\n\x1b[2J'",
        ),
        (
            "another sentence \x1b[2J",
            r"an invalid name (Encountered object with invalid path: another sentence \x1b[2J)",
        ),
    ],
)
def test_a_key_that_no_path_can_be(fleet: Bucket, store: Store, message: str, key: str) -> None:
    def wrong(verb: str, path: str) -> None:
        raise exceptions.InvalidPathError(f"Encountered object with invalid path: {message}")

    store.wrong = wrong
    with pytest.raises(RepositoryError) as refused:
        list(fleet.list("pool/"))
    assert key in refused.value.message
    assert "Remove the object with the tools of the bucket's provider" in refused.value.hint
