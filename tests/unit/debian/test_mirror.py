"""The machine's own mirror, from both formats of apt sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import Programs, stand_in

from debonair.debian.mirror import KEYRING, Mirror, mirror, reach
from debonair.errors import MachineError, NetworkError

DEB822 = """\
# A comment
Types: deb deb-src
URIs: http://m.test/debian/
Suites: bookworm
  bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main
"""


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return stand_in(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    return tmp_path


def with_keyring(root: Path) -> Path:
    keyring = root / KEYRING
    keyring.parent.mkdir(parents=True)
    keyring.touch()
    return keyring


def listed(root: Path, text: str, name: str = "sources.list") -> None:
    (root / "etc/apt" / name).write_text(text)


def test_a_deb822_entry_is_asked_for_another_suite(root: Path) -> None:
    listed(root, DEB822, "sources.list.d/debian.sources")
    found = mirror({}, root=root)
    assert found.line("trixie") == (
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://m.test/debian trixie main"
    )


def test_a_one_line_entry_keeps_its_options(root: Path) -> None:
    listed(
        root,
        "deb-src http://no.test trixie main\n"
        "deb [trusted=yes arch=amd64] http://m.test/d trixie main # x\n",
    )
    assert mirror({}, root=root).line("bookworm") == "deb [trusted=yes] http://m.test/d bookworm main"


def test_an_entry_without_a_key_is_believed_by_debians_keyring(root: Path) -> None:
    keyring = with_keyring(root)
    listed(root, "deb http://m.test/d trixie main non-free-firmware")
    assert mirror({}, root=root) == Mirror("http://m.test/d", signed_by=str(keyring))


@pytest.mark.parametrize(
    "line",
    [
        "deb cdrom:[Debian]/ trixie main",
        "deb http://m.test/d trixie-security main",
        "deb http://m.test/docker trixie stable",
        "deb http://m.test/ubuntu noble main",
        "# deb http://m.test/d trixie main",
        "",
    ],
)
def test_what_is_not_debian_is_passed_over(root: Path, line: str) -> None:
    listed(root, line + "\n")
    listed(root, "deb http://m.test/d trixie main", "sources.list.d/ignored.save")
    with pytest.raises(MachineError, match="The apt sources of this machine") as refused:
        mirror({}, root=root)
    assert "DEBONAIR_MIRROR" in refused.value.hint


def test_a_disabled_entry_is_passed_over(root: Path) -> None:
    listed(
        root, DEB822.replace("Types: deb deb-src", "Types: deb\nEnabled: no"), "sources.list.d/a.sources"
    )
    with pytest.raises(MachineError, match="The apt sources of this machine"):
        mirror({}, root=root)


def test_debian_comes_before_a_derivative_with_the_same_suites(root: Path) -> None:
    listed(root, "deb [signed-by=/usr/share/keyrings/pi.gpg] http://pi.test/debian trixie main")
    listed(root, DEB822, "sources.list.d/debian.sources")
    assert mirror({}, root=root).uri == "http://m.test/debian"


def test_the_setting_comes_first(root: Path) -> None:
    keyring = with_keyring(root)
    listed(root, DEB822, "sources.list.d/debian.sources")
    found = mirror({"DEBONAIR_MIRROR": "http://chosen.test"}, root=root)
    assert found == Mirror("http://chosen.test", signed_by=str(keyring))


def test_a_missing_keyring_is_named_with_its_package(root: Path) -> None:
    with pytest.raises(MachineError) as refused:
        mirror({"DEBONAIR_MIRROR": "http://chosen.test"}, root=root)
    assert "apt install debian-archive-keyring" in refused.value.hint


def test_the_machines_proxy_is_used(root: Path, programs: Programs) -> None:
    listed(root, "deb [trusted=yes] http://m.test/d trixie main")
    programs.answer(
        "apt-config", 'Acquire::http "";\nAcquire::http::Proxy "http://proxy.test:3142";\nE: what\n'
    )
    found = mirror({}, root=root)
    assert found.settings == ('Acquire::http::Proxy "http://proxy.test:3142"',)
    assert Mirror("http://m.test").line("sid") == "deb http://m.test sid main"


def test_it_is_reached_as_apt_does(programs: Programs) -> None:
    found = Mirror("https://mirror.example/debian")
    reach(found, "trixie")
    (asked,) = programs.asked
    assert "apt-helper download-file https://mirror.example/debian/dists/trixie/Release " in asked
    programs.answer("apt-helper", stderr="Err:1 Release\nE: Failed to fetch it\n", status=100)
    with pytest.raises(NetworkError) as failed:
        reach(found, "trixie")
    assert failed.value.message == (
        "The Debian mirror https://mirror.example/debian cannot be reached: Failed to fetch it."
    )
