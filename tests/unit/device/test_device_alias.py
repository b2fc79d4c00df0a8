"""The name of the app in the network: what is asked of Avahi on D-Bus, and what a bus may not do."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

import alias
import bus
import pytest
from bus import Bus, BusError, Message

AVAHI = "org.freedesktop.Avahi"


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def said(kind: int, fields: dict[int, tuple[str, Any]], body: bytes = b"") -> bytes:
    """Return a message of the bus: its header fields by their number, each with its type."""
    head = b""
    for code, (letter, value) in fields.items():
        head += bytes(-len(head) % 8) + bytes([code, 1]) + letter.encode() + b"\0"
        if letter == "g":
            head += bytes([len(value)]) + value.encode() + b"\0"
        else:
            head += bytes(-len(head) % 4) + (struct.pack("<I", value) if letter == "u" else text(value))
    start = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), 99, len(head))
    return start + head + bytes(-len(head) % 8) + body


def answer(serial: int, signature: str = "", body: bytes = b"") -> bytes:
    return said(2, {5: ("u", serial), **({8: ("g", signature)} if signature else {})}, body)


def signal(interface: str, member: str, signature: str, body: bytes, path: str = "/") -> bytes:
    return said(4, {1: ("o", path), 2: ("s", interface), 3: ("s", member), 8: ("g", signature)}, body)


class Wire:
    """A socket whose other end is a bus with an Avahi; it notes the calls."""

    def __init__(self, host: str = "pi.local") -> None:
        self.host, self.state = host, 2
        self.calls: list[tuple[str, str]] = []
        self.raw: list[bytes] = []
        self.pending = b"OK 1234\r\n"
        self.later: list[bytes] = []
        """What comes when the program waits, one after the other; then it is ended."""
        self.serial = 0
        self.groups = 0
        self.reply: Callable[[str], bytes] = self._answer

    def settimeout(self, seconds: float | None) -> None:
        assert seconds is None or seconds > 0

    def connect(self, path: str) -> None:
        assert path == "/run/dbus/system_bus_socket"

    def sendall(self, data: bytes) -> None:
        if not data.startswith(b"l"):
            assert data.startswith((b"\0AUTH EXTERNAL ", b"BEGIN"))
            return
        self.raw.append(data)
        fields = bus._fields(data[16 : 16 + struct.unpack_from("<I", data, 12)[0]])
        self.serial += 1
        self.calls.append((str(fields[1]), str(fields[3])))
        self.pending += self.reply(str(fields[3]))

    def _answer(self, member: str) -> bytes:
        if member == "GetHostNameFqdn":
            return answer(self.serial, "s", text(self.host))
        if member == "GetState":
            return answer(self.serial, "i", struct.pack("<i", self.state))
        if member == "EntryGroupNew":
            self.groups += 1
            return answer(self.serial, "o", text(f"/Client1/EntryGroup{self.groups}"))
        return answer(self.serial)

    def recv(self, size: int) -> bytes:
        if not self.pending and self.later:
            self.pending = self.later.pop(0)
        part, self.pending = self.pending[: min(size, 5)], self.pending[min(size, 5) :]
        return part

    @property
    def members(self) -> list[str]:
        return [member for _, member in self.calls]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    found = Wire()
    monkeypatch.setattr(socket, "socket", lambda *_: found)
    return found


STARTED = ["Hello", "AddMatch", "AddMatch", "GetState"]
PUBLISHED = ["GetHostNameFqdn", "EntryGroupNew", "AddRecord", "Commit"]


def state(number: int) -> bytes:
    return signal(f"{AVAHI}.Server", "StateChanged", "is", struct.pack("<i", number) + text(""))


def group_state(number: int, path: str) -> bytes:
    return signal(f"{AVAHI}.EntryGroup", "StateChanged", "is", struct.pack("<i", number) + text(""), path)


def owner(name: str) -> bytes:
    body = b""
    for value in (AVAHI, "", name):
        body += bytes(-len(body) % 4) + text(value)
    return signal("org.freedesktop.DBus", "NameOwnerChanged", "sss", body)


def test_a_name_is_published_for_as_long_as_the_program_runs(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert alias.main("guestbook.local") == 1  # the other end is closed
    assert wire.members == [*STARTED, *PUBLISHED]
    record = next(data for data in wire.raw if b"AddRecord" in data)
    assert record.endswith(
        struct.pack("<iiI", -1, -1, 0)
        + text("guestbook.local")
        + struct.pack("<HHI", 1, 5, 60)
        + struct.pack("<I", 10)
        + b"\x02pi\x05local\0"
    )
    assert b"iiusqquay\0" in record
    output = capsys.readouterr()
    assert output.out == "guestbook.local is an alias of pi.local\n"
    assert output.err == "guestbook.local is not published: the bus closed the connection\n"


def test_it_is_published_again_when_the_machine_gets_another_name(wire: Wire) -> None:
    wire.later = [state(1), state(2)]
    assert alias.main("guestbook.local") == 1
    assert wire.members == [*STARTED, *PUBLISHED, "Free", *PUBLISHED]
    assert ("/Client1/EntryGroup1", "Free") in wire.calls


def test_it_is_published_again_when_avahi_comes_back(wire: Wire) -> None:
    wire.later = [owner(""), owner(":1.7")]
    assert alias.main("guestbook.local") == 1
    assert wire.members == [*STARTED, *PUBLISHED, "GetState", *PUBLISHED]


def test_it_waits_until_the_machine_has_a_name(wire: Wire) -> None:
    wire.state, wire.later = 1, [state(2)]
    assert alias.main("guestbook.local") == 1
    assert wire.members == [*STARTED, *PUBLISHED]


def test_a_name_that_another_machine_has_is_left_to_it(
    wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.later = [group_state(3, "/Client1/EntryGroup9"), group_state(3, "/Client1/EntryGroup1"), state(2)]
    assert alias.main("guestbook.local") == 1
    assert wire.members == [*STARTED, *PUBLISHED]
    assert "another machine in this network has the name guestbook.local" in capsys.readouterr().err


def test_the_machines_own_name_needs_no_alias(wire: Wire) -> None:
    wire.host = "Guestbook.local."
    assert alias.main("guestbook.local") == 1
    assert wire.members == [*STARTED, "GetHostNameFqdn"]


@pytest.mark.parametrize("host", ["", "a" * 64 + ".local", "a..local", "x." * 200])
def test_a_host_name_that_is_none_is_refused(wire: Wire, host: str) -> None:
    wire.host = host
    assert alias.main("guestbook.local") == 1
    assert "AddRecord" not in wire.members


class TestBus:
    @pytest.mark.parametrize("line", [b"REJECTED EXTERNAL\r\n", b"x" * 5000, b""])
    def test_one_that_does_not_let_us_in(self, wire: Wire, line: bytes) -> None:
        wire.pending = line
        with pytest.raises(BusError):
            Bus()

    @pytest.mark.parametrize(
        "data",
        [
            b"B" + bytes(15),  # the other order of bytes
            struct.pack("<cBBBIII", b"l", 2, 0, 1, 2**31, 1, 0),
            struct.pack("<cBBBIII", b"l", 2, 0, 1, 0, 1, 2**31),
            struct.pack("<cBBBIII", b"l", 2, 0, 1, 0, 1, 8) + b"\x05\x01u\0\x01",
            said(2, {5: ("u", 1)})[:20],
            said(2, {9: ("a", "x")}),
        ],
    )
    def test_one_that_speaks_something_else(self, wire: Wire, data: bytes) -> None:
        wire.pending, wire.later = b"OK 1\r\n", []
        wire.reply = lambda _: data
        with pytest.raises((BusError, ConnectionError)):
            Bus()

    def test_a_refusal(self, wire: Wire) -> None:
        connected = Bus()
        wire.reply = lambda _: said(3, {5: ("u", wire.serial)})
        with pytest.raises(BusError, match=r"a\.B\.C was refused"):
            connected.call("a", "/", "a.B.C")

    def test_a_signal_may_come_before_the_answer(self, wire: Wire) -> None:
        connected = Bus()
        wire.reply = lambda _: state(2) + answer(wire.serial)
        connected.call("a", "/", "a.B.C")
        waiting = connected.signal(1.0)
        assert waiting is not None
        assert waiting.member == f"{AVAHI}.Server.StateChanged"

    def test_nothing_may_come(self, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
        connected = Bus()

        def late(_: int) -> bytes:
            raise TimeoutError

        monkeypatch.setattr(wire, "recv", late)
        assert connected.signal(1.0) is None

    @pytest.mark.parametrize(
        ("signature", "body"),
        [
            ("i", b"\1\0"),
            ("s", struct.pack("<I", 9) + b"short\0"),
            ("s", struct.pack("<I", 2) + b"abc"),
            ("s", struct.pack("<I", 1) + b"\xff\0"),
            ("s", struct.pack("<I", 2**32 - 1) + b"\0"),
            ("v", b"\1s\0"),
            ("g", b""),
        ],
    )
    def test_a_body_that_is_not_what_it_claims(self, signature: str, body: bytes) -> None:
        with pytest.raises(BusError):
            Message(2, {8: signature}, body).values(signature)
        with pytest.raises(BusError, match="not 'u'"):
            Message(2, {8: signature}, body).values("u")


def test_a_call_in_the_form_of_the_specification() -> None:
    data = bus.message(7, AVAHI, "/", f"{AVAHI}.Server.GetHostNameFqdn")
    head = struct.unpack_from("<cBBBIII", data)
    assert head[:6] == (b"l", 1, 0, 1, 0, 7)
    assert bus._fields(data[16 : 16 + head[6]]) == {
        1: "/",
        2: f"{AVAHI}.Server",
        3: "GetHostNameFqdn",
        6: AVAHI,
    }
    assert len(data) % 8 == 0
