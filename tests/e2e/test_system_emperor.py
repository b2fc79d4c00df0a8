"""An app that is a vassal of Debian's own uwsgi-emperor, beside others that are not Debonair's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from debians import CARRIED, Boot, Builder
from guestbooks import Guestbooks, dpkg_state, installing, status, visiting

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

SETTINGS = 'emperor = "system"\nhealth-timeout = 20'
VASSAL = "/etc/uwsgi-emperor/vassals/guestbook.ini"


@pytest.fixture(params=["trixie", "bookworm"])
def machine(request: pytest.FixtureRequest, boot: Boot) -> Iterator[Container]:
    with boot(request.param) as booted:
        yield booted


@pytest.fixture
def books(build: Builder, tmp_path: Path, machine: Container) -> Guestbooks:
    return Guestbooks(build, tmp_path, SETTINGS, machine.suite)


def greeting(app: str) -> str:
    """Let the app have a page that shows one of its variables."""
    page = '    @app.get("/greeting")\n    def greeting():\n        return os.environ["GREETING"]\n\n'
    return app.replace("    return app\n", f"{page}    return app\n", 1)


def unwell(app: str) -> str:
    """Let the app answer each request for its health by an error."""
    return app.replace("def healthz():\n", 'def healthz():\n        raise RuntimeError("unwell")\n', 1)


def assert_served(machine: Container, version: str, *, code: int = 0) -> None:
    trial.healthy(machine, "guestbook", trial.Site("/healthz"))
    assert f"<h1>{version}</h1>" in machine.get("/").text
    found, facts = status(machine)
    assert (found, str(facts["serving"]).partition("-")[0]) == (code, version)
    assert len(facts["workers"]) == CARRIED


def test_the_guestbook_lives_under_debians_emperor(
    machine: Container, books: Guestbooks, boot: Boot, tmp_path: Path
) -> None:
    trial.install(boot.bed, machine, books("1.0", edit=greeting))
    assert_served(machine, "1.0")
    assert machine.get("/", data={"name": "A test", "message": "kept"}).status == 302
    assert machine.get("/static/style.css").status == 200
    emperor = machine.run(["systemctl", "show", "-P", "MainPID", "uwsgi-emperor"]).stdout
    assert machine.run(["guestbook", "run", "id", "-un"]).stdout == "www-data\n"

    # the admin's settings come to the app, and a restart is a reload of this vassal alone
    machine.run(["guestbook", "env", "set", "GREETING=50 % off"])
    machine.run(["guestbook", "restart"])
    assert_served(machine, "1.0")
    assert machine.get("/greeting").text == "50 % off"

    # an upgrade loads the new release in place: requests wait, none fails
    with visiting(machine, "read", tmp_path / "answers") as answers:
        assert installing(machine, books("1.1")).status == 0
        assert_served(machine, "1.1")
        assert {code for _, code in answers()} == {200}
        assert {text for text, _ in answers()} == {"1.0", "1.1"}

        # what cannot be loaded never gets there
        done = installing(machine, books("1.2", edit=lambda app: f"import not_there\n{app}"))
        assert "No module named 'not_there'" in done.stdout
        assert (done.status, dpkg_state(machine)[:2]) == (0, "ii")
        assert_served(machine, "1.1", code=3)
        assert {code for _, code in answers()} == {200}

    # and what is not well then is replaced by the one before
    done = installing(machine, books("1.3", edit=unwell))
    assert "/healthz answers 500" in done.stdout
    assert "RuntimeError: unwell" in done.stdout
    assert dpkg_state(machine)[:2] == "ii"
    assert_served(machine, "1.1", code=3)
    assert "RuntimeError: unwell" in machine.run(["journalctl", "--identifier=guestbook"]).stdout

    machine.run(["guestbook", "rollback"])
    assert_served(machine, "1.0")
    assert "kept" in machine.get("/").text
    assert machine.run(["systemctl", "show", "-P", "MainPID", "uwsgi-emperor"]).stdout == emperor

    machine.reboot()
    assert_served(machine, "1.0")

    machine.run(["apt-get", "purge", "--yes", "guestbook"])
    words = ["find", "/etc", "/usr", "/run", "/var/lib", "-name", "guestbook*"]
    # find may not look into a folder that systemd-nspawn keeps for itself below /run/host.
    assert machine.run(words, check=False).stdout == ""
    machine.run(["nginx", "-t"])


def test_a_socket_without_a_name_keeps_no_release_out(
    machine: Container, books: Guestbooks, boot: Boot
) -> None:
    """The app can remove the name. So does a removal, and the vassal may still live at the next install."""
    trial.install(boot.bed, machine, books("1.0"))
    assert_served(machine, "1.0")
    machine.run(["rm", "/run/guestbook/web.sock"])
    done = installing(machine, books("1.1"))
    assert_served(machine, "1.1")
    assert "refused" not in done.stdout

    machine.run(["rm", "/run/guestbook/web.sock"])
    machine.run(["guestbook", "restart"], timeout=120)
    assert_served(machine, "1.1")

    again = books("1.2")
    machine.copy_in(again, "/srv/again.deb")
    quickly = "apt-get remove --yes guestbook && apt-get install --yes /srv/again.deb"
    done = machine.run(["sh", "-c", quickly], timeout=200)
    assert "refused" not in done.stdout
    assert_served(machine, "1.2")


def test_the_emperor_changes_when_the_app_was_removed(
    machine: Container, books: Guestbooks, boot: Boot
) -> None:
    own = replace(books, settings="health-timeout = 20", folder=books.folder / "own")
    trial.install(boot.bed, machine, own("1.0"))
    assert_served(machine, "1.0")
    machine.get("/", data={"name": "A test", "message": "kept"})

    boot.bed.stock(machine, "uwsgi-emperor")
    for new, refused, other in (
        (books("1.1"), "the installed version has its own", "guestbook.service"),
        (own("1.2"), "the installed version uses Debian's", "uwsgi-emperor.service"),
    ):
        before = dpkg_state(machine)
        done = installing(machine, new)
        assert done.status != 0
        assert refused in done.stderr + done.stdout
        assert "apt remove guestbook" in done.stderr + done.stdout
        assert dpkg_state(machine) == before
        assert machine.run(["systemctl", "is-active", other]).stdout == "active\n"
        assert status(machine)[0] == 0

        machine.run(["apt-get", "remove", "--yes", "guestbook"])
        assert installing(machine, new).status == 0
        found = re.search(r"_(1\.\d)-", new.name)
        assert found
        assert_served(machine, found[1])
        assert "kept" in machine.get("/").text
