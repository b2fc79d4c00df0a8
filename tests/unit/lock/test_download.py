from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from debonair.errors import NetworkError, WheelError
from debonair.host.cache import Cache
from debonair.lock import download as module
from debonair.lock.download import fetch, place
from debonair.lock.model import File

NOTHING = {"PIP_CONFIG_FILE": "/dev/null"}  # pip is configured nowhere
DATA = b"the bytes of a wheel" * 10_000


def file(name: str, data: bytes = DATA, url: str | None = None) -> File:
    return File(
        name, hashlib.sha256(data).hexdigest(), url if url is not None else f"https://index.example/{name}"
    )


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def left(cache: Cache) -> list[str]:
    return sorted(path.name for path in (cache.root / "wheels").rglob("*") if path.is_file())


class Index:
    def __init__(self, *, data: bytes = DATA, breaks: int = 0, error: OSError | None = None) -> None:
        self.data, self.breaks, self.error = data, breaks, error
        self.asked: list[str] = []

    @contextmanager
    def get(self, url: str) -> Iterator[Iterable[bytes]]:
        self.asked.append(url)
        if self.error:
            raise self.error
        yield self.pieces()

    def pieces(self) -> Iterator[bytes]:
        yield self.data[:1000]
        if len(self.asked) <= self.breaks:
            raise ConnectionResetError("index.example broke off")
        yield self.data[1000:]


def test_keeps_what_it_fetched(cache: Cache) -> None:
    index = Index()
    wanted = [file("a.whl"), file("b.whl"), file("a.whl")]
    paths = fetch(wanted, cache, {}, get=index.get)
    assert [path.read_bytes() for path in paths] == [DATA] * 3
    assert sorted(index.asked) == ["https://index.example/a.whl", "https://index.example/b.whl"]
    assert fetch(wanted, cache, {}, get=Index(error=OSError("no")).get) == paths


def test_fetches_side_by_side(cache: Cache) -> None:
    meeting = threading.Barrier(3, timeout=10)

    @contextmanager
    def get(url: str) -> Iterator[Iterable[bytes]]:
        meeting.wait()  # broken unless three are under way at once
        yield [DATA]

    assert len(fetch([file(name) for name in "abc"], cache, {}, get=get)) == 3


def test_refuses_other_bytes_and_keeps_none_of_them(cache: Cache) -> None:
    with pytest.raises(WheelError) as wrong:
        fetch([file("a.whl")], cache, {}, get=Index(data=b"evil").get)
    assert "a.whl" in wrong.value.message
    assert hashlib.sha256(b"evil").hexdigest() in wrong.value.message
    assert file("a.whl").sha256 in wrong.value.message
    assert left(cache) == []


def test_tries_again_if_the_connection_breaks_off(cache: Cache) -> None:
    index = Index(breaks=2)
    assert fetch([file("a.whl")], cache, {}, get=index.get)[0].read_bytes() == DATA
    assert len(index.asked) == 3


def test_gives_up_in_the_end(cache: Cache) -> None:
    with pytest.raises(NetworkError, match=r"1 of the locked files.*broke off.*a\.whl"):
        fetch([file("a.whl")], cache, {}, get=Index(breaks=9).get)
    assert left(cache) == []


