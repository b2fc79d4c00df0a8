"""Power cuts in the midst of upgrades and rollbacks: the container is killed outright, and booted again.

What a process has written stays, as it does when a machine keeps its power and the kernel dies with it; so
this is about order and atomicity, not about what a disk lost. POWER_CUTS in the environment says how many
cuts there are, spread evenly over the time that an upgrade or a rollback takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from debians import Boot, Builder
from guestbooks import SUITE, Answers, Guestbooks, dpkg_state, installing, status, visiting

from debonair import run, trial
from debonair.trial.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.alone]

CUTS = int(os.environ.get("POWER_CUTS", "12"))
ROLLBACKS = CUTS // 3
UPGRADES = CUTS - ROLLBACKS

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
import json, sqlite3
book = sqlite3.connect("/var/lib/guestbook/guestbook.sqlite3")
print(json.dumps({
    "integrity": book.execute("PRAGMA integrity_check").fetchone()[0],
    "entries": [row[0] for row in book.execute("SELECT message FROM entry")],
    "prepared": [row[0] for row in book.execute("SELECT version FROM prepared")],
}))
"""


@dataclass
class Machine:
    """A machine that has the guest book, and loses its power now and then."""

    container: Container
    books: Guestbooks
    folder: Path
    number: int = 0
    signed: set[str] = field(default_factory=set)
    """The entries that were acknowledged."""

    def next(self) -> Path:
        """Build the next version, whose migration notes that it was run."""
        self.number += 1
        version = f"1.{self.number}"
        migration = MIGRATION.replace("VERSION", version)
        return self.books(
            version,
            edit=lambda code: (
                code.replace(
                    "    app.cli.add_command(count)\n",
                    "    app.cli.add_command(count)\n    app.cli.add_command(migrate)\n",
                )
                + migration
            ),
        )

    def upgrade(self) -> float:
        """Install the next version in good order; return the seconds that it took."""
        deb = self.next()
        with visiting(self.container, "sign", self.folder / f"answers-{self.number}") as answers:
            began = time.monotonic()
            done = installing(self.container, deb)
            took = time.monotonic() - began
            assert done.status == 0, done
            self.sign(answers)
        return took

    def roll_back(self) -> float:
        """Roll back in good order; return the seconds that it took."""
        began = time.monotonic()
        self.container.run(["guestbook", "rollback"])
        return time.monotonic() - began

    def cut(self, argv: Sequence[str], seconds: float) -> str:
        """Cut the power so many seconds after ``argv`` began, and boot again; return words about it."""
        said = self.folder / f"said-{time.monotonic_ns()}"
        with visiting(self.container, "sign", said.with_suffix(".answers")) as answers:
            while not answers():
                time.sleep(0.01)
            doing = run.start(self.container.words(argv), output=said)
            time.sleep(seconds)
            when = "in the midst" if doing.poll() is None else "just after"
            self.container.kill()
            doing.wait()
            self.sign(answers)
        self.container.start()
        return f"cut after {seconds:.2f} s, {when}"

    def sign(self, answers: Answers) -> None:
        """Keep in mind what a signer was told is in the book."""
        self.signed |= {key for key, code in answers() if code == 302}

    def recover(self, deb: Path) -> str:
        """Let dpkg finish what was cut, and return what that took."""
        self.container.run(["dpkg", "--configure", "-a"], check=False)  # it fails for what is half unpacked
        if dpkg_state(self.container).split()[0] == "ii":
            return "configure"
        done = self.container.run(["apt-get", "install", "--yes", "--reinstall", f"/srv/{deb.name}"])
        assert dpkg_state(self.container).split()[0] == "ii", done.stdout
        return "install"

    def assert_true(self) -> str:
        """The page answers, and everything that says which version it is agrees; return that version."""
        trial.healthy(self.container, "guestbook", trial.Site("/healthz"))
        code, said = status(self.container)
        assert (code, said["refused"]) == (0, None)
        name = said["serving"]
        version = str(name).partition("-")[0]
        assert f"<h1>{version}</h1>" in self.container.get("/").text
        lib, here = "/usr/lib/guestbook", "/run/guestbook"
        found = self.container.run(["readlink", f"{lib}/current", f"{here}/web.sock"]).stdout.split()
        assert found == [f"releases/{name}", f"web-{name}.sock"]
        assert self.container.run(["ls", f"{here}/vassals"]).stdout.split() == [f"web-{name}.ini"]
        self.container.run(["nginx", "-t", "-q"])
        kept = json.loads(self.container.run(["python3", "-c", LOOK]).stdout)
        assert kept["integrity"] == "ok"
        assert self.signed - set(kept["entries"]) == set()
        assert version in kept["prepared"]
        return version

    def left_over(self) -> list[str]:
        """Return what lies about that belongs to no release."""
        words = ["find", "/usr/lib/guestbook", "-name", "*.dpkg-*", "-o", "-name", ".*.new", "-o"]
        return self.container.run([*words, "-name", ".*.old"]).stdout.split()


@pytest.fixture
def machine(boot: Boot, build: Builder, tmp_path: Path) -> Iterator[Machine]:
    """A machine that has the guest book, freshly installed."""
    with boot(SUITE) as booted:
        made = Machine(booted, Guestbooks(build, tmp_path, SETTINGS), tmp_path)
        trial.install(boot.bed, booted, made.next())
        assert made.assert_true() == "1.1"
        yield made


def points(seconds: float, number: int) -> list[float]:
    """Return ``number`` points of time, spread evenly over ``seconds``."""
    return [seconds * (one + 0.5) / number for one in range(number)]


def test_the_power_is_cut_in_upgrades(machine: Machine) -> None:
    seconds = machine.upgrade()
    served = machine.assert_true()
    assert served == "1.2"
    for point in points(seconds, UPGRADES):
        deb = machine.next()
        new = f"1.{machine.number}"
        machine.container.copy_in(deb, f"/srv/{deb.name}")
        cut = machine.cut(["apt-get", "install", "--yes", f"/srv/{deb.name}"], point)
        state = dpkg_state(machine.container)
        booted = machine.assert_true()
        assert booted in {served, new}, cut
        how = machine.recover(deb)
        served = machine.assert_true()
        assert served == dpkg_state(machine.container).split()[1].partition("-")[0], cut
        assert machine.left_over() == [], cut
        sys.stdout.write(f"upgrade to {new}, {cut}: {state}, booted {booted}, {how}, then {served}\n")
    sys.stdout.write(f"{len(machine.signed)} entries were acknowledged, and are there\n")
    assert len(machine.signed) > 10 * UPGRADES


def test_the_power_is_cut_in_rollbacks(machine: Machine) -> None:
    machine.upgrade()
    seconds = machine.roll_back()
    served = machine.assert_true()
    assert served == "1.1"
    for number, point in enumerate(points(seconds, ROLLBACKS)):
        undo = ["--undo"] * (served == "1.1")
        cut = machine.cut(["guestbook", "rollback", *undo], point)
        booted = machine.assert_true()
        assert booted in {"1.1", "1.2"}, cut
        machine.container.run(["dpkg", "--configure", "-a"])
        assert dpkg_state(machine.container) == "ii  1.2-1+deb13", cut
        assert machine.assert_true() == booted, cut
        sys.stdout.write(f"rollback {number} from {served}, {cut}: booted {booted}\n")
        served = booted
