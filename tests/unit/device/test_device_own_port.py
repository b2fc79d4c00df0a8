"""The port that root chooses for an app: free in nginx's sites, and on the machine."""

from __future__ import annotations

from pathlib import Path

import own_port
import pytest

TABLE = "head\n 0: 00000000:0052 00000000:0000 {0} 0:0 0:0 0 0 0 42 1\n"


@pytest.fixture
def nginx(tmp_path: Path) -> Path:
    for name in ("sites-available", "sites-enabled"):
        (tmp_path / "etc/nginx" / name).mkdir(parents=True)
    (tmp_path / "proc/net").mkdir(parents=True)
    return tmp_path / "etc/nginx"


def free(nginx: Path) -> int:
    return own_port.free(nginx, nginx.parents[1])


def test_the_lowest_is_taken(nginx: Path) -> None:
    assert free(nginx) == 81


@pytest.mark.parametrize(
    "line",
    [
        "listen 81;",
        "listen [::]:81 ipv6only=on;",
        "listen 127.0.0.1:81 ssl;",
        "# listen 81;",
        "listen\t*:81;",
    ],
)
@pytest.mark.parametrize("folder", ["sites-available", "sites-enabled"])
def test_one_that_a_site_names_is_not(nginx: Path, folder: str, line: str) -> None:
    (nginx / folder / "other").write_text(f"server {{\n  {line}\n}}\n")
    assert free(nginx) == 82


@pytest.mark.parametrize("table", ["tcp", "tcp6"])
@pytest.mark.parametrize(("state", "port"), [("0A", 83), ("01", 82)])
def test_one_on_which_a_program_listens_is_not(nginx: Path, table: str, state: str, port: int) -> None:
    (nginx / "sites-enabled/other").write_text("listen 81;")
    (nginx.parents[1] / "proc/net" / table).write_text(TABLE.format(state))  # 82
    assert free(nginx) == port


def test_a_port_needs_root_as_long_as_there_is_one_and_is_never_one_that_browsers_refuse() -> None:
    assert own_port.PORTS[:17] == tuple(port for port in range(81, 100) if port not in {87, 95})
    assert own_port.PORTS[17] == 8001


def test_there_may_be_none(nginx: Path) -> None:
    lines = "\n".join(f"listen {port};" for port in own_port.PORTS)
    (nginx / "sites-enabled/other").write_text(lines)
    (nginx / "sites-enabled/folder").mkdir()
    assert free(nginx) == 0


@pytest.mark.parametrize(("text", "port"), [("8001\n", 8001), ("", 0), ("x", 0), ("99999", 0), ("٣", 0)])
def test_what_is_written_down(tmp_path: Path, text: str, port: int) -> None:
    assert own_port.recorded(tmp_path / "port") == 0
    (tmp_path / "port").write_text(text)
    assert own_port.recorded(tmp_path / "port") == port
