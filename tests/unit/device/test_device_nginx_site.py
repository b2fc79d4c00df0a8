"""The site of the app: the package's until an admin edits it, tested before nginx reads it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import call
import own_port
import pi
import pytest
from nginx_site import Site
from release import Home, Release

SITE = "server {{ include {0}/nginx/server.conf; }} # {1}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = pi.home(tmp_path)
    for name in ("sites-available", "sites-enabled", "conf.d"):
        (tmp_path / "etc/nginx" / name).mkdir(parents=True)
    main = f"http {{ include mime.types; include {tmp_path}/etc/nginx/sites-enabled/*; }}\n"
    (tmp_path / "etc/nginx/nginx.conf").write_text(main)
    (tmp_path / "etc/nginx/mime.types").write_text("")
    (tmp_path / "etc/nginx/sites-available/default").write_text("server {}\n")
    (tmp_path / "etc/nginx/sites-enabled/default").symlink_to("../sites-available/default")
    return found


class Nginx:
    """Notes what is run; says what it finds in a configuration that it tests."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.refuses: set[str] = set()
        """By ``candidate`` or ``present``, the configurations that it does not take."""
        self.site = self.part = ""
        self.others: set[str] = set()

    def __call__(self, *argv: str, **_: object) -> tuple[int, str]:
        if "-t" not in argv:
            self.ran.append(" ".join(argv))
            return 0, ""
        main = Path(argv[-1])
        which = "present" if main.parent.name == "nginx" else "candidate"
        self.ran.append(f"test {which}")
        if which == "candidate":
            enabled = main.parent / "sites-enabled"
            assert str(enabled) in main.read_text()
            assert (main.parent / "mime.types").exists()
            self.site = (enabled / "guestbook").read_text()
            self.part = (main.parent / "release/nginx/server.conf").read_text()
            self.others = {path.name for path in enabled.iterdir() if path.exists()} - {"guestbook"}
        return (1, f"refused: {which}\n") if which in self.refuses else (0, "")


@pytest.fixture
def nginx(monkeypatch: pytest.MonkeyPatch) -> Nginx:
    found = Nginx()
    monkeypatch.setattr(call, "call", found)
    monkeypatch.setattr(call, "systemd_runs", lambda: True)
    monkeypatch.setattr(call, "systemctl", found)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/sbin/nginx")
    return found


def release(home: Home, version: str, site: str = "", part: str = "location / {}\n") -> Release:
    text = site or SITE.format(home.current, version)
    pi.unpack(home, version, {"nginx/site.conf": text, "nginx/server.conf": part})
    found, _ = home.snapshot()
    return found