def test_names_all_that_is_missing_and_does_not_begin_more(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    index = Index(error=ConnectionError("no route"))
    with pytest.raises(
        NetworkError, match=r"2 of the locked files .*\(no route\): a\.whl, b\.whl"
    ) as wrong:
        fetch([file("a.whl"), file("b.whl")], cache, {}, get=index.get)
    assert "network" in wrong.value.hint
    assert len(index.asked) == 1


def test_other_bytes_weigh_more_than_no_network(cache: Cache) -> None:
    @contextmanager
    def get(url: str) -> Iterator[Iterable[bytes]]:
        if url.endswith("a.whl"):
            meeting.wait()
            raise ConnectionError("no route")
        meeting.wait()
        yield [b"evil"]

    meeting = threading.Barrier(2, timeout=10)
    with pytest.raises(WheelError):
        fetch([file("a.whl"), file("b.whl")], cache, {}, get=get)


def test_a_file_without_address(cache: Cache) -> None:
    with pytest.raises(NetworkError, match="no address"):
        fetch([file("a.whl", url="")], cache, {}, get=Index().get)


def test_takes_files_of_this_machine(cache: Cache, tmp_path: Path) -> None:
    source = tmp_path / "a b.whl"
    source.write_bytes(DATA)
    assert fetch([file("a b.whl", url=source.as_uri())], cache, NOTHING)[0].read_bytes() == DATA


def test_a_file_of_this_machine_that_is_gone(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="No such file"):
        fetch([file("a.whl", url=(tmp_path / "a.whl").as_uri())], cache, NOTHING)


class Answer:
    """What requests gives, as far as it is used."""

    url = "https://index.example/a.whl"
    reason = "Not Found"

    def __init__(self, status: int, *, broken: bool = False) -> None:
        self.status_code, self.broken = status, broken

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise requests.HTTPError("no", response=self)  # type: ignore[arg-type]

    def iter_content(self, _: int) -> Iterator[bytes]:
        if self.broken:
            raise requests.exceptions.ChunkedEncodingError("broken")
        yield DATA


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Answers that requests gives one after another; each request is noted behind them."""
    answers: list[Any] = []

    def get(session: requests.Session, url: str, **given: Any) -> Answer:
        answers.append((url, given, session.verify))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer

    monkeypatch.setattr(requests.Session, "get", get)
    return answers


def test_over_http(cache: Cache, web: list[Any]) -> None:
    web.append(Answer(200))
    environ = {
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_INDEX_URL": "https://me:pass%20word@index.example/simple",
    }
    assert fetch([file("a.whl")], cache, environ)[0].read_bytes() == DATA
    ((url, given, verify),) = web
    assert url == "https://index.example/a.whl"
    assert given["auth"] == ("me", "pass word")
    assert given["stream"]
    assert verify is True


@pytest.mark.parametrize(
    ("environ", "verify"),
    [
        ({"PIP_CERT": "/etc/own.pem"}, "/etc/own.pem"),
        ({"PIP_CERT": "/etc/own.pem", "REQUESTS_CA_BUNDLE": "/etc/other.pem"}, True),
    ],
)
def test_trusts_whom_pip_trusts(
    cache: Cache, web: list[Any], environ: dict[str, str], *, verify: bool | str
) -> None:
    web.append(Answer(200))
    fetch([file("a.whl")], cache, {**NOTHING, **environ})
    assert web[0][2] == verify


def test_a_password_that_is_missing(cache: Cache, web: list[Any]) -> None:
    web.append(Answer(401))
    with pytest.raises(NetworkError, match="answered 401") as caught:
        fetch([file("a.whl")], cache, NOTHING)
    assert "~/.netrc" in caught.value.hint


def test_says_what_a_server_answered(cache: Cache, web: list[Any]) -> None:
    web.append(Answer(404))
    with pytest.raises(NetworkError, match=r"index\.example answered 404 Not Found"):
        fetch([file("a.whl")], cache, NOTHING)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (requests.ConnectionError, "cannot be reached"),
        (requests.ConnectTimeout, "did not answer in time"),
    ],
)
def test_says_which_server_is_not_reached(
    cache: Cache, web: list[Any], kind: type[requests.RequestException], message: str
) -> None:
    web.append(kind("long text", request=requests.Request("GET", "https://index.example/a.whl")))
    with pytest.raises(NetworkError, match=rf"index\.example {message}"):
        fetch([file("a.whl")], cache, NOTHING)


def test_a_body_that_breaks_off_is_asked_for_again(cache: Cache, web: list[Any]) -> None:
    web += [Answer(200, broken=True), Answer(200)]
    assert fetch([file("a.whl")], cache, NOTHING)[0].read_bytes() == DATA


def test_place(cache: Cache) -> None:
    assert place(file("a.whl"), cache) == cache.root / "wheels" / file("a.whl").sha256 / "a.whl"


def test_two_builds_fetch_a_file_once(cache: Cache) -> None:
    asked: list[str] = []
    both = threading.Barrier(2, timeout=0.5)

    @contextmanager
    def get(url: str) -> Iterator[Iterable[bytes]]:
        asked.append(url)
        with suppress(threading.BrokenBarrierError):
            both.wait()  # the other build has time to begin the same download
        yield [DATA]

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fetch, [file("a.whl")], cache, {}, get=get) for _ in range(2)]
        assert [job.result()[0].read_bytes() for job in jobs] == [DATA, DATA]
    assert asked == ["https://index.example/a.whl"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8773\\@index.example/a.whl",
        "http://127.0.0.1:8773\\@index.example:80/a.whl",
        "http://index.example\t@127.0.0.1/a.whl",
        "http://index.example @127.0.0.1/a.whl",
        "http://[index.example]@127.0.0.1/a.whl",
        "http://[::1/a.whl",
        "http://index.example:x/a.whl",
    ],
)
def test_an_address_of_two_servers_is_not_opened(url: str, cache: Cache, web: list[Any]) -> None:
    """A password for the one server would be sent to the other."""
    with pytest.raises(NetworkError, match="does not name one server"):
        fetch([file("a.whl", url=url)], cache, NOTHING)
    assert web == []


@pytest.mark.parametrize(
    "url",
    ["https://index.example/a.whl", "https://me:secret@Index.Example:8443/a.whl", "http://[::1]:80/a.whl"],
)
def test_an_address_of_one_server_is_opened(url: str, cache: Cache, web: list[Any]) -> None:
    web.append(Answer(200))
    assert fetch([file("a.whl", url=url)], cache, NOTHING)[0].read_bytes() == DATA


def test_a_pipe_of_this_machine_is_not_waited_for(cache: Cache, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.whl")
    with pytest.raises(NetworkError, match="is not a regular file"):
        fetch([file("a.whl", url=(tmp_path / "a.whl").as_uri())], cache, NOTHING)
