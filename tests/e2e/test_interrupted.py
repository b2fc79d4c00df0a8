"""What is left when an upgrade or a removal ends in the middle: what serves is whole, and is served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from debians import Boot, Builder
from disks import Disk, Loss, plugged
from guestbooks import SUITE, Guestbooks, dpkg_state, installing, status

from debonair import trial
from debonair.host import run

pytestmark = pytest.mark.boot

DIST = "/usr/lib/guestbook/dist"
PRERM = "/var/lib/dpkg/info/guestbook.prerm"


def test_what_dpkg_unpacked_half_is_not_put_into_service(
    boot: Boot, build: Builder, tmp_path: Path
) -> None:
    """The power is cut while dpkg gives the new files their names: some are of the one version."""
    books = Guestbooks(build, tmp_path, "health-timeout = 10")
    disk = Disk.of(boot, SUITE, tmp_path / "disk.img")
    with plugged(disk, SUITE, tmp_path) as machine:
        container = machine.container
        assert installing(container, books("1.1")).status == 0
        container.copy_in(books("1.2"), "/srv/new.deb")
        container.run(["sync"])
        files = sorted(path for path in machine.path(DIST).rglob("*.py") if not path.is_symlink())
        watched = [(path, path.stat().st_ino) for path in files]
        doing = run.start(
            container.words(["apt-get", "install", "--yes", "/srv/new.deb"]), output=tmp_path / "output"
        )
        while not any(path.stat().st_ino != number for path, number in watched):
            assert doing.poll() is None, (tmp_path / "output").read_text()
        machine.cut(Loss.UNSYNCED)
        doing.wait()
        machine.start()
        assert dpkg_state(container).startswith("iHR")
        trial.healthy(container, "guestbook", trial.Site("/healthz"))
        assert "<h1>1.1</h1>" in container.get("/").text

        undone = container.run(["guestbook", "rollback", "--undo"], check=False, timeout=120)
        assert undone.status != 0
        assert re.search("apt|dpkg", undone.stdout + undone.stderr), "it says how to go on"
        assert "<h1>1.1</h1>" in container.get("/").text
        code, facts = status(container)
        assert (code, facts["serving"].partition("-")[0], facts["refused"]) == (3, "1.1", None)
        assert facts["page"]["status"] == 200
        (problem,) = facts["problems"]
        assert problem.startswith("dpkg has not unpacked all of guestbook (half-installed).")

        container.run(["dpkg", "--configure", "-a"], check=False)  # apt asks for that first
        container.run(["apt-get", "install", "--yes", "/srv/new.deb"], timeout=120)
        assert "<h1>1.2</h1>" in container.get("/").text
        assert status(container)[0] == 0


def test_what_was_not_removed_is_served(boot: Boot, build: Builder, tmp_path: Path) -> None:
    """A removal that fails in prerm is taken back by dpkg, and the app is served as it was."""
    books = Guestbooks(build, tmp_path, "health-timeout = 10")
    with boot(SUITE) as machine:
        assert installing(machine, books("1.1")).status == 0
        trial.healthy(machine, "guestbook", trial.Site("/healthz"))
        machine.run(["sed", "-i", "$a exit 1", PRERM])  # as if it were killed when it has done all
        failed = machine.run(["apt-get", "remove", "--yes", "guestbook"], check=False)
        assert failed.status != 0
        assert dpkg_state(machine).startswith("ii")
        trial.healthy(machine, "guestbook", trial.Site("/healthz"))
        assert "<h1>1.1</h1>" in machine.get("/").text
        code, facts = status(machine)
        assert code == 0, facts

        machine.run(["sed", "-i", "$d", PRERM])
        machine.run(["apt-get", "remove", "--yes", "guestbook"])
        assert "Welcome to nginx" in machine.get("/").text