def test_the_first_is_put_and_linked(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    assert site.put(one, None) == ""
    assert site.file.read_text() == SITE.format(home.current, "1.0")
    assert site.link.readlink() == Path("../sites-available/guestbook")
    assert nginx.ran == ["test present", "try-reload-or-restart nginx.service"]


def test_one_that_nobody_edited_follows_the_release(home: Home, nginx: Nginx) -> None:
    site, one, two = Site(home), release(home, "1.0"), release(home, "1.1")
    site.put(one, None)
    site.put(two, one)
    assert site.file.read_text() == SITE.format(home.current, "1.1")
    site.put(one, two)
    assert site.file.read_text() == SITE.format(home.current, "1.0")


def test_one_that_somebody_edited_stays(home: Home, nginx: Nginx) -> None:
    site, one, two = Site(home), release(home, "1.0"), release(home, "1.1")
    site.put(one, None)
    site.file.write_text("mine")
    nginx.ran.clear()
    site.put(two, one)
    assert site.file.read_text() == "mine"
    assert nginx.ran == ["test present"]  # its part of the site is the same: there is nothing to load
    nginx.refuses = {"present"}
    assert site.put(two, one) == "refused: present"
    site.link.unlink()
    assert site.put(two, one) == ""  # nginx does not read it


def test_one_that_a_power_cut_emptied_is_written_again(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    site.put(one, None)
    site.file.write_text("")
    site.written.write_text("")
    site.put(one, one)
    assert site.file.read_text() == SITE.format(home.current, "1.0")


def test_one_that_was_removed_is_written_again(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    site.put(one, None)
    site.file.unlink()
    site.put(one, one)
    assert site.file.read_text() == SITE.format(home.current, "1.0")
    assert nginx.ran[-2:] == ["test present", "try-reload-or-restart nginx.service"]


def test_one_from_before_the_package_is_put_aside(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    site.file.write_text("by hand")
    site.file.with_name("guestbook.before-guestbook").write_text("older")
    kept = site.file.with_name("guestbook.before-guestbook.2")
    assert site.problem(one) == ""
    assert nginx.site != "by hand"
    assert site.put_aside() == [f"{site.file} was not written by this package. It is now {kept}."]
    site.put(one, None)
    assert kept.read_text() == "by hand"
    assert site.file.read_text() == SITE.format(home.current, "1.0")
    site.file.write_text("mine, later")
    assert site.put_aside() == []


def test_an_edited_one_that_outlived_a_removal_stays(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    mine = f"server {{\n  include {home.current}/nginx/server.conf;\n}} # mine\n"
    site.file.write_text(mine)
    assert site.put_aside() == []
    site.put(one, None)
    assert site.file.read_text() == mine
    assert site.link.exists()


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_from_before_leads_to_the_site(home: Home, nginx: Nginx, *, dangling: bool) -> None:
    site, one = Site(home), release(home, "1.0")
    other = home.root / "blog.conf"
    if not dangling:
        other.write_text("by hand")
    site.link.symlink_to(other)
    (message,) = site.put_aside()
    assert message == f"{site.link} led to {other}. It now leads to {site.file}."
    site.put(one, None)
    assert site.link.samefile(site.file)
    assert other.exists() is not dangling


def test_a_file_in_place_of_the_link_is_put_aside(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    site.link.write_text("by hand")
    (message,) = site.put_aside()
    kept = site.file.with_name("guestbook.before-guestbook")
    assert message == f"{site.link} was not written by this package. It is now {kept}."
    assert kept.read_text() == "by hand"
    site.put(one, None)
    assert site.link.samefile(site.file)


def test_a_link_of_another_name_is_enough(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    site.link.with_name("10-books").symlink_to(site.file)
    site.file.write_text("by hand")
    site.put_aside()
    site.problem(one)
    assert nginx.others == {"default"}
    site.put(one, None)
    assert not site.link.is_symlink()
    assert site.enabled()


def test_an_error_names_no_file_that_is_gone(
    home: Home, nginx: Nginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*argv: str, **_: object) -> tuple[int, str]:
        folder = Path(argv[-1]).parent
        if folder.name == "nginx":
            return 0, ""
        names = ("sites-enabled/guestbook:3", "release/nginx/server.conf:1", "nginx.conf:9")
        return 1, " ".join(f"{folder}/{name}" for name in names)

    monkeypatch.setattr(call, "call", refuse)
    site = Site(home)
    message = f"{site.file}:3 {home.current}/nginx/server.conf:1 {site.nginx}/nginx.conf:9"
    assert site.problem(release(home, "1.0")) == message


def test_a_link_that_was_taken_away_stays_away(home: Home, nginx: Nginx) -> None:
    site, one, two = Site(home), release(home, "1.0"), release(home, "1.1")
    site.put(one, None)
    site.link.unlink()
    site.put(two, one)
    assert not site.link.is_symlink()
    nginx.refuses = {"candidate"}
    assert site.problem(two) == ""  # nginx does not read it


def test_nginx_reads_a_part_that_changed(home: Home, nginx: Nginx) -> None:
    one, two = (release(home, version, "server {}\n", part=version) for version in ("1.0", "1.1"))
    site = Site(home)
    site.put(one, None)
    nginx.ran.clear()
    site.put(two, one)
    assert nginx.ran == ["test present", "try-reload-or-restart nginx.service"]


def test_what_is_broken_elsewhere_is_told_and_not_loaded(home: Home, nginx: Nginx) -> None:
    nginx.refuses = {"present"}
    assert Site(home).put(release(home, "1.0"), None) == "refused: present"
    assert nginx.ran == ["test present"]


def test_it_is_tested_with_the_release_in_place_before_anything_changes(home: Home, nginx: Nginx) -> None:
    one = release(home, "1.0", part="include x;\n")
    before = sorted(path for path in home.root.rglob("*"))
    assert Site(home).problem(one) == ""
    assert nginx.ran == ["test candidate"]
    assert "/release/nginx/server.conf" in nginx.site
    assert str(home.current) not in nginx.site
    assert nginx.part == "include x;\n"
    assert nginx.others == {"default"}
    assert sorted(path for path in home.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("refuses", "message"),
    [({"candidate"}, "refused: candidate"), ({"candidate", "present"}, ""), (set(), "")],
)
def test_only_what_the_release_breaks_is_its_fault(
    home: Home, nginx: Nginx, refuses: set[str], message: str
) -> None:
    nginx.refuses = refuses
    assert Site(home).problem(release(home, "1.0")) == message


def test_an_edited_site_is_tested_with_the_new_part(home: Home, nginx: Nginx) -> None:
    site, one = Site(home), release(home, "1.0")
    site.put(one, None)
    site.file.write_text(f"mine {home.current}/nginx/server.conf")
    site.problem(release(home, "1.1"))
    assert nginx.site.startswith("mine /")
    assert str(home.current) not in nginx.site


def test_without_nginx_it_is_written_only(
    home: Home, nginx: Nginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    site = Site(home)
    assert site.problem(release(home, "1.0")) == ""
    assert site.put(release(home, "1.0"), None) == ""
    assert site.file.exists()
    assert nginx.ran == []


def test_without_systemd_dpkg_lets_nginx_read_it(
    home: Home, nginx: Nginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "systemd_runs", lambda: False)
    monkeypatch.setenv("DPKG_MAINTSCRIPT_PACKAGE", "guestbook")
    Site(home).put(release(home, "1.0"), None)
    assert nginx.ran[-1] == "dpkg-trigger --no-await nginx-reload"
    monkeypatch.delenv("DPKG_MAINTSCRIPT_PACKAGE")
    nginx.ran.clear()
    Site(home).put(release(home, "1.1", "server {}\n"), None)
    assert nginx.ran == ["test present"]


DEFAULT = """\
server {{
    listen 80;
    listen [::]:80;
    server_name guestbook.local ~^[^.]+$;
    include {0}/nginx/server.conf;
}} # {1}
server {{
    listen 80;
    listen [::]:80;
    server_name ~.;
}}
"""


class TestOwnPort:
    @pytest.fixture(autouse=True)
    def _nothing_listens(self, nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(own_port, "listening", lambda _: {81})

    def release(self, home: Home, version: str) -> Release:
        return release(home, version, DEFAULT.format(home.current, version))

    def listens(self, site: Site) -> list[str]:
        return re.findall(r"(?m)^ +listen (.*);$", site.file.read_text())

    def test_it_is_chosen_once_and_stays(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        site, one, two = Site(home), self.release(home, "1.0"), self.release(home, "1.1")
        assert site.put(one, None) == ""
        assert self.listens(site) == ["80", "[::]:80", "82", "[::]:82"] * 2
        assert site.written.read_text() == site.file.read_text()
        monkeypatch.setattr(own_port, "listening", lambda _: {81, 82})  # nginx itself, now
        for new, old in ((two, one), (one, two)):
            site.put(new, old)
            assert self.listens(site)[2] == "82"
            assert f"# {new.version}" in site.file.read_text()
            assert site.text(new) is None

    def test_a_site_from_before_gets_one_and_is_not_taken_for_an_edited_one(self, home: Home) -> None:
        site, one, two = Site(home), self.release(home, "1.0"), self.release(home, "1.1")
        site.put(one, None)
        for file in (site.file, site.written):  # as an earlier version of the package left them
            file.write_text(DEFAULT.format(home.current, "1.0"))
        site.port.unlink()
        site.put(two, one)
        assert self.listens(site)[2:4] == ["82", "[::]:82"]

    def test_an_edited_site_gets_none(self, home: Home) -> None:
        site, one, two = Site(home), self.release(home, "1.0"), self.release(home, "1.1")
        site.put(one, None)
        site.port.unlink()
        site.file.write_text("mine")
        site.put(two, one)
        assert (site.file.read_text(), site.port.exists()) == ("mine", False)

    @pytest.mark.parametrize(
        ("old", "new"), [("listen 80;", "listen 99;"), (" ~^[^.]+$;", ";"), ("[::]:80", "[::]:80 ssl")]
    )
    def test_ports_and_names_of_the_author_are_all_there_is(self, home: Home, old: str, new: str) -> None:
        text = DEFAULT.format(home.current, "1.0").replace(old, new)
        site = Site(home)
        site.put(release(home, "1.0", text), None)
        assert site.file.read_text() == text
        assert not site.port.exists()

    def test_the_same_one_is_written_after_a_power_cut(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site, one = Site(home), self.release(home, "1.0")
        site.put(one, None)
        site.file.unlink()
        site.written.unlink()
        monkeypatch.setattr(own_port, "listening", lambda _: set())
        site.put(one, None)
        assert self.listens(site)[2] == "82"

    @pytest.mark.parametrize(
        ("others", "link"),
        [
            ([], "guestbook"),
            (["chat"], "guestbook"),
            (["hello"], "zz01-guestbook"),
            (["hello", "zz01-late"], "zz02-guestbook"),
            (["zzzz"], "zzzz-guestbook"),
        ],
    )
    def test_it_is_read_after_the_sites_of_earlier_apps(
        self, home: Home, others: list[str], link: str
    ) -> None:
        site = Site(home)
        for name in others:
            site.link.with_name(name).write_text("server { server_name x.local ~^[^.]+$; }")
        site.link.with_name("zzz").write_text("server { server_name _; }")
        site.put(self.release(home, "1.0"), None)
        assert [entry.name for entry in site.links()] == [link]
        assert site.entry.name == link
        assert site.linked()
