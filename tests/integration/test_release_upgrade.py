"""What apt does with an app when Debian itself is upgraded, by an archive of two releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from aptclient import Client
from msgspec.structs import replace
from samples import sample_project

from debonair import target
from debonair.deb.control import Control
from debonair.host import run
from debonair.tree import control_file

# What the packages of Debian 12 and 13 depend on, as far as it concerns who follows whom
BOOKWORM = """\
Package: python3
Version: 3.11.2-1+b1
Multi-Arch: allowed
Depends: libpython3.11

Package: libpython3.11
Version: 3.11.2-6

Package: uwsgi-core
Version: 2.0.21-5.1

Package: uwsgi-plugin-python3
Version: 2.0.21-5.1
Depends: uwsgi-core (= 2.0.21-5.1), libpython3.11 (>= 3.11.0)

Package: nginx
Version: 1.22.1-9

Package: passwd
Version: 1:4.13+dfsg1-1

Package: systemd
Version: 252.39-1
"""
TRIXIE = """\
Package: python3
Version: 3.13.5-1
Multi-Arch: allowed
Depends: libpython3.13

Package: libpython3.13
Version: 3.13.5-2

Package: uwsgi-core
Version: 2.0.28-9
Provides: uwsgi-abi-fd03c85edfee33327ac760f246543e10

Package: uwsgi-plugin-python3
Version: 2.0.28+8+0.0.2+b1
Depends: libpython3.13 (>= 3.13.0~rc3), python3:any, uwsgi-abi-fd03c85edfee33327ac760f246543e10

Package: nginx
Version: 1.26.3-3

Package: passwd
Version: 1:4.17.4-2

Package: systemd
Version: 257.8-1
"""
SUITES = ("bookworm", "trixie", "forky")
MORE = "Architecture: amd64\nMaintainer: A <a@example.org>\nDescription: x\n"
FILE = f"Filename: ./x.deb\nSize: 1\nSHA256: {'0' * 64}\n"

Upgrade = Callable[..., Sequence[str]]


def control(suite: str) -> Control:
    """The control file of an app, for one of Debian's releases."""
    meant = target.load(f"{suite}-amd64")
    version = f"1.0-1+deb{meant.debian_release}"
    return control_file.control(sample_project(package="guestbook"), meant, [], version=version)


def stanza(found: Control) -> str:
    return found.text(installed_size=1)


def each(text: str, more: str) -> str:
    return "".join(f"{one.strip()}\n{more}\n" for one in text.split("\n\n"))


@pytest.fixture
def upgrade(tmp_path: Path) -> Upgrade:
    """Say what ``apt-get full-upgrade`` would do on a Pi with an app: remove, and install or not."""

    def would(
        *words: object, app: Control, offered: Sequence[Control] = (), hold: bool = False
    ) -> Sequence[str]:
        folder = tmp_path / "archive"
        folder.mkdir()
        packages = each(TRIXIE, MORE + FILE) + "".join(f"{stanza(one)}{FILE}\n" for one in offered)
        (folder / "Packages").write_text(packages)
        keyring = tmp_path / "keyring"
        keyring.touch()
        client = Client(tmp_path / "client", "file:/", keyring)
        client.sources.write_text(f"deb [trusted=yes] file:{folder} ./\n")
        state = "hold" if hold else "install"
        client.status.write_text(
            each(BOOKWORM, MORE + "Status: install ok installed\n")
            + f"{stanza(app)}Status: {state} ok installed\n\n"
        )
        assert client.run("update").status == 0  # it misses compressed forms, and says so
        done = client.run("--simulate", "full-upgrade", *map(str, words))
        assert done.status == 0, done.stderr
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("Inst ", "Remv "))]
        return [f"{row[0]} {row[1]}" for row in rows]

    return would


def unbound(app: Control) -> Control:
    """The app as its packages were before."""
    return replace(app, depends=tuple(name.partition(" (<< 2.0")[0] for name in app.depends))


def test_with_a_deb_for_the_next_release(upgrade: Upgrade) -> None:
    done = upgrade(app=control("bookworm"), offered=[control("trixie")])
    assert {"Inst guestbook", "Inst python3", "Inst uwsgi-plugin-python3"} <= set(done)


def test_with_that_deb_at_hand(upgrade: Upgrade, tmp_path: Path) -> None:
    tree = tmp_path / "tree/DEBIAN"
    tree.mkdir(parents=True)
    (tree / "control").write_text(stanza(control("trixie")))
    deb = tmp_path / "guestbook_1.0-1+deb13_amd64.deb"
    run.run(["dpkg-deb", "--root-owner-group", "--build", tree.parent, deb])
    done = upgrade(deb, app=control("bookworm"))
    assert {"Inst guestbook", "Inst python3", "Inst uwsgi-plugin-python3"} <= set(done)


def test_without_one_the_app_goes(upgrade: Upgrade) -> None:
    """So the guide says: look before, as apt says it in one line of many."""
    done = upgrade(app=control("bookworm"))
    assert {"Remv guestbook", "Inst python3"} <= set(done)


def test_an_app_that_is_held_keeps_its_python(upgrade: Upgrade) -> None:
    done = upgrade(app=control("bookworm"), hold=True)
    assert "Inst nginx" in done
    assert not [line for line in done if "uwsgi" in line or "python3" in line]


def test_what_the_bound_is_for(upgrade: Upgrade) -> None:
    """Without it the plugin leaves for a Python that the app is not for."""
    done = upgrade(app=unbound(control("bookworm")), hold=True)
    assert "Inst uwsgi-plugin-python3" in done
    assert "Inst python3" not in done


@pytest.mark.parametrize(("suite", "versions"), [("bookworm", BOOKWORM), ("trixie", TRIXIE)])
def test_the_bound_lets_the_plugin_of_its_own_release_be(suite: str, versions: str) -> None:
    own = versions.split("Package: uwsgi-plugin-python3\nVersion: ")[1].split("\n", maxsplit=1)[0]
    bound = target.load(f"{suite}-amd64").uwsgi_below
    assert run.run(["dpkg", "--compare-versions", own, "lt", bound], check=False).status == 0


def test_the_next_release_is_beyond_the_bound() -> None:
    """A suite whose successor is known has one; the newest has none."""
    for name in target.names():
        assert bool(target.load(name).uwsgi_below) == (target.load(name).suite != SUITES[-1])
    bound = target.load("bookworm-amd64").uwsgi_below
    assert (
        run.run(["dpkg", "--compare-versions", "2.0.28+8+0.0.2+b1", "ge", bound], check=False).status == 0
    )
