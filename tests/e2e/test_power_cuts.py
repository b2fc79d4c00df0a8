"""Power cuts in the midst of everything that dpkg and the app's own command do, on a disk that forgets.

What was not synced is lost (``disks``). After each cut the machine boots, dpkg finishes what it can, and
everything that says how the app is has to agree. POWER_CUTS in the environment says how many cuts there are
of each kind; the first is right after the end, the others are spread evenly over the time that it takes.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from debians import Boot, Builder
from disks import Disk, Loss, Machine, plugged
from guestbooks import SUITE, Guestbooks, dpkg_state, status, visiting

from debonair import run, trial
from debonair.errors import TrialError
from debonair.trial.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.alone]

CUTS = int(os.environ.get("POWER_CUTS", "3"))
LOSSES = (Loss.DATA, Loss.UNSYNCED, Loss.DATA, Loss.NONE, Loss.UNSYNCED)
SETTINGS = 'health-timeout = 10\nmigrate = "flask --app guestbook migrate"'
MIGRATION = '''
@click.command()
def migrate():
    """Prepare the data for this version."""
    with database() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS prepared (version TEXT UNIQUE)")
        connection.execute("INSERT OR IGNORE INTO prepared VALUES (?)", ("VERSION",))
'''
LOOK = """
import hashlib, json, pathlib, re, sqlite3

def text(path):
    return path.read_text() if path.is_file() else ""

lib, etc = pathlib.Path("/usr/lib/guestbook"), pathlib.Path("/etc/guestbook")
sums = text(pathlib.Path("/var/lib/dpkg/info/guestbook.md5sums")).splitlines()
none = hashlib.md5(b"").hexdigest()
meant = {line[34:].rpartition("/dist/")[2] for line in sums if line.startswith(none)} | {".lock", ".served"}
units = pathlib.Path("/var/lib/systemd/deb-systemd-helper-enabled").glob("guestbook*.dsh-also")
places = [lib, etc, *pathlib.Path("/etc/nginx").glob("sites-*")]
files = [path for place in places for path in sorted(place.rglob("*"))] + [*units]
etc_all = pathlib.Path("/etc").rglob("*")

def content(path):
    return str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
inside = [re.sub("^/usr/lib/guestbook/(dist|releases/[^/]*)/", "", str(path)) for path in files]
book, entries, prepared, integrity = pathlib.Path("/var/lib/guestbook/guestbook.sqlite3"), [], [], "ok"
if book.exists():
    data = sqlite3.connect(book)
    integrity = data.execute("PRAGMA integrity_check").fetchone()[0]
    entries = [row[0] for row in data.execute("SELECT message FROM entry ORDER BY id")]
    prepared = [row[0] for row in data.execute("SELECT version FROM prepared")]
print(json.dumps({
    "empty": [str(path) for path, name in zip(files, inside) if path.is_file()
              and not path.stat().st_size and not {path.name, name} & meant],
    "left": [str(path) for path in files if re.search(r"[.]dpkg-|^[.].*[.](new|old)$|[.]new$", path.name)],
    "key": "".join(re.findall("^SECRET_KEY=(.*)", text(etc / "env"), re.MULTILINE)),
    "files": [str(path) for path in files if "guestbook" in str(path) and not path.is_dir()],
    "bytes": {str(path): content(path) for path in {*files, *etc_all}
              if path.is_symlink() or path.is_file()},
    "integrity": integrity, "entries": entries, "prepared": prepared,
}))
"""


@dataclass(frozen=True)
class Deed:
    """Something that is done to the app on a machine, and what it is before and after it."""

    argv: tuple[str, ...]
    begin: str
    """The disk that it begins from: empty for one without the app, else the version that is served."""
    served: str
    """What is served after it, empty for nothing."""
    state: str = "ii"
    """dpkg's letters after it, empty if it knows the package no more."""


def apt(*words: str) -> tuple[str, ...]:
    return ("apt-get", "--yes", "--allow-downgrades", *words)


def deb(version: str) -> str:
    return f"/srv/guestbook-{version}.deb"


DEEDS = {
    "first install": Deed(apt("install", deb("1.1")), "", "1.1"),
    "upgrade": Deed(apt("install", deb("1.2")), "1.1", "1.2"),
    "rollback": Deed(("guestbook", "rollback"), "1.2", "1.1"),
    "downgrade": Deed(apt("install", deb("1.1")), "1.2", "1.1"),
    "reinstall": Deed(apt("install", "--reinstall", deb("1.2")), "1.2", "1.2"),
    "remove": Deed(apt("remove", "guestbook"), "1.2", "", "rc"),
    "purge": Deed(apt("purge", "guestbook"), "1.2", "", ""),
}


