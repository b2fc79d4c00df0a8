"""What is done to the guest book on a machine, and disks of machines to do it on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from debians import Boot, Builder
from disks import Disk, Machine, plugged
from guestbooks import SUITE, Guestbooks

from debonair.debian.rootfs.container import Container
from debonair.errors import TrialError

OWN, DEBIANS = "own", "system"
"""Whose emperor the app has: its own, or that of Debian's package uwsgi-emperor."""
MIGRATION = '''
@click.command()
def migrate():
    """Prepare the data for this version."""
    with database() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS prepared (version TEXT UNIQUE)")
        connection.execute("INSERT OR IGNORE INTO prepared VALUES (?)", ("VERSION",))
'''


@dataclass(frozen=True)
class Deed:
    """Something that is done to the app on a machine, and what it is before and after it."""

    argv: tuple[str, ...]
    begin: str
    """The version that is served before it, empty for a machine without the app."""
    served: str
    """What is served after it, empty for nothing."""
    state: str = "ii"
    """dpkg's letters after it, empty if it knows the package no more."""
    emperor: str = OWN
    moments: tuple[str, ...] = ()
    """The files at whose appearing, changing or vanishing the power is cut, besides other points."""


def apt(*words: str) -> tuple[str, ...]:
    """Return the words for apt to do something without a question."""
    return ("apt-get", "--yes", "--allow-downgrades", *words)


def deb(version: str, emperor: str = OWN) -> str:
    """Return where a machine has the deb of a version."""
    return f"/srv/guestbook-{version}-{emperor}.deb"


ENV, LINK = "/etc/guestbook/env", "/etc/nginx/sites-enabled/guestbook"
WRITTEN, SITE = "/usr/lib/guestbook/site.conf", "/etc/nginx/sites-available/guestbook"
CURRENT, NOTE = "/usr/lib/guestbook/current", "/usr/lib/guestbook/releases/switch.json"
TRIGGERS = "/var/lib/dpkg/triggers/Unincorp"
"""What dpkg-trigger writes; dpkg reads it whatever it is asked."""
VASSAL, DATA = "/etc/uwsgi-emperor/vassals/guestbook.ini", "/var/lib/guestbook"
DEEDS = {
    "first install": Deed(
        apt("install", deb("1.1")), "", "1.1", moments=(ENV, CURRENT, SITE, WRITTEN, LINK, NOTE)
    ),
    "upgrade": Deed(apt("install", deb("1.2")), "1.1", "1.2", moments=(CURRENT,)),
    "rollback": Deed(("guestbook", "rollback"), "1.2", "1.1", moments=(CURRENT,)),
    "downgrade": Deed(apt("install", deb("1.1")), "1.2", "1.1", moments=(CURRENT,)),
    "reinstall": Deed(apt("install", "--reinstall", deb("1.2")), "1.2", "1.2"),
    "remove": Deed(apt("remove", "guestbook"), "1.2", "", "rc", moments=(LINK, TRIGGERS)),
    "purge": Deed(apt("purge", "guestbook"), "1.2", "", "", moments=(LINK, TRIGGERS, DATA)),
    "setting": Deed(("guestbook", "env", "set", "COLOUR=blue"), "1.1", "1.1", moments=(ENV,)),
    "first install, Debian's emperor": Deed(
        apt("install", deb("1.1", DEBIANS)), "", "1.1", emperor=DEBIANS, moments=(VASSAL, LINK)
    ),
    "upgrade, Debian's emperor": Deed(
        apt("install", deb("1.2", DEBIANS)), "1.1", "1.2", emperor=DEBIANS, moments=(VASSAL,)
    ),
}


@dataclass
class Lab:
    """Disks to begin from, made when they are asked for, and a folder for those that are ruined."""

    boot: Boot
    folder: Path
    disks: dict[tuple[str, str], Disk] = field(default_factory=dict)

    def disk(self, version: str, emperor: str = OWN) -> Disk:
        """Return the disk of a machine that serves a version, and has the debs of all versions."""
        if (version, emperor) not in self.disks:
            path = self.folder / f"{version or 'bare'}-{emperor}.img"
            if version:
                before = {"1.1": "", "1.2": "1.1"}[version]
                made = self.disk(before, emperor).copy(path)
                with plugged(made, SUITE, self.folder) as machine:
                    machine.container.run(apt("install", deb(version, emperor)))
                    assert served(machine.container) == version
                    machine.stop()
            else:
                made = Disk.of(self.boot, SUITE, path)
                with plugged(made, SUITE, self.folder) as machine:
                    self._stock(machine, emperor)
                    machine.stop()
            self.disks[version, emperor] = made
        return self.disks[version, emperor]

    def _stock(self, machine: Machine, emperor: str) -> None:
        (out := self.folder / f"debs-{emperor}").mkdir()
        settings = f'emperor = "{emperor}"\nhealth-timeout = 20\nmigrate = "flask --app guestbook migrate"'
        books = Guestbooks(Builder(out), out, settings)
        for version in ("1.1", "1.2"):
            made = books(version, edit=preparing(version))
            machine.container.copy_in(made, deb(version, emperor))
        if emperor == DEBIANS:
            self.boot.bed.stock(machine.container, "uwsgi-emperor")
            machine.container.run(apt("install", "uwsgi-emperor"))


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
