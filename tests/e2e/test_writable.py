"""An app that writes beside its code: logs, uploads below its static folder, and a database with a log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from debians import Boot, Builder

from debonair.debian.rootfs.container import Container
from debonair.trial import advice

pytestmark = pytest.mark.boot

SUITE = "trixie"
WRITABLE = 'writable = ["logs", "static/uploads", "app.db"]'
SETTINGS = """\
package = "notes"
version = "{version}"
maintainer = "Ada <ada@example.org>"
description = "Notes"
wsgi = "app:app"
{writable}

[static]
"/static/" = "static"
"""
APP = """\
import logging
import os
import sqlite3
from pathlib import Path

from flask import Flask, request

os.makedirs("logs", exist_ok=True)
logging.basicConfig(filename="logs/app.log", level=logging.INFO)
UPLOADS = Path(__file__).parent / "static" / "uploads"
UPLOADS.mkdir(exist_ok=True)
DATABASE = os.path.join(os.path.dirname(__file__), "app.db")
app = Flask(__name__)


def database():
    found = sqlite3.connect(DATABASE)
    found.execute("PRAGMA journal_mode=WAL")
    found.execute("CREATE TABLE IF NOT EXISTS notes (text)")
    return found


@app.get("/")
def index():
    with database() as opened:
        notes = [text for text, in opened.execute("SELECT text FROM notes")]
    return {"version": "VERSION", "notes": notes, "uploads": sorted(os.listdir(UPLOADS))}


@app.get("/add/<name>")
def add(name):
    logging.info("added %s", name)
    with database() as opened:
        opened.execute("INSERT INTO notes VALUES (?)", [name])
    (UPLOADS / name).write_text(name)
    return "added"
"""


@dataclass(frozen=True)
class Notes:
    """The app's versions, and the machine on which they are installed."""

    machine: Container
    build: Builder
    folder: Path
    debs: dict[str, str] = field(default_factory=dict)

    def install(self, version: str, *, writable: str = WRITABLE, **files: str) -> str:
        """Build and install ``version``, whose ``files`` are in logs/ and static/uploads/."""
        root = self.folder / version
        for name, text in {
            "app.py": APP.replace("VERSION", version),
            "debonair.toml": SETTINGS.format(version=version, writable=writable),
            "requirements.txt": "flask\n",
            "static/style.css": f"/* {version} */",
            "logs/readme": f"logs of {version}",
            "static/uploads/start": f"start of {version}",
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        deb = self.build(root, f"{SUITE}-amd64")
        self.machine.copy_in(deb, f"/srv/{deb.name}")
        self.debs[version] = f"/srv/{deb.name}"
        return self.again(version)

    def again(self, version: str) -> str:
        """Install a deb that was installed before, and return what apt prints."""
        argv = ["apt-get", "install", "--yes", "--reinstall", "--allow-downgrades", self.debs[version]]
        return self.machine.run(argv).stdout

    def shown(self) -> tuple[str, list[str], list[str]]:
        """Return what the page shows: the version, the notes and the uploads."""
        found = json.loads(self.machine.get("/").text)
        return found["version"], found["notes"], found["uploads"]

    def text(self, path: str) -> str:
        """Return the text of a file of its data."""
        return str(self.machine.read(f"/var/lib/notes/{path}"))


@pytest.fixture(scope="module")
def notes(boot: Boot, build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    with boot(SUITE) as machine:
        yield Notes(machine, build, tmp_path_factory.mktemp("notes"))


def test_its_life(notes: Notes) -> None:
    # Without the setting, it is refused, and the hint is the setting.
    refused = notes.install("1.0", writable="")
    assert "was refused" in refused
    hint = advice.advice(refused, {"package": "notes", "import-path": ["app"]})
    assert 'writable = ["logs"]' in hint, refused

    # What was a folder of the package now is data; the shipped files start it.
    assert "refused" not in notes.install("1.1")
    notes.machine.get("/add/one")
    assert notes.shown() == ("1.1", ["one"], ["one", "start"])
    assert notes.text("static/uploads/start") == "start of 1.1"
    assert "added one" in notes.text("logs/app.log")
    assert notes.machine.get("/static/uploads/one").text == "one"
    assert notes.machine.get("/static/style.css").text == "/* 1.1 */"
    found = notes.machine.run(["sh", "-c", "ls /var/lib/notes; ls /usr/lib/notes/current/app"]).stdout
    assert {"app.db", "app.db-wal", "app.db-shm"} <= set(found.splitlines())
    assert found.splitlines().count("app.db-wal") == 1

    # The data outlives an upgrade, a rollback, a reinstallation and a removal.
    notes.machine.run(["rm", "/var/lib/notes/static/uploads/start"])
    notes.install("1.2")
    assert notes.shown() == ("1.2", ["one"], ["one"])
    notes.machine.get("/add/two")
    notes.machine.run(["notes", "rollback"])
    assert notes.shown() == ("1.1", ["one", "two"], ["one", "two"])
    notes.again("1.2")
    notes.machine.run(["apt-get", "remove", "--yes", "notes"])
    notes.again("1.2")
    assert notes.shown() == ("1.2", ["one", "two"], ["one", "two"])
    assert notes.text("logs/readme") == "logs of 1.1"

    # Data that its owner removes comes back with the service.
    notes.machine.run(["sh", "-c", "systemctl stop notes && rm -r /var/lib/notes/static"])
    notes.machine.run(["systemctl", "start", "notes"])
    assert notes.shown() == ("1.2", ["one", "two"], ["start"])
    assert notes.text("static/uploads/start") == "start of 1.2"


def test_a_later_package_is_not_unpacked_through_a_link(notes: Notes) -> None:
    """The app owns its data folder, and directs a folder there to one of root's; 'logs' is code again."""
    notes.machine.run(["sh", "-c", "mkdir /etc/victim && systemctl stop notes"])
    notes.machine.run(["sh", "-c", "rm -r /var/lib/notes/logs && ln -s /etc/victim /var/lib/notes/logs"])
    notes.install("1.3", writable='writable = ["static/uploads", "app.db"]')
    assert notes.machine.run(["ls", "-A", "/etc/victim"]).stdout == ""
    release = notes.machine.run(["sh", "-c", "cat /usr/lib/notes/dist/app/logs/readme"]).stdout
    assert release == "logs of 1.3"


def test_a_purge_keeps_a_copy_that_only_root_reads(notes: Notes) -> None:
    notes.machine.run(["apt-get", "purge", "--yes", "notes"])
    assert notes.machine.run(
        ["sh", "-c", "test ! -e /var/lib/notes && ls /var/backups/notes-*/data"]
    ).stdout
