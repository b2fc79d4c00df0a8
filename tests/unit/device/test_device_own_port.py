"""The port that root chooses for an app: free in nginx's sites, and on the machine."""

from __future__ import annotations

from pathlib import Path

import own_port
import pytest

TABLE = "head\n 0: 00000000:1F42 00000000:0000 {0} 0:0 0:0 0 0 0 42 1\n"


@pytest.fixture
def nginx(tmp_path: Path) -> Path:
    for name in ("sites-available", "sites-enabled"):
        (tmp_path / "etc/nginx" / name).mkdir(parents=True)
    (tmp_path / "proc/net").mkdir(parents=True)
    return tmp_path / "etc/nginx"


def free(nginx: Path) -> int:
    return own_port.free(nginx, nginx.parents[1])


def test_the_lowest_is_taken(nginx: Path) -> None:
    assert free(nginx) == 8001


@pytest.mark.parametrize(
    "line",
    [
        "listen 8001;",
        "listen [::]:8001 ipv6only=on;",
        "listen 127.0.0.1:8001 ssl;",
        "# listen 8001;",
        "listen\t*:8001;",
    ],
)
@pytest.mark.parametrize("folder", ["sites-available", "sites-enabled"])
def test_one_that_a_site_names_is_not(nginx: Path, folder: str, line: str) -> None:
    (nginx / folder / "other").write_text(f"server {{\n  {line}\n}}\n")
    assert free(nginx) == 8002


@pytest.mark.parametrize("table", ["tcp", "tcp6"])
@pytest.mark.parametrize(("state", "port"), [("0A", 8003), ("01", 8002)])
def test_one_on_which_a_program_listens_is_not(nginx: Path, table: str, state: str, port: int) -> None:
    (nginx / "sites-enabled/other").write_text("listen 8001;")
    (nginx.parents[1] / "proc/net" / table).write_text(TABLE.format(state))  # 8002
    assert free(nginx) == port


def test_there_may_be_none(nginx: Path) -> None:
    lines = "\n".join(f"listen {port};" for port in range(own_port.FIRST, own_port.LAST + 1))
    (nginx / "sites-enabled/other").write_text(lines)
    (nginx / "sites-enabled/folder").mkdir()
    assert free(nginx) == 0


@pytest.mark.parametrize(("text", "port"), [("8001\n", 8001), ("", 0), ("x", 0), ("99999", 0), ("٣", 0)])
def test_what_is_written_down(tmp_path: Path, text: str, port: int) -> None:
    assert own_port.recorded(tmp_path / "port") == 0
    (tmp_path / "port").write_text(text)
    assert own_port.recorded(tmp_path / "port") == port
