"""A repository in a bucket, before an S3-compatible server and apt."""

from __future__ import annotations

import random
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aptclient import Client
from click.testing import CliRunner
from cutter import cutting
from debs import make_deb
from s3 import S3, serving
from scribe import Scribe
from together import TIMES, believing, publish_together

from debonair.cli import main as cli
from debonair.repository.publish import Repository
from debonair.repository.storage import locate

pytestmark = pytest.mark.long

NAME = "acme"
ADDRESS = "s3://fleet/apt"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serving() as running:
        yield running


@pytest.fixture
def s3(server: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A server with an empty bucket, and an author who may write it."""
    server.bucket("fleet")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DEBONAIR_REPOSITORY", ADDRESS)
    monkeypatch.setenv("DEBONAIR_PUBLISHER", "ada@example")
    as_(monkeypatch, server.environment())
    server.asked.clear()
    yield server
    server.private = False
    server.lose = lambda _: False
    for name in server.objects("fleet"):
        server.client("s3").delete_object(Bucket="fleet", Key=name)
    server.client("s3").delete_bucket(Bucket="fleet")


def as_(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)


def repo(*words: str | Path, code: int = 0) -> str:
    """Run ``debonair repo``; return what it said."""
    done = CliRunner().invoke(cli.main, ["repo", *map(str, words)])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


@pytest.fixture
def uri(s3: S3) -> str:
    """Make a repository in the bucket; return where clients read it."""
    uri = f"{s3.url}/fleet/apt"
    assert repo("init", ADDRESS, "--name", NAME, "--url", uri).startswith(f"{ADDRESS}: repository '{NAME}'")
    return uri


def client(folder: Path, uri: str) -> Client:
    keyring = folder / "keyring"
    with urllib.request.urlopen(f"{uri}/acme-archive-keyring.gpg") as answer:
        keyring.write_bytes(answer.read())
    return Client(folder / "client", uri, keyring)


class TestClients:
    def test_a_deb_is_published_upgraded_to_and_taken_back(self, s3: S3, uri: str, tmp_path: Path) -> None:
        deb = make_deb(tmp_path, files={"usr/share/hello/blob": "x" * 200_000})
        output = repo("publish", deb, "--to", ADDRESS)
        assert output == f"hello 1.0-1+deb13 amd64 in trixie\nClients read it at {uri}\n"
        machine = client(tmp_path, uri)
        assert machine.update() == ""
        assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
        assert machine.run("install", "--yes", "--download-only", "hello").status == 0
        (got,) = (machine.folder / "cache/archives").glob("hello*.deb")
        assert got.read_bytes() == deb.read_bytes()
        repo("publish", make_deb(tmp_path, version="1.1-1+deb13"), "--channel", "testing")
        repo("promote", "hello", "1.1")
        assert machine.update() == ""
        assert machine.would("install", "hello") == ["hello 1.1-1+deb13"]
        assert "returned to 1.0-1" in repo("rollback", "hello")
        assert machine.update() == ""
        assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
        assert "suites are healthy, signed by" in repo("verify")
        assert repo("history").count("ada@example") == 5

    def test_what_caches_are_told(self, uri: str, tmp_path: Path) -> None:
        repo("publish", make_deb(tmp_path))
        for path, kind, kept in (
            ("index.html", "text/html; charset=utf-8", False),
            ("index.json", "application/json", False),
            ("dists/trixie/InRelease", "text/plain; charset=utf-8", False),
            ("dists/trixie/main/binary-amd64/Packages.xz", "application/x-xz", False),
            ("pool/h/hello/hello_1.0-1%2bdeb13_amd64.deb", "application/vnd.debian.binary-package", True),
        ):
            with urllib.request.urlopen(f"{uri}/{path}") as answer:
                assert answer.headers["Content-Type"] == kind
                expected = "max-age=31536000, immutable" if kept else "no-cache"
                assert answer.headers["Cache-Control"] == expected

    def test_two_changes_in_one_second_have_two_times(self, uri: str, tmp_path: Path) -> None:
        """apt asks with If-Modified-Since: who came between the two must get the second."""
        times = []
        for version in ("1.0", "1.1", "1.2"):
            repo("publish", make_deb(tmp_path, version=f"{version}-1+deb13"))
            with urllib.request.urlopen(f"{uri}/dists/trixie/InRelease") as answer:
                times.append(answer.headers["Last-Modified"])
        assert len(set(times)) == 3

    def test_only_what_is_missing_is_sent(self, s3: S3, uri: str, tmp_path: Path) -> None:
        deb = make_deb(tmp_path, files={"usr/share/hello/blob": random.Random(1).randbytes(100_000).hex()})
        repo("publish", deb)
        s3.asked.clear()
        assert "This version is already published" in repo("publish", deb)
        repo("publish", deb, "--channel", "testing")
        assert [line for line in s3.asked if line.startswith("PUT") and "/pool/" in line] == []

    def test_what_nothing_names_is_swept(self, s3: S3, uri: str, tmp_path: Path) -> None:
        assert "0 files removed" in repo("prune")
        s3.client("s3").put_object(Bucket="fleet", Key="apt/pool/x/x/x_1_all.deb", Body=b"left")
        assert "0 files removed" in repo("prune"), "it is young"


class TestAccounts:
    def test_who_may_write(self, s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        key = s3.user("ada")
        s3.private = True
        as_(monkeypatch, s3.environment(key))
        uri = f"{s3.url}/fleet/apt"
        repo("init", ADDRESS, "--name", NAME, "--url", uri)
        repo("publish", make_deb(tmp_path))
        machine = client(tmp_path, uri)
        assert machine.update() == ""
        assert machine.would("install", "hello") == ["hello 1.0-1+deb13"]
        assert "suites are healthy, signed by" in repo("verify")

    def test_the_credentials_of_the_aws_cli(
        self, s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (key, secret), home = s3.user("bob"), tmp_path / ".aws"
        home.mkdir()
        text = f"[work]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        (home / "credentials").write_text(text)
        (home / "config").write_text(f"[profile work]\nregion = eu-central-1\nendpoint_url = {s3.url}\n")
        for name in s3.environment():
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "work")
        s3.private = True
        repo("init", ADDRESS, "--name", NAME)
        assert repo("list") == ""

    @pytest.mark.parametrize("verb", ["init", "publish", "rollback", "renew"])
    def test_a_bucket_that_may_only_be_read(
        self, s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str
    ) -> None:
        if verb != "init":
            repo("init", ADDRESS, "--name", NAME)
            for version in ("1.0", "1.1"):
                repo("publish", make_deb(tmp_path, version=f"{version}-1+deb13"))
        before = s3.objects("fleet")
        as_(monkeypatch, s3.environment(s3.user(f"reader-{verb}", ["GetObject", "ListBucket"])))
        s3.private = True
        words: dict[str, tuple[str | Path, ...]] = {
            "init": (ADDRESS, "--name", "other"),
            "publish": (make_deb(tmp_path, version="1.2-1+deb13"),),
            "rollback": ("hello",),
        }
        output = repo(verb, *words.get(verb, ()), code=11)
        assert f"Error: These credentials do not allow {ADDRESS} to be written: AccessDenied." in output
        assert "The repository was not changed." in output
        s3.private = False
        assert s3.objects("fleet") == before
        if verb == "init":
            assert not (tmp_path / "config/debonair/repositories/other").exists()
            assert "There is no repository in s3://fleet/apt" in repo("list", code=11)

    def test_a_secret_that_is_wrong(self, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
        s3.private = True
        as_(monkeypatch, s3.environment(("AKIANOBODY", "x")))
        assert "to be read: InvalidAccessKeyId." in repo("list", code=11)

    def test_a_bucket_that_is_not_there(self, s3: S3, tmp_path: Path) -> None:
        for words in (("list", "-r", "s3://nothing"), ("init", "s3://nothing", "--name", NAME)):
            assert "There is no bucket at s3://nothing." in repo(*words, code=11)
        assert not (tmp_path / "config").exists()


class TestPublishers:
    def test_two_at_once(self, s3: S3, tmp_path: Path) -> None:
        def publisher(who: str, scribe: Scribe, clock: Callable[[], int]) -> Repository:
            environ = {**s3.environment(), "HOME": "/nonexistent"}
            storage = locate.storage(ADDRESS, environ, clock=clock)
            trust = believing(storage, scribe, tmp_path)
            return Repository(storage, lambda _: scribe, trust, clock=clock, who=who)

        publish_together(publisher, tmp_path)
        lost = sum(line == "PUT /fleet/apt/state/head.json" for line in s3.asked)
        assert lost > 2 * TIMES + 1, f"they never met: {lost} commits were tried"


class TestConnection:
    def test_an_answer_that_is_lost_is_not_asked_for_twice(self, s3: S3, uri: str, tmp_path: Path) -> None:
        for version in ("1.0", "1.1", "1.2"):
            repo("publish", make_deb(tmp_path, version=f"{version}-1+deb13"))
        seen: set[str] = set()

        def first(line: str) -> bool:
            new = line.startswith("PUT") and line not in seen
            seen.add(line)
            return new

        s3.lose = first
        assert repo("rollback", "hello") == "hello returned to 1.1-1+deb13 amd64 in trixie\n"
        assert any(line.endswith("head.json") for line in seen)
        assert repo("history").count("hello returned to") == 1
        assert "suites are healthy, signed by" in repo("verify")

    @pytest.mark.parametrize("after", [100, 5_000, 12_000, 20_000, 30_000, 45_000, 60_000, 80_000])
    def test_a_connection_that_is_cut(
        self, s3: S3, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        repo("publish", make_deb(tmp_path))
        machine = client(tmp_path, uri)
        deb = make_deb(tmp_path, version="1.1-1+deb13")
        with cutting(s3.server.port, after) as cut:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{cut}")
            output = repo("publish", deb, code=8)
            assert f"Error: {ADDRESS} could not be " in output
            assert "Clients always see a complete repository." in output
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
        assert machine.update() == ""
        offered = machine.would("install", "hello")
        assert offered in (["hello 1.0-1+deb13"], ["hello 1.1-1+deb13"])
        repo("publish", deb)
        assert machine.update() == ""
        assert machine.would("install", "hello") == ["hello 1.1-1+deb13"]
        assert "suites are healthy, signed by" in repo("verify")
        assert repo("history").count("hello 1.1-1") == 1

    def test_nobody_answers(self, s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        output = repo("init", ADDRESS, "--name", NAME, code=8)
        assert f"Error: {ADDRESS} could not be read: " in output
        assert not (tmp_path / "config").exists()
