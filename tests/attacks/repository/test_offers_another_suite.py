"""The attacker wants machines of stable to take what is in testing: its InRelease is signed as well.

apt says that the suite is another than it was asked for, and goes on; on a machine that has seen the
repository before it refuses. A new machine has what the bootstrap deb brings.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from aptclient import Client
from writer import FolderWriter, Publisher, put_back, snapshot

from debonair.deb import archive

pytestmark = pytest.mark.parametrize("writer", ["folder"], indirect=True)
GUARD = "acme-suite.pref"


@pytest.fixture
def swapped(acme: Publisher, folder: FolderWriter) -> FolderWriter:
    """The attacker, after testing's index was put in stable's place."""
    acme.add("2.0", "--channel", "testing")
    put_in(folder, "trixie-testing", "trixie")
    return folder


def put_in(folder: FolderWriter, suite: str, place: str) -> None:
    files = snapshot(folder)
    theirs = {
        name.replace(f"dists/{suite}/", f"dists/{place}/"): data
        for name, data in files.items()
        if name.startswith(f"dists/{suite}/")
    }
    ours = {name: data for name, data in files.items() if not name.startswith(f"dists/{place}/")}
    put_back(folder, ours | theirs)


def machine(folder: FolderWriter, home: Path, suite: str = "trixie") -> Client:
    """A new machine with what the bootstrap deb brings."""
    made = Client(home, folder.uri, folder.root / "acme-archive-keyring.gpg", suite=suite)
    (made.folder / "etc/apt/preferences").unlink(missing_ok=True)
    for name, text in brought(folder, suite).items():
        (made.folder / "etc/apt/preferences.d" / name).write_bytes(text)
    return made


def brought(folder: FolderWriter, suite: str) -> dict[str, bytes]:
    deb = archive.read(folder.root / f"bootstrap/acme-{suite}.deb", keep=lambda _: True)
    return {
        path.rpartition("/")[2]: data for path, data in deb.contents.items() if "/preferences.d/" in path
    }


def updated(made: Client) -> str:
    """Fetch the lists; return all that apt says, as another suite is a warning to it and no error."""
    done = made.run("update")
    assert done.status == 0, done.stderr
    return done.stdout + done.stderr


def offered(made: Client, package: str = "hello") -> str:
    """Return the version that apt would install, or ``(none)``."""
    output = made.run("policy", package, program="apt-cache").stdout
    return output.partition("Candidate: ")[2].partition("\n")[0] if output else "(none)"


def test_testing_in_the_place_of_stable(swapped: FolderWriter, tmp_path: Path) -> None:
    made = machine(swapped, tmp_path / "new")
    assert "W: Conflicting distribution" in updated(made)
    assert offered(made) == "(none)"
    assert made.run("install", "--yes", "--simulate", "hello").status != 0


def test_without_the_guard_apt_takes_it(swapped: FolderWriter, tmp_path: Path) -> None:
    """Not an attack that is refused: this is what the guard is for."""
    made = machine(swapped, tmp_path / "new")
    (made.folder / "etc/apt/preferences.d" / GUARD).unlink()
    updated(made)
    assert offered(made) == "2.0-1+deb13"


def test_a_machine_that_has_seen_it_refuses(acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
    made = machine(folder, tmp_path / "seen")
    assert made.update() == ""
    acme.add("2.0", "--channel", "testing")
    put_in(folder, "trixie-testing", "trixie")
    assert "changed its 'Codename' value from 'trixie' to 'trixie-testing'" in made.update()
    assert offered(made) == "1.0-1+deb13"


def test_an_older_debian_in_the_place(acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
    acme.repo("add", acme.deb("0.9"), "--suite", "bookworm")
    put_in(folder, "bookworm", "trixie")
    made = machine(folder, tmp_path / "new")
    updated(made)
    assert offered(made) == "(none)"


def test_a_later_debian_takes_nothing_back(acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
    acme.add("2.0")
    acme.repo("add", acme.deb("0.9"), "--suite", "forky")
    put_in(folder, "forky", "trixie")
    made = machine(folder, tmp_path / "new")
    made.installed(acme.deb("2.0"))
    updated(made)
    assert made.would("upgrade") == []


class TestHonest:
    """What must go on."""

    def test_stable_is_offered(self, acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
        made = machine(folder, tmp_path / "new")
        assert made.update() == ""
        assert offered(made) == "1.0-1+deb13"

    def test_it_can_be_taken_back(self, acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
        acme.add("2.0")
        acme.repo("rollback", "hello")
        made = machine(folder, tmp_path / "new")
        made.installed(acme.deb("2.0"))
        assert made.update() == ""
        assert made.would("upgrade", "--allow-downgrades") == ["hello 1.0-1+deb13"]

    def test_debian_is_upgraded(self, acme: Publisher, folder: FolderWriter, tmp_path: Path) -> None:
        """A machine with the bootstrap deb of bookworm, whose sources name trixie now."""
        made = machine(folder, tmp_path / "new")
        for name, text in brought(folder, "bookworm").items():
            (made.folder / "etc/apt/preferences.d" / name).write_bytes(text)
        assert made.update() == ""
        assert offered(made) == "1.0-1+deb13"
        assert offered(made, "acme-archive-keyring").endswith("+deb13")

    def test_who_follows_testing_goes_on(
        self, acme: Publisher, folder: FolderWriter, tmp_path: Path
    ) -> None:
        """The bootstrap deb takes its guard away where the sources name testing."""
        acme.add("2.0", "--channel", "testing")
        deb = archive.read(folder.root / "bootstrap/acme-trixie.deb")
        root = tmp_path / "root"
        for suites in ("trixie", "trixie trixie-testing"):
            (root / "etc/apt/sources.list.d").mkdir(parents=True, exist_ok=True)
            (root / "etc/apt/preferences.d").mkdir(exist_ok=True)
            (root / "etc/apt/sources.list.d/acme.sources").write_text(f"Types: deb\nSuites: {suites}\n")
            guard = root / "etc/apt/preferences.d" / GUARD
            guard.write_text("")
            script = deb.members["postinst"].decode().replace("/etc/", f"{root}/etc/")
            from debonair.host import run

            run.run(["sh", "-c", script, "postinst", "configure"])
            assert guard.exists() == (suites == "trixie")
