from __future__ import annotations

from collections.abc import Callable
from queue import LifoQueue

import pytest

from debonair.errors import Error, MachineError, NetworkError, RepositoryError
from debonair.repository.storage import ssh
from debonair.repository.storage.protocol import Conflict, Found, TooLarge

Answer = tuple[int, bytes] | BaseException


class Sessions:
    """Sessions that answer what the test says, in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.places: list[tuple[str, str, int | None]] = []
        self.asked: list[tuple[str, bytes]] = []
        self.ended = 0

    def connect(self, host: str, folder: str, port: int | None) -> Sessions:
        self.places.append((host, folder, port))
        return self

    def ask(self, request: str, data: bytes, limit: int) -> tuple[int, bytes]:
        self.asked.append((request, data))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def shelf() -> Callable[..., tuple[ssh.Remote, Sessions]]:
    def make(*answers: Answer) -> tuple[ssh.Remote, Sessions]:
        sessions = Sessions(*answers)
        return ssh.open_("shelf:apt", sessions.connect), sessions

    return make


Make = Callable[..., tuple[ssh.Remote, Sessions]]


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("shelf:/srv/apt", ("shelf", "/srv/apt", None)),
        ("ada@shelf:apt", ("ada@shelf", "./apt", None)),
        ("shelf:~/apt", ("shelf", "./apt", None)),
        ("ssh://shelf/srv/the%20apt", ("shelf", "/srv/the apt", None)),
        ("ssh://ada@shelf:2222/~/apt", ("ada@shelf", "./apt", 2222)),
    ],
)
def test_where_it_is(where: str, place: tuple[str, str, int | None]) -> None:
    sessions = Sessions((44, b""))
    opened = ssh.open_(where, sessions.connect)
    assert str(opened) == where
    assert opened.read("x", 1 << 20) is None
    assert sessions.places == [place]


@pytest.mark.parametrize(
    "where",
    ["shelf:", ":apt", "-oProxyCommand=x:apt", "ssh:///apt", "ssh://shelf", "ssh://s:x/apt", "a b:c"],
)
def test_what_is_no_place(where: str) -> None:
    with pytest.raises(RepositoryError, match="is not a folder of another machine"):
        ssh.open_(where)


def test_requests_and_answers(shelf: Make) -> None:
    store, sessions = shelf(
        (0, b"1\xff"),
        (0, b"12"),
        (44, b""),
        (0, b""),
        (46, b""),
        (0, b"b\t2\t5.5\na/c\t1\t4.0\n"),
        (0, b""),
        (0, b""),
    )
    found = store.read("x", 1 << 20)
    assert found is not None
    assert (found.data, len(found.tag)) == (b"1\xff", 64)
    assert store.size("x") == 12
    assert store.size("x") is None
    assert store.add("x", b"1")
    assert not store.add("x", b"1")
    assert list(store.list("pool/")) == [Found("pool/a/c", 1, 4), Found("pool/b", 2, 5)]
    store.remove("x")
    store.replace("x", b"1", None)
    one = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert sessions.asked[3] == (f"add 1 {one} - x\n", b"1")
    assert sessions.asked[-1] == (f"replace 1 {one} - x\n", b"1")
    assert len(sessions.places) == 1, "one connection for all"


def test_what_is_large_is_asked_for_first(shelf: Make) -> None:
    store, sessions = shelf((0, b""), (44, b""), (0, b""))
    data = b"x" * 100_000
    assert not store.add("x", data)
    assert store.add("x", data)
    assert [request.split()[0] for request, _ in sessions.asked] == ["touch", "touch", "add"]
    assert [len(sent) for _, sent in sessions.asked] == [0, 0, 100_000]


def test_another_was_faster(shelf: Make) -> None:
    store, sessions = shelf((47, b""))
    with pytest.raises(Conflict):
        store.replace("x", b"1", "t")
    assert sessions.asked[0][0].split()[3] == "t"


@pytest.mark.parametrize(
    ("answer", "kind", "message", "hint"),
    [
        (
            EOFError("no route"),
            NetworkError,
            "shelf cannot be reached by ssh: no route.",
            (
                "true' works without a question, then run the command again. Clients always see a complete "
                "repository."
            ),
        ),
        (
            (48, b""),
            NetworkError,
            "shelf cannot be reached by ssh: a file was truncated",
            (
                "true' works without a question, then run the command again. Clients always see a complete "
                "repository."
            ),
        ),
        (
            EOFError("sh: 1: sh: not found"),
            MachineError,
            "shelf lacks a program: sh",
            "It needs sh, coreutils, findutils and util-linux, which every Debian has.",
        ),
        ((1, b"flock: not found"), MachineError, "shelf lacks a program: flock", "util-linux"),
        ((1, b"a\nhead: No space left on device"), MachineError, "no space left on shelf: head", "Free"),
        ((1, b"ln: Read-only file system."), MachineError, "written: ln: Read-only file system.", "Give"),
        ((1, b""), MachineError, "shelf:apt cannot be read or written: it gives no reason.", "Give"),
    ],
)
def test_what_goes_wrong(shelf: Make, answer: Answer, kind: type[Error], message: str, hint: str) -> None:
    store, sessions = shelf(answer, (0, b""))
    with pytest.raises(kind) as refused:
        store.add("x", b"1")
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert sessions.ended == 1
    store.remove("x")
    assert len(sessions.places) == 2, "by a new connection"


def test_a_file_that_is_too_large_has_a_tag(shelf: Make) -> None:
    store, sessions = shelf(ValueError(20 << 30), (0, b""))
    with pytest.raises(TooLarge, match="x is larger than 4 bytes") as large:
        store.read("x", 4)
    assert sessions.ended == 1, "its bytes are not read"
    store.replace("x", b"1", large.value.tag)
    assert sessions.asked[1][0].split()[3] == "size:21474836480"


def test_who_interrupts_hears_no_old_answer(shelf: Make) -> None:
    store, sessions = shelf(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        store.read("x", 1 << 20)
    assert sessions.ended == 1


def test_connections_end(shelf: Make) -> None:
    store, sessions = shelf((0, b""))
    store.remove("x")
    idle: LifoQueue[ssh.Session] = store._idle
    ssh._end(idle)
    assert sessions.ended == 1