@dataclass(frozen=True)
class Lab:
    """Disks to begin from, and a folder for those that are ruined."""

    disks: Mapping[str, Disk]
    folder: Path


@pytest.fixture(scope="module")
def lab(boot: Boot, build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return disks without the app and with each version of it, on which all versions' debs lie."""
    folder = tmp_path_factory.mktemp("disks")
    books = Guestbooks(build, folder, SETTINGS)
    debs = {version: books(version, edit=preparing(version)) for version in ("1.1", "1.2")}
    disks = {"": Disk.of(boot, SUITE, folder / "bare.img")}
    before = ""
    with plugged(disks[""], SUITE, folder) as machine:
        for version, path in debs.items():
            machine.container.copy_in(path, deb(version))
        machine.stop()
    for version in debs:
        disks[version] = disks[before].copy(folder / f"{version}.img")
        with plugged(disks[version], SUITE, folder) as machine:
            machine.container.run(apt("install", deb(version)))
            assert served(machine.container) == version
            machine.stop()
        before = version
    return Lab(disks, folder)


def preparing(version: str) -> Callable[[str], str]:
    """Return what gives the guest book a migration that notes that it was run."""
    line = "    app.cli.add_command(count)\n"
    return lambda code: (
        code.replace(line, f"{line}    app.cli.add_command(migrate)\n")
        + MIGRATION.replace("VERSION", version)
    )


def served(machine: Container) -> str:
    """Return the version whose page comes, empty if none does; fail if nginx does not answer.

    An app may still be starting behind its site, and nginx may be about to read one.
    """
    began = time.monotonic()
    while True:
        try:
            page = machine.get("/").text
        except TrialError as silent:
            state = machine.run(["systemctl", "status", "nginx", "--no-pager"], check=False).stdout
            raise AssertionError(f"nginx does not answer\n{state}") from silent
        if found := re.search(r"<h1>([0-9.]+)</h1>", page):
            return found[1]
        if time.monotonic() - began > (1 if "Welcome to nginx" in page else 10):
            return ""
        time.sleep(0.1)


def look(machine: Container) -> dict[str, Any]:
    """Return what is to be seen in the app's files."""
    found: dict[str, Any] = json.loads(machine.run(["python3", "-c", LOOK]).stdout)
    return found


@dataclass
class Cut:
    """One cut, at ``point`` seconds after the beginning of a deed, or after its end if that is None."""

    deed: Deed
    lab: Lab
    name: str
    loss: Loss
    point: float | None
    seconds: float = 0.0
    """How long the deed took, or the part of it that was done."""
    ended: bool = False
    """Whether it had ended well before the cut."""
    key: str = ""
    """The secret key that was there before the cut, and might have been used."""
    before: dict[str, Any] = field(default_factory=dict)
    """What was to be seen before the cut, if the deed had ended."""
    signed: list[str] = field(default_factory=list)
    """The entries that were acknowledged before the cut, in their order."""
    story: str = ""

    def run(self) -> None:
        """Begin the deed, cut the power, boot again, let dpkg finish, and look."""
        disk = self.lab.disks[self.deed.begin].copy(self.lab.folder / f"{self.name}.img")
        try:
            with plugged(disk, SUITE, self.lab.folder) as machine:
                self._begin(machine)
                machine.start()
                self._booted(machine.container)
                self._recovered(machine.container)
        except Exception as wrong:
            wrong.add_note(f"in {self.name}: {self.story}")
            raise
        finally:
            disk.path.unlink()

    def _begin(self, machine: Machine) -> None:
        """Begin the deed while somebody signs the book, and cut the power."""
        container = machine.container
        said = self.lab.folder / f"{self.name}.said"
        if self.deed.begin:
            trial.healthy(container, "guestbook", trial.Site("/healthz"))
            self.key = look(container)["key"]
        with visiting(container, "sign", said.with_suffix(".answers"), pause=0.1) as answers:
            began = time.monotonic()
            doing = run.start(container.words(self.deed.argv), output=said)
            if self.point is None:
                self.ended = doing.wait() == 0
                assert self.ended, said.read_text()
            else:
                time.sleep(self.point)
                self.ended = doing.poll() == 0
            self.seconds = time.monotonic() - began
            if self.ended:
                self.before = look(container)
                self.key = self.key or self.before["key"]
            machine.cut(self.loss)
            doing.wait()
            self.signed = [key for key, code in answers() if code == 302]
        when = "after its end" if self.ended else "in the midst"
        self.story = f"cut after {self.seconds:.2f} s, {when}; {self.loss.value}"

    def _booted(self, machine: Container) -> None:
        """What holds as soon as the machine is up, with nobody there to repair anything."""
        state, page = dpkg_state(machine), served(machine)
        self.story += f"; booted: {state.strip() or 'not known'}, serves {page or 'nothing'}"
        machine.run(["nginx", "-t", "-q"])
        found = look(machine)
        if self.ended:
            assert (state.split() or [""])[0] == self.deed.state
            assert page == self.deed.served
            assert found["bytes"] == self.before["bytes"], "no file differs from what it was"
        elif self.deed.begin and self.deed.state == "ii":
            assert page in {self.deed.begin, self.deed.served}, "an app that was served still is"
        if state.startswith("ii"):
            assert page, "what dpkg calls installed is served"
            assert found["key"], "it has a key"
        if self.key and self.deed.state:
            assert found["key"] == self.key, "the key stays"
        if not (self.ended and not self.deed.state):
            self._keeps(found)

    def _keeps(self, found: dict[str, Any]) -> None:
        """Every entry is there that was acknowledged; SQLite may lose the very last one to a cut."""
        assert found["integrity"] == "ok"
        if found["entries"] or self.deed.state:
            lost = [key for key in self.signed if key not in found["entries"]]
            assert lost in ([], self.signed[-1:]), lost

    def _recovered(self, machine: Container) -> None:
        """What holds when dpkg has finished what was cut, and the deed was done again if it could not."""
        machine.run(
            ["dpkg", "--configure", "-a"], check=False, timeout=120
        )  # fails for what is unpacked half
        letters = (dpkg_state(machine).split() or [""])[0]
        if letters not in {"ii", "rc", ""}:
            machine.run(self.deed.argv, timeout=120)
            letters = (dpkg_state(machine).split() or [""])[0]
            assert letters == self.deed.state
            self.story += ", done again"
        page, found = served(machine), look(machine)
        self.story += f"; at the end: {letters or 'not known'}, serves {page or 'nothing'}"
        machine.run(["nginx", "-t", "-q"])
        assert found["empty"] == [], "no file has lost its bytes"
        assert found["left"] == [], "nothing lies about"
        if letters != "ii":
            assert page == ""
            kept = [path for path in found["files"] if not path.startswith(("/etc/guestbook/", "/var/"))]
            assert kept == [], "nothing of what was removed is left"
            assert bool(found["key"]) == (letters == "rc" and bool(self.key))
            return
        assert machine.run(["dpkg", "--verify", "guestbook"], check=False).stdout == ""
        assert page, "what dpkg calls installed is served"
        code, said = status(machine)
        assert (code, said["refused"]) == (0, None)
        assert said["serving"].partition("-")[0] == page
        assert page in found["prepared"]
        if self.deed.argv[0] == "apt-get":
            assert dpkg_state(machine).split()[1].partition("-")[0] == page
        assert found["key"], "it has a key"
        assert not self.key or found["key"] == self.key, "the key stays"
        running = machine.run(["ls", "/run/guestbook/vassals"]).stdout.split()
        assert running == [f"web-{said['serving']}.ini"]


def points(seconds: float, number: int) -> list[float]:
    """Return ``number`` points of time, spread evenly over ``seconds``."""
    return [seconds * (one + 0.5) / number for one in range(number)]


@pytest.mark.parametrize("name", DEEDS)
def test_the_power_is_cut(name: str, lab: Lab) -> None:
    losses = iter(LOSSES * CUTS)
    first = Cut(DEEDS[name], lab, f"{name} 0", next(losses), None)
    cuts = [first]
    failed: list[Exception] = []

    def go(cut: Cut) -> None:
        try:
            cut.run()
        except Exception as wrong:
            failed.append(wrong)

    go(first)
    for number, point in enumerate(points(first.seconds, CUTS - 1), 1):
        cuts.append(Cut(DEEDS[name], lab, f"{name} {number}", next(losses), point))
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(go, cuts[1:]))
    for cut in cuts:
        sys.stdout.write(f"{cut.name}: {cut.story}\n")
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(cuts)} cuts", failed)
