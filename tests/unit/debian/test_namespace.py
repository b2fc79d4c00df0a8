"""Whose users those of a Debian are: numbers of this machine that nobody else has, if there are any."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import Process, Programs, stand_in

from debonair.debian.rootfs import namespace


@pytest.mark.parametrize(
    ("spans", "first"),
    [
        ("         0          0 4294967295\n", namespace.RANGE),
        ("0 0 65536\n", 0),
        ("0 100000 65536\n65536 300000 2000000000\n", namespace.RANGE),
        (f"0 0 {namespace.RANGE + namespace.COUNT - 1}\n", 0),
        (f"0 0 {namespace.RANGE + namespace.COUNT}\n", namespace.RANGE),
        (None, 0),
    ],
)
def test_where_the_users_of_a_debian_begin(tmp_path: Path, spans: str | None, first: int) -> None:
    if spans is not None:
        (tmp_path / "self").mkdir()
        (tmp_path / "self/uid_map").write_text(spans)
    assert namespace.first(tmp_path) == first


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = stand_in(monkeypatch)
    made.output = "namespaces are made\n"
    made.processes = [Process(pid=7)]
    return made


def test_users_are_mapped_by_root(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    with namespace.users(log=tmp_path / "log", proc=tmp_path) as within:
        assert within == ("nsenter", "-t", "7", "-U", "--")
        assert (tmp_path / "7/uid_map").read_text() == "0 0 65536\n"
        assert (tmp_path / "7/gid_map").read_text() == "0 0 65536\n"
    assert programs.started[0][0].startswith("unshare --user -- sh -c ")


def test_users_that_are_refused(programs: Programs, tmp_path: Path) -> None:
    assert programs.output
    with (
        pytest.raises(namespace.Refused, match=r"does not allow a user namespace .*: No such file"),
        namespace.users(log=tmp_path / "log", proc=tmp_path),
    ):
        pass
