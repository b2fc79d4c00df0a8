"""Releases that are broken in many ways: none is given a request, and none leaves dpkg in a bad state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from debians import Boot, Builder
from guestbooks import SUITE, Answers, Guestbooks, dpkg_state, installing, status, visiting

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

SETTINGS = "health-timeout = 5\nmigrate-timeout = 2"
SMALL = "limit-as = 512"  # MB: the memory that a process may ask for, where no cgroup says so


def before(code: str) -> Callable[[str], str]:
    """Put ``code`` before the app's own, as it is imported."""
    return lambda app: f"{code}\n{app}"


def in_factory(code: str) -> Callable[[str], str]:
    """Put ``code`` at the beginning of the app's factory."""
    return lambda app: app.replace("def create_app():\n", f"def create_app():\n    {code}\n", 1)


def in_health(code: str) -> Callable[[str], str]:
    """Put ``code`` at the beginning of the health page."""
    return lambda app: app.replace("def healthz():\n", f"def healthz():\n        {code}\n", 1)


def renamed(old: str, new: str) -> Callable[[str], str]:
    """Give something in the app's code another name."""
    return lambda app: app.replace(old, new, 1)


@dataclass(frozen=True)
class Broken:
    """A release that must not be served, and what its owner is told of it."""

    told: str
    """A regular expression, found in what apt shows and in what status keeps."""
    edit: Callable[[str], str] = str
    settings: str = ""
    uwsgi: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    """Further files of its package."""


DIES = """
import os, threading, time
def die():
    time.sleep(1)
    os._exit(1)
threading.Thread(target=die, daemon=True).start()
"""

BROKEN = {
    # seen when the app is loaded for a trial
    "syntax-error": Broken(
        "SyntaxError", before("from guestbook import pages"), files={"pages.py": "def broken(:\n"}
    ),
    "missing-module": Broken("No module named 'not_there'", before("import not_there")),
    "missing-name": Broken("cannot import name 'not_there'", before("from flask import not_there")),
    "missing-variable": Broken("KeyError: 'PAYMENT_KEY'", before('import os\nos.environ["PAYMENT_KEY"]')),
    "factory-raises": Broken("ValueError: no luck", in_factory('raise ValueError("no luck")')),
    "callable-missing": Broken("callable not found", lambda app: f"{app}\ndel create_app\n"),
    "exits-at-import": Broken("does not answer", before("import sys\nsys.exit(0)")),
    "loops-at-import": Broken("did not finish within 5 seconds", before("while True: pass")),
    "memory-at-import": Broken("MemoryError", before("hog = bytearray(2_000_000_000)"), uwsgi=SMALL),
    "unknown-option": Broken("no-such-option", uwsgi="no-such-option = true"),
    "own-code": Broken("PermissionError", before('open(__file__, "a")')),
    "foreign-file": Broken("PermissionError", before('open("/etc/shadow")')),
    "needs-database": Broken(
        "ConnectionRefusedError",
        before('import socket\nsocket.create_connection(("127.0.0.1", 5432))'),
    ),
    # seen when the data is prepared
    "migration-fails": Broken(
        "no such column", settings='migrate = "flask nope || echo no such column; false"'
    ),
    "migration-hangs": Broken("did not finish within 2 seconds", settings='migrate = "sleep 60"'),
    "migration-missing": Broken("not-there", settings='migrate = "not-there --now"'),
    # seen when it runs beside the one that serves, in its sandbox
    "lazy-import": Broken(
        "No module named 'not_there'", before("import not_there"), uwsgi="lazy-apps = true"
    ),
    "sandbox": Broken("PermissionError", before("import mmap\nmmap.mmap(-1, 4096, prot=7)")),
    "dies-after-a-second": Broken("die soon", before(DIES), uwsgi="lazy-apps = true"),
    # seen when it is asked for its health
    "health-500": Broken("answers 500", in_health('raise RuntimeError("unwell")')),
    "health-404": Broken("answers 404", renamed('"/healthz"', '"/elsewhere"')),
    "health-503": Broken("answers 503", in_health('return "later", 503')),
    "health-hangs": Broken("no answer within", in_health("import time; time.sleep(60)")),
    "health-segfaults": Broken("workers die|worker died", in_health("os.kill(os.getpid(), 11)")),
    "health-template": Broken("answers 500", in_health('return render_template("not-there.html")')),
    "memory-at-request": Broken("answers 500", in_health("bytearray(2_000_000_000)"), uwsgi=SMALL),
    # as the kernel does to who has too much memory
    "killed-at-request": Broken("workers die|worker died", in_health("os.kill(os.getpid(), 9)")),
}


@pytest.fixture
def books(build: Builder, tmp_path: Path) -> Guestbooks:
    return Guestbooks(build, tmp_path, SETTINGS)


@pytest.fixture
def machine(boot: Boot) -> Iterator[Container]:
    with boot(SUITE) as booted:
        yield booted


