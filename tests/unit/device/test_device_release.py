from __future__ import annotations

import os
import re
from pathlib import Path

import pi
import pytest
from durable import replace_link
from release import Home, Release
from samples import EPOCH, VERSION, sample_project

from debonair import target
from debonair.debian.rootfs import emulation
from debonair.resources import resource
from debonair.tree.service import render


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return pi.home(tmp_path)


def names(releases: list[Release]) -> list[str]:
    return [release.version for release in releases]


def test_the_release_that_is_rendered_is_the_one_that_is_read(tmp_path: Path) -> None:
    project = sample_project(
        health_timeout=7, migrate="flask db upgrade", migrate_timeout=8, keep_releases=9
    )
    text = render.release(project, target.load("trixie-arm64"), version=VERSION, epoch=EPOCH)
    (tmp_path / "release.json").write_text(text)
    found = Release.read(tmp_path)
    assert (found.folder, found.package, found.version) == (tmp_path, "guestbook", VERSION)
    assert (found.python, found.wsgi, found.health) == ("3.13", "guestbook:create_app()", "/healthz")
    assert (found.health_timeout, found.migrate, found.migrate_timeout) == (7, "flask db upgrade", 8)
    assert (found.keep, found.host, found.import_path) == (9, "localhost", ("app",))
    assert found.environment == {"GREETING": '50 % "off" \\o/'}


def test_an_emulated_machine_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = sample_project(health_timeout=7)
    text = render.release(project, target.load("trixie-arm64"), version=VERSION, epoch=EPOCH)
    (tmp_path / "release.json").write_text(text)
    monkeypatch.setattr("release._EMULATED", tmp_path / "release.json")
    assert Release.read(tmp_path).health_timeout == 6 * 7
    assert f'Path("{emulation.DROP_IN}")' in resource("packaging/device/release.py").read_text()


def test_what_the_vassal_is_told_is_where_it_is_looked_for(tmp_path: Path) -> None:
    version = f"2:{VERSION}"
    sources = render.render(sample_project(), target.load("trixie-arm64"), version=version, epoch=EPOCH)
    texts = {source.path: source.data.decode() for source in sources if "dist/" in source.path}
    (tmp_path / "release.json").write_text(texts["usr/lib/guestbook/dist/release.json"])
    found = Release.read(tmp_path)
    ini = texts["usr/lib/guestbook/dist/vassals/web.ini"].splitlines()
    assert {"socket = %(socket-path)", "stats = %(stats-path)", "virtualenv = %(release)/venv"} <= set(ini)
    boot = (resource("packaging/device") / "boot").read_text()
    for name in ("release", "socket-path", "stats-path"):
        assert f"set-placeholder = {name}=" in boot
    assert found.drain == 60


def test_the_home_of_a_program_is_found_by_the_link_in_usr_bin(tmp_path: Path) -> None:
    program = tmp_path / "usr/lib/guestbook/libexec/command.py"
    program.parent.mkdir(parents=True)
    program.touch()
    (tmp_path / "link").symlink_to(program)
    assert Home.of(tmp_path / "link") == Home("guestbook")


