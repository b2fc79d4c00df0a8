"""The addresses of the app: which there are, and which of them nginx gives to it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import address
import call
import pi
import pytest
import visit
from address import Addresses
from nginx_site import Site
from release import Home, Release
from visit import Door

PART = "include /usr/lib/guestbook/current/nginx/server.conf;"
DEFAULT = f"""\
server {{
    listen 80;
    listen [::]:80;
    listen 8002;
    server_name guestbook.local $hostname ~^[^.]+$;
    {PART}
}}
"""


class Network:
    """A Pi called ``pi`` at 192.168.1.2, and the apps that nginx names at each door."""

    def __init__(self) -> None:
        self.apps: dict[tuple[int, str], str] = {}
        self.active = {"nginx.service", "avahi-daemon.service", "guestbook.local.service"}
        self.ran: list[str] = []
        self.status = 0

    def app_at(self, door: Door) -> str:
        return self.apps.get((door.port, door.host), "")

    def state(self, unit: str) -> str:
        return "active" if unit in self.active else "inactive"

    def systemctl(self, *words: str) -> tuple[int, str]:
        self.ran.append(" ".join(words))
        return self.status, ""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    found = Network()
    monkeypatch.setattr(visit, "app_at", found.app_at)
    monkeypatch.setattr(call, "state", found.state)
    monkeypatch.setattr(call, "systemctl", found.systemctl)
    monkeypatch.setattr(address, "_ip", lambda: "192.168.1.2")
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename="pi.example"))
    monkeypatch.setattr(Path, "exists", lambda _: False)
    return found


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return pi.serve(pi.home(tmp_path), "1.0")


@pytest.fixture
def site(tmp_path: Path, release: Release) -> Site:
    found = Site(Home(pi.APP, tmp_path))
    found.file.parent.mkdir(parents=True)
    found.file.write_text(DEFAULT)
    return found


MINE, OTHERS = "guestbook", "chat"


def test_the_first_app_has_the_machines_own_name(site: Site, release: Release, network: Network) -> None:
    names = ("pi.local", "guestbook.local", "192.168.1.2")
    network.apps = dict.fromkeys([*((80, name) for name in names), (8002, "192.168.1.2")], MINE)
    assert address.find(site, release) == Addresses(
        (
            "http://pi.local/",
            "http://guestbook.local/",
            "http://192.168.1.2/",
            "http://192.168.1.2:8002/",
        ),
        "http://pi.local/",
        MINE,
    )
    assert address.shown_by(address.find(site, release), MINE) == ""


def test_a_later_app_has_its_own_name_and_port(site: Site, release: Release, network: Network) -> None:
    network.apps = {
        (80, "pi.local"): OTHERS,
        (80, "192.168.1.2"): OTHERS,
        (80, "guestbook.local"): MINE,
        (8002, "192.168.1.2"): MINE,
    }
    found = address.find(site, release)
    assert found.urls == ("http://guestbook.local/", "http://192.168.1.2:8002/")
    assert address.shown_by(found, MINE) == "http://pi.local/ shows chat"
    network.active -= {"avahi-daemon.service", "guestbook.local.service"}
    found = address.find(site, release)
    assert found.urls == ("http://192.168.1.2:8002/",)
    assert address.shown_by(found, MINE) == "http://192.168.1.2/ shows chat"


def test_a_site_with_names_has_those(site: Site, release: Release, network: Network) -> None:
    site.file.write_text(
        f"server {{\n listen 8080;\n listen 443 ssl;\n server_name a.example _ ~x b.example;\n {PART}\n}}\n"
    )
    network.apps = {(8080, "a.example"): MINE, (8080, "b.example"): OTHERS}
    assert address.find(site, release) == Addresses(("http://a.example:8080/",))
    site.file.unlink()
    assert address.find(site, release) == Addresses()


def test_a_site_that_listens_only_for_tls_has_addresses(
    site: Site, release: Release, network: Network
) -> None:
    """The redirect is a block of its own, as certbot writes it."""
    redirect = "server {\n listen 80;\n return 301 https://$host$request_uri;\n}\n"
    site.file.write_text(
        f"{redirect}server {{\n listen 443 ssl;\n server_name a.example ~^[^.]+$;\n {PART}\n}}\n"
    )
    network.apps = {(443, "pi.local"): MINE, (443, "192.168.1.2"): MINE}
    assert address.find(site, release).urls == ("https://pi.local/", "https://192.168.1.2/")
    site.file.write_text(f"server {{\n listen 8443 ssl;\n server_name a.example;\n {PART}\n}}\n")
    network.apps = {(8443, "a.example"): MINE}
    assert address.find(site, release) == Addresses(("https://a.example:8443/",))


def test_a_site_with_both_has_both(site: Site, release: Release, network: Network) -> None:
    site.file.write_text(
        f"server {{\n listen 80;\n listen 443 ssl;\n server_name a.example;\n {PART}\n}}\n"
    )
    network.apps = {(80, "a.example"): MINE, (443, "a.example"): MINE}
    assert address.find(site, release).urls == ("http://a.example/", "https://a.example/")


def test_the_authors_port_has_the_name_too(site: Site, release: Release, network: Network) -> None:
    site.file.write_text(f"server {{\n listen 8080;\n server_name guestbook.local ~^[^.]+$;\n {PART}\n}}\n")
    network.apps = dict.fromkeys(
        [(8080, "pi.local"), (8080, "guestbook.local"), (8080, "192.168.1.2")], MINE
    )
    urls = ("http://pi.local:8080/", "http://guestbook.local:8080/", "http://192.168.1.2:8080/")
    assert address.find(site, release) == Addresses(urls)


@pytest.mark.parametrize(
    ("urls", "text"),
    [
        (("a", "b", "c"), "its addresses: a, b and c"),
        (("a",), "its address: a"),
        ((), ""),
    ],
)
def test_one_line_names_them(
    site: Site, network: Network, monkeypatch: pytest.MonkeyPatch, urls: tuple[str, ...], text: str
) -> None:
    pi.Clock(monkeypatch)
    monkeypatch.setattr(address, "find", lambda *_: Addresses(urls))
    assert address.printed(site.home) == text
    network.active.clear()
    assert address.printed(site.home) == ""


def test_nginx_may_take_a_moment(site: Site, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = pi.Clock(monkeypatch)
    began = clock.now
    monkeypatch.setattr(address, "find", lambda *_: Addresses(("a",) if clock.now > began + 1 else ()))
    assert address.printed(site.home) == "its address: a"


def test_an_old_process_of_nginx_may_still_answer(
    site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = pi.Clock(monkeypatch)
    began = clock.now
    early, late = Addresses(("a:81",), own="a"), Addresses(("a", "a:81"), own="a", owner="guestbook")
    monkeypatch.setattr(address, "find", lambda *_: late if clock.now > began + 1 else early)
    assert address.printed(site.home) == "its addresses: a and a:81"
    monkeypatch.setattr(address, "find", lambda *_: early)
    assert address.printed(site.home) == "its address: a:81"


def test_a_name_is_published_where_avahi_runs(
    site: Site, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    address.publish(site.home)
    assert network.ran == ["restart guestbook.local.service"]
    network.status = 5  # the package has no such unit any more
    address.publish(site.home)
    assert network.ran[1:] == ["restart guestbook.local.service", "stop guestbook.local.service"]
    network.ran.clear()
    network.active.clear()
    address.publish(site.home)
    network.active.add("avahi-daemon.service")
    monkeypatch.setattr(Path, "exists", lambda _: True)  # policy-rc.d
    address.publish(site.home)
    assert network.ran == []


class TestTaken:
    """Another site answers where the app should."""

    @pytest.fixture
    def answers(self, site: Site, release: Release, monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
        """The status at each port; the site is as the package wrote it, and nginx names the app."""
        found = {80: 404, 8002: 200}
        site.written.write_text(DEFAULT)
        part = release.folder / "nginx/server.conf"
        part.unlink()  # it is a hard link
        part.write_text(f"location = {visit.WHICH} {{}}")
        monkeypatch.setattr(visit, "ask", lambda door, _: (found[door.port], ""))
        return found

    @pytest.mark.usefixtures("answers")
    def test_each_is_named(self, site: Site, release: Release, network: Network) -> None:
        network.apps = {
            (80, "pi.local"): OTHERS,
            (80, "192.168.1.2"): OTHERS,
            (8002, "192.168.1.2"): OTHERS,
        }
        strange = "a site that this package has not written (it answers 404)"
        assert address.find(site, release).taken == (
            f"http://guestbook.local/ shows {strange}: sudo nginx -T | less",
            "http://192.168.1.2:8002/ shows chat: sudo nginx -T | less",
        )

    def test_a_closed_port_is_nobodys(
        self, site: Site, release: Release, network: Network, answers: dict[int, int]
    ) -> None:
        answers |= {80: 0, 8002: 0}
        assert network.apps == {}
        assert address.find(site, release).taken == ()

    @pytest.mark.usefixtures("answers", "network")
    def test_an_owners_own_answer_is_not_named(self, site: Site, release: Release) -> None:
        site.written.write_text("something else")
        assert address.find(site, release).taken == ()

    @pytest.mark.usefixtures("answers", "network")
    def test_an_earlier_release_is_not_named_anywhere(self, site: Site, release: Release) -> None:
        (release.folder / "nginx/server.conf").write_text("location / {}")
        assert address.find(site, release).taken == ()

    def test_the_page_is_requested_at_each_address(
        self, site: Site, release: Release, network: Network, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        network.apps = {(80, "guestbook.local"): MINE, (8002, "192.168.1.2"): MINE}
        asked: list[Door] = []

        def closed(_: Site, __: Release, door: Door) -> str:
            asked.append(door)
            return "it answers 502" if door.port == 8002 else ""

        monkeypatch.setattr(visit, "closed", closed)
        assert address.find(site, release).failing == ""
        assert address.find(site, release, pages=True).failing == "it answers 502"
        assert asked == [Door(80, "guestbook.local"), Door(8002, "192.168.1.2")]


class TestAddress:
    @pytest.mark.parametrize(
        ("listed", "found"),
        [("fe80::1 10.0.0.5 10.0.0.6\n", "10.0.0.5"), ("", "127.0.0.1"), ("fe80::1", "127.0.0.1")],
    )
    def test_without_a_route(self, monkeypatch: pytest.MonkeyPatch, listed: str, found: str) -> None:
        def refuse(*_: object) -> None:
            raise OSError

        monkeypatch.setattr("socket.socket.connect", refuse)
        monkeypatch.setattr(call, "call", lambda *_: (0, listed))
        assert address._ip() == found