def refused(machine: Container, version: str, broken: Broken, shown: str) -> list[str]:
    """Return what is wrong with how the refusal of ``version`` was told."""
    code, facts = status(machine)
    text = machine.run(["guestbook", "status"], check=False).stdout
    kept = f"{facts['refused']['why']}\n{facts['refused']['log']}" if facts["refused"] else ""
    wrong = {
        f"status ended with {code}": code != 3,
        f"status says: {text}": f"; {version}-1+deb13 was refused: " not in text,
        f"status keeps: {kept}": not re.search(broken.told, kept),
        f"apt showed: {shown}": not re.search(broken.told, shown),
        f"dpkg says {dpkg_state(machine)}": dpkg_state(machine) != f"ii  {version}-1+deb13",
        "dpkg --audit says something": machine.run(["dpkg", "--audit"]).stdout != "",
        f"serving {facts['serving']}": facts["serving"] != "1.0-1+deb13",
    }
    return [text for text, is_so in wrong.items() if is_so]


def test_no_broken_release_gets_a_request(
    machine: Container, books: Guestbooks, boot: Boot, tmp_path: Path
) -> None:
    trial.install(boot.bed, machine, books("1.0"))
    trial.healthy(machine, "guestbook", trial.Site("/healthz"))
    emperor = machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout
    wrong: list[str] = []
    with visiting(machine, "read", tmp_path / "answers") as answers:
        for number, (kind, broken) in enumerate(BROKEN.items(), start=1):
            version = f"1.{number}"
            deb = books(
                version, edit=broken.edit, settings=broken.settings, uwsgi=broken.uwsgi, files=broken.files
            )
            asked = len(answers())
            done = installing(machine, deb)
            problems = refused(machine, version, broken, done.stdout + done.stderr)
            problems += [f"apt ended with {done.status}"] * bool(done.status)
            problems += strangers(answers, asked, "1.0")
            wrong += [f"{kind}: {text}" for text in problems]
        assert not wrong, "\n\n".join(wrong)

        # every one of them is gone, and the emperor was never restarted for it
        listed = f"1.{len(BROKEN)}-1+deb13  installed  refused\n1.0-1+deb13  served\n"
        assert machine.run(["guestbook", "releases"]).stdout == listed
        vassals = machine.run(["find", "/run/guestbook", "-name", "*.ini", "-printf", "%P\\n"]).stdout
        assert vassals.split() == ["vassals/web-1.0-1+deb13.ini"]
        assert machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout == emperor

        # a reboot changes nothing
        machine.reboot()
        trial.healthy(machine, "guestbook", trial.Site("/healthz"))
        assert status(machine)[0] == 3

    # and the next good one is served
    assert installing(machine, books("2.0")).status == 0
    assert status(machine)[0] == 0
    assert "<h1>2.0</h1>" in machine.get("/").text
    assert "refused" not in machine.run(["guestbook", "status"]).stdout


def strangers(answers: Answers, since: int, heading: str) -> list[str]:
    """Return whatever visitors saw since then other than the page with ``heading``; they must see some."""
    seen = answers()[since:]
    other = sorted(
        {f"a visitor saw {text} ({code})" for text, code in seen if (text, code) != (heading, 200)}
    )
    return other if len(seen) > 5 else [*other, f"only {len(seen)} visits"]


def test_a_first_release_that_is_unwell_is_left_stopped(
    machine: Container, books: Guestbooks, boot: Boot
) -> None:
    done = trial.install(boot.bed, machine, books("1.0", edit=in_health('raise RuntimeError("unwell")')))
    assert "1.0-1+deb13 was refused; the service stays stopped" in done.stdout
    assert "RuntimeError: unwell" in done.stdout

    def assert_stopped() -> None:
        assert dpkg_state(machine) == "ii  1.0-1+deb13"
        assert machine.run(["dpkg", "--audit"]).stdout == ""
        told = machine.run(["guestbook", "status"], check=False)
        assert told.status == 3
        assert "guestbook: stopped; 1.0-1+deb13 was refused: /healthz answers 500" in told.stdout
        assert (
            machine.run(["systemctl", "is-active", "guestbook"], check=False).stdout.strip() == "inactive"
        )
        machine.run(["nginx", "-t"])
        assert "Welcome to nginx" in machine.get("/").text

    assert_stopped()
    machine.reboot()
    assert machine.run(["systemctl", "is-system-running"], check=False).stdout.strip() == "running"
    assert_stopped()

    assert installing(machine, books("1.1")).status == 0
    trial.healthy(machine, "guestbook", trial.Site("/healthz"))  # nginx has to read its site yet
    assert "<h1>1.1</h1>" in machine.get("/").text
    assert status(machine)[0] == 0
    assert machine.run(["guestbook", "releases"]).stdout == "1.1-1+deb13  served  installed\n"