class TestSnapshot:
    def test_it_has_every_file_by_a_hard_link(self, home: Home) -> None:
        dist = pi.unpack(home, "1.0")
        release, new = home.snapshot()
        assert (release.version, new) == ("1.0", True)
        assert re.fullmatch(r"1\.0\.[0-9a-f]{8}", release.name)
        assert release.folder == home.releases / release.name
        files = [path.relative_to(dist.folder) for path in dist.folder.rglob("*") if path.is_file()]
        assert len(files) >= 4
        for path in files:
            assert (release.folder / path).samefile(dist.folder / path), path
        assert (release.folder / "venv/bin/python3").readlink() == Path("/usr/bin/python3.13")
        assert not home.current.exists()  # nothing is served by being there

    def test_what_dpkg_unpacks_next_does_not_change_it(self, home: Home) -> None:
        pi.unpack(home, "1.0")
        first, _ = home.snapshot()
        pi.unpack(home, "1.1", {"app/new.py": ""})
        second, new = home.snapshot()
        assert new
        assert (first.folder / "app/guestbook/__init__.py").read_text() == "VERSION = '1.0'\n"
        assert (second.folder / "app/guestbook/__init__.py").read_text() == "VERSION = '1.1'\n"
        assert not (first.folder / "app/new.py").exists()

    def test_without_hard_links_it_is_a_copy(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", refuse)
        dist = pi.unpack(home, "1.0")
        release, new = home.snapshot()
        assert new
        assert (release.folder / "release.json").read_text() == (dist.folder / "release.json").read_text()
        assert not (release.folder / "release.json").samefile(dist.folder / "release.json")
        assert (release.folder / "venv/bin/python3").is_symlink()
        assert home.snapshot() == (release, True)
        home.point(release)
        assert home.snapshot() == (release, False)

    def test_one_that_was_never_served_is_new_whenever_it_is_looked_at(self, home: Home) -> None:
        pi.unpack(home, "1.0")
        release, _ = home.snapshot()
        (inode,) = {(release.folder / "release.json").stat().st_ino}
        again, new = home.snapshot()  # power was cut in between
        assert new
        assert (again.folder / "release.json").stat().st_ino == inode
        home.point(release)
        assert home.snapshot() == (release, False)

    @pytest.mark.parametrize(
        "files",
        [
            {"app/guestbook/__init__.py": "VERSION = '2.0'\n"},  # as many bytes
            {"app/guestbook/__init__.py": "longer = True\nthan = 'before'\n"},
            {"app/more.py": ""},
        ],
    )
    def test_the_same_version_with_other_bytes_is_another_release(
        self, home: Home, files: dict[str, str]
    ) -> None:
        good = pi.serve(home, "1.0")
        dist = pi.unpack(home, "1.0", files)
        release, new = home.snapshot()
        assert new
        for name, text in files.items():
            assert (release.folder / name).read_text() == text
            assert (release.folder / name).samefile(dist.folder / name)
        assert good.folder.is_dir()
        assert (good.folder / "app/guestbook/__init__.py").read_text() == "VERSION = '1.0'\n"
        assert {path.name for path in home.releases.iterdir()} == {good.name, release.name}
        pi.unpack(home, "1.0")
        assert home.snapshot() == (good, False)  # the first bytes once more

    def test_one_of_the_time_before_is_known_by_its_bytes(self, home: Home) -> None:
        old = pi.serve(home, "1.0")
        old.folder.rename(home.releases / "1.0")
        pi.unpack(home, "1.0")
        release, new = home.snapshot()
        assert (release.name, new) == ("1.0", False)

    def test_half_of_one_is_made_again(self, home: Home) -> None:
        pi.unpack(home, "1.0")
        release, _ = home.snapshot()
        (release.folder / "app/guestbook/__init__.py").unlink()
        again, new = home.snapshot()
        assert (again, new) == (release, True)
        assert (release.folder / "app/guestbook/__init__.py").exists()

    def test_a_link_that_leads_elsewhere_is_another_release(self, home: Home) -> None:
        pi.serve(home, "1.0")
        python = home.lib / "dist/venv/bin/python3"
        python.unlink()
        python.symlink_to("/usr/bin/python3.14")
        release, new = home.snapshot()
        assert new
        assert (release.folder / "venv/bin/python3").readlink() == Path("/usr/bin/python3.14")
        python.unlink()
        python.write_text("no link any more")
        assert home.snapshot()[1]

    def test_what_a_power_cut_left_is_not_in_the_way(self, home: Home) -> None:
        first = pi.serve(home, "1.0")
        pi.unpack(home, "1.1")
        release, _ = home.snapshot()
        half = home.releases / f".{release.name}.new"
        release.folder.rename(half)
        (half / "app/half.py").write_text("")
        release, new = home.snapshot()
        assert new
        assert not (release.folder / "app/half.py").exists()
        assert {path.name for path in home.releases.iterdir()} == {first.name, release.name}


class TestServing:
    def test_none_is_served_before_the_first(self, home: Home) -> None:
        pi.unpack(home, "1.0")
        assert home.serving() is None
        assert home.known() == []

    @pytest.mark.parametrize("broken", ["not json", "{}", ""])
    def test_a_release_that_cannot_be_read_is_none(self, home: Home, broken: str) -> None:
        release = pi.serve(home, "1.0")
        (release.folder / "release.json").unlink()
        if broken:
            (release.folder / "release.json").write_text(broken)
        assert home.serving() is None
        assert home.known() == []

    def test_to_point_is_to_move_one_link(self, home: Home) -> None:
        first = pi.serve(home, "1.0")
        pi.unpack(home, "1.1")
        second, _ = home.snapshot()
        assert home.serving() == first
        assert not second.served
        home.point(second)
        assert home.serving() == second
        assert home.current.readlink() == Path("releases") / second.name
        assert second.served

    def test_a_link_is_replaced_in_one_step_whatever_a_cut_left(self, tmp_path: Path) -> None:
        link = tmp_path / "web.sock"
        link.symlink_to("one")
        (tmp_path / ".web.sock.new").symlink_to("left by a cut")
        replace_link(link, "two")
        assert link.readlink() == Path("two")
        assert [path.name for path in tmp_path.iterdir()] == ["web.sock"]

    def test_the_one_that_was_served_last_comes_first_whatever_the_clock_says(self, home: Home) -> None:
        first, *_ = (pi.serve(home, version) for version in ("1.0", "1.1", "1.2"))
        assert names(home.known()) == ["1.2", "1.1", "1.0"]
        home.point(first)
        os.utime(first.folder / ".served", (5, 5))  # the clock went back meanwhile
        assert names(home.known()) == ["1.0", "1.2", "1.1"]

    def test_one_that_an_older_version_served_has_no_count(self, home: Home) -> None:
        first, second = pi.serve(home, "1.0"), pi.serve(home, "1.1")
        for release, mark in ((first, ""), (second, "no number")):
            (release.folder / ".served").write_text(mark)
        (second.folder / ".served").unlink()
        home.point(second)
        assert second.switched[0] == 1
        assert names(home.known()) == ["1.1", "1.0"]

    def test_one_that_was_never_served_is_none_to_go_back_to(self, home: Home) -> None:
        pi.serve(home, "1.0")
        pi.unpack(home, "1.1")
        home.snapshot()
        assert names(home.known()) == ["1.0"]


class TestPrune:
    @pytest.mark.parametrize(
        ("keep", "left"), [(3, {"1.0", "1.1", "1.2"}), (2, {"1.1", "1.2"}), (1, {"1.2"}), (0, {"1.2"})]
    )
    def test_so_many_stay(self, home: Home, keep: int, left: set[str]) -> None:
        for version in ("1.0", "1.1", "1.2"):
            pi.serve(home, version)
        home.prune(keep)
        assert set(names(home.known())) == left

    def test_the_one_that_is_served_stays_however_old(self, home: Home) -> None:
        first, *_ = (pi.serve(home, version) for version in ("1.0", "1.1", "1.2"))
        replace_link(home.current, f"releases/{first.name}")
        home.prune(2)
        assert set(names(home.known())) == {"1.0", "1.2"}
        assert home.serving() == first

    def test_what_was_left_of_a_cut_goes(self, home: Home) -> None:
        release = pi.serve(home, "1.0")
        (home.releases / ".1.1.new/app").mkdir(parents=True)
        (home.releases / ".lock").touch()
        home.prune(2)
        assert {path.name for path in home.releases.iterdir()} == {release.name, ".lock"}

    def test_a_file_below_a_running_worker_is_never_written_to(self, home: Home) -> None:
        old = pi.serve(home, "1.0")
        with (old.folder / "app/guestbook/__init__.py").open() as running:
            pi.serve(home, "1.1")
            home.prune(1)
            assert not old.folder.exists()
            assert running.read() == "VERSION = '1.0'\n"


class TestNote:
    def test_what_was_noted_is_read(self, home: Home) -> None:
        assert home.note() == {}
        pi.serve(home, "1.0")
        home.write_note({"serving": "1.0", "why": "install"})
        assert home.note() == {"serving": "1.0", "why": "install"}
        assert not [path for path in home.releases.iterdir() if path.name.endswith(".new")]

    @pytest.mark.parametrize("text", ["", "[1]", "{", "3"])
    def test_a_broken_note_is_none(self, home: Home, text: str) -> None:
        home.releases.mkdir()
        (home.releases / "switch.json").write_text(text)
        assert home.note() == {}

    def test_a_note_that_a_cut_made_untrue_is_not_told(self, home: Home) -> None:
        pi.serve(home, "1.0")
        home.write_note({"serving": "1.0", "refused": {"version": "1.1", "why": "it is not well"}})
        pi.serve(home, "1.2")
        assert home.note() == {"refused": {"version": "1.1", "why": "it is not well"}}
        pi.serve(home, "1.1")  # it was tried again, and is well now
        assert home.note() == {}

    def test_other_bytes_of_the_version_that_is_served_are_told_of(self, home: Home) -> None:
        release = pi.serve(home, "1.0")
        refused = {"version": "1.0", "release": "1.0.other", "why": "it is not healthy"}
        home.write_note({"serving": "1.0", "release": release.name, "refused": refused})
        assert home.note()["refused"] == refused

    def test_a_first_release_that_was_refused(self, home: Home) -> None:
        home.write_note({"refused": {"version": "1.0", "why": "it is not well"}})
        assert home.note() == {"refused": {"version": "1.0", "why": "it is not well"}}


DATA = {"app/instance": "", "app/logs": "logs/", "app/static/up": "static/up/", "app/app.db": "app.db"}


class TestData:
    def test_only_a_snapshot_leads_to_the_data(self, home: Home) -> None:
        dist = pi.unpack(home, "1.0", data=DATA)
        release, _ = home.snapshot()
        for path, place in DATA.items():
            assert (release.folder / path).readlink() == home.data / place, path
            assert not os.path.lexists(dist.folder / path), path
        assert list(home.data.iterdir()) == []  # root creates nothing there

    def test_the_same_files_are_the_same_release(self, home: Home) -> None:
        pi.unpack(home, "1.0", data=DATA)
        first, _ = home.snapshot()
        (home.data / "logs").mkdir()  # a link to a folder is still a link
        assert home.snapshot()[0].folder == first.folder

    def test_what_was_a_folder_may_become_data_and_back(self, home: Home) -> None:
        pi.unpack(home, "1.0", {"app/logs/x": ""})
        home.snapshot()
        pi.unpack(home, "1.1", data=DATA)
        (home.lib / "dist/app/logs").rmdir()  # as dpkg does
        second, _ = home.snapshot()
        assert (second.folder / "app/logs").is_symlink()
        pi.unpack(home, "1.2", {"app/logs/x": "code"})
        third, _ = home.snapshot()
        assert (third.folder / "app/logs/x").read_text() == "code"
        assert list(home.data.iterdir()) == []
