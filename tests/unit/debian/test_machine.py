"""Asking a machine: commands, files, pages."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from programs import Programs, stand_in

from debonair.debian.rootfs.machine import Machine, reply, services
from debonair.errors import TrialError

PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n"
    b"hello\r\n\r\n\xff"
)


class Plain(Machine):
    suite = "trixie"
    prefix = ("enter", "4711")
    network = ()
    alive = True

    def serve(self, package: str) -> None:
        raise NotImplementedError

    def broken(self, package: str) -> bool:
        raise NotImplementedError

    def evidence(self, package: str) -> str:
        raise NotImplementedError


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return stand_in(monkeypatch)


def test_an_answer_is_read() -> None:
    found = reply(b"HTTP/1.1 100 Continue\r\n\r\n" + PAGE, 0.5)
    assert (found.status, found.reason, found.seconds) == (200, "OK", 0.5)
    assert found.headers == {"content-type": "text/plain", "set-cookie": "a, b"}
    assert found.body == b"hello\r\n\r\n\xff"
    assert found.text == "hello\r\n\r\n\N{REPLACEMENT CHARACTER}"


def test_an_answer_may_be_short() -> None:
    assert reply(b"HTTP/1.1 204\r\n\r\n", 0).reason == ""


def test_a_page_is_asked_for(programs: Programs) -> None:
    programs.answer("curl", base64.b64encode(PAGE).decode(), stderr="\n0.004")
    found = Plain().get("/a", headers={"Host": "x.test"}, data={"name": "Ann"}, options=["--head"])
    assert (found.status, found.seconds) == (200, 0.004)
    line = programs.asked[0]
    assert line.startswith("enter 4711 env -i PATH=")
    assert "--header 'Host: x.test'" in line
    assert "--data-urlencode name=Ann --head http://127.0.0.1:80/a" in line


def test_no_answer_is_an_error(programs: Programs) -> None:
    programs.answer("curl", status=7, stderr="curl: (7) Failed to connect\n0.0")
    with pytest.raises(TrialError, match=r"GET / got no answer: curl: \(7\) Failed to connect"):
        Plain().get()
    programs.answer("curl", status=127, stderr="sh: curl: not found")
    with pytest.raises(TrialError, match="not found"):
        Plain().get()


def test_a_file_is_copied_with_its_mode(programs: Programs, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"\0data")
    source.chmod(0o640)
    Plain().copy_in(source, "/srv/my x")
    assert programs.asked[0].endswith("sh '/srv/my x' 640")
    assert programs.given == [b"\0data"]


def test_a_file_is_read_or_absent(programs: Programs) -> None:
    programs.answer("cat /there", "text")
    programs.answer("cat /not", status=1)
    assert Plain().read("/there") == "text"
    assert Plain().read("/not") is None


def test_a_person_may_come_in(programs: Programs) -> None:
    assert Plain().way_in == "enter 4711 bash -l"
    assert Plain().attend(["id"]) == 7
    assert programs.asked[0].endswith(" id")


def test_services_of_a_package(programs: Programs) -> None:
    programs.answer(
        "dpkg-query --listfiles app",
        "/usr/lib/systemd/system/app.service\n/usr/lib/systemd/system/app@.service\n/usr/lib/systemd/system\n"
        "/usr/lib/systemd/system/app.socket\n/usr/bin/app.service\n/lib/systemd/system/app-job.service\n",
    )
    programs.answer("cat /etc/uwsgi-emperor", status=1)
    assert services(Plain(), "app") == ["app-job.service", "app.service"]
    programs.answer("cat /etc/uwsgi-emperor/vassals/app.ini", "[uwsgi]\n")
    assert services(Plain(), "app") == ["app-job.service", "app.service", "uwsgi-emperor.service"]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(b"HTTP/1.1 many\r\n\r\n", "0.1"), (b"", "0.1"), (PAGE, "soon"), (b"no base64", "0.1")],
    ids=["no status", "nothing", "no time", "no base64"],
)
def test_an_answer_that_is_none(programs: Programs, answer: bytes, seconds: str) -> None:
    output = "!" if answer == b"no base64" else base64.b64encode(answer).decode()
    programs.answer("curl", output, stderr=f"\n{seconds}")
    with pytest.raises(TrialError, match="GET / got an answer that is not HTTP"):
        Plain().get()
