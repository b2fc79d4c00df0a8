"""The life of a package on a Pi: installed, used, restarted, upgraded, reinstalled, removed, purged."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from debians import CARRIED, EXAMPLES, Boot, Builder

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

SUITES = ("trixie", "bookworm", "forky")
ENTRY = "Grüße from a test"


@pytest.fixture(params=SUITES)
def machine(request: pytest.FixtureRequest, boot: Boot) -> Iterator[Container]:
    """A fresh Debian of each suite, with nothing but its base, python3 and what the tests look with."""
    with boot(request.param, ready=False) as booted:
        yield booted


def sign(machine: Container, message: str) -> None:
    assert machine.get("/", data={"name": "A test", "message": message}).status == 302


def assert_well(machine: Container, package: str = "guestbook", health: str = "/healthz") -> None:
    """The page comes through nginx on port 80, and the app's own command agrees."""
    assert trial.healthy(machine, package, trial.Site(health)).status == 200
    status = machine.run([package, "status"], check=False)
    assert (status.status, status.stderr) == (0, "")


def workers(machine: Container, package: str) -> int:
    """How many processes of the app's take requests."""
    return len(json.loads(machine.run([package, "status", "--json"]).stdout)["workers"])


def state(machine: Container, package: str) -> str:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package]
    return machine.run(query, check=False).stdout.strip()


def left_behind(machine: Container, package: str) -> list[str]:
    """Every file, link and account on the machine that still has the package's name."""
    words = ["find", "/", "-xdev", "(", "-name", f"{package}*", "-o", "-lname", f"*{package}*", ")"]
    skipped = ["-not", "-path", "/srv/*", "-not", "-path", "/var/log/*", "-not", "-path", "/var/backups/*"]
    skipped += ["-not", "-path", "/var/cache/*"]
    paths = machine.run([*words, *skipped], check=False).stdout.split()
    run = machine.run(["find", "/run", "/tmp", "-name", f"*{package}*"], check=False).stdout.split()
    account = machine.run(["getent", "passwd", package], check=False).stdout.split()
    return paths + run + account


def test_the_guestbook_lives(machine: Container, build: Builder, boot: Boot) -> None:
    deb = build("guestbook", f"{machine.suite}-amd64")
    trial.install(boot.bed, machine, deb)
    assert_well(machine)
    machine.run(["nginx", "-t"])
    judged = machine.run(["systemd-analyze", "verify", "--man=no", "guestbook.service"])
    assert (judged.stdout, judged.stderr) == ("", "")

    # its static file is nginx's business: the app never hears of it
    style = machine.get("/static/style.css")
    assert (style.status, style.headers["content-type"]) == (200, "text/css")
    assert "color-scheme" in style.text
    assert "x-debonair" not in style.headers
    uwsgi = machine.get("/static/no-such-file")
    assert uwsgi.status == 404
    assert "nginx" in uwsgi.text

    sign(machine, ENTRY)
    assert ENTRY in machine.get("/").text
    assert machine.run(["guestbook", "run", "flask", "--app", "guestbook", "count"]).stdout.strip() == "1"

    # Debian's default site stays as it was, for those who ask without a host
    assert machine.read("/etc/nginx/sites-enabled/default")

    machine.run(["systemctl", "restart", "guestbook"])
    assert_well(machine)
    assert ENTRY in machine.get("/").text

    secret = machine.read("/etc/guestbook/env")
    machine.run(["apt-get", "install", "--reinstall", "--yes", f"/srv/{deb.name}"])
    assert_well(machine)
    assert ENTRY in machine.get("/").text
    assert machine.read("/etc/guestbook/env") == secret

    machine.reboot()
    assert_well(machine)
    assert ENTRY in machine.get("/").text
    assert machine.run(["systemctl", "is-system-running"], check=False).stdout.strip() == "running"

    purged = machine.run(["apt-get", "purge", "--yes", "guestbook"])
    message = next(line for line in purged.stdout.splitlines() if "/var/backups/guestbook" in line)
    kept = message.split()[-1]
    assert machine.run(["ls", kept]).stdout.split() == ["guestbook.sqlite3"]
    assert machine.run(["stat", "-c", "%U %a", str(Path(kept).parent)]).stdout.strip() == "root 700"
    assert left_behind(machine, "guestbook") == []
    machine.run(["systemctl", "restart", "nginx"])
    assert "Welcome to nginx" in machine.get("/").text


def test_one_file_without_dependencies_lives(machine: Container, build: Builder, boot: Boot) -> None:
    trial.install(boot.bed, machine, build("hello", f"{machine.suite}-amd64"))
    assert_well(machine, "hello-pi", "/")
    assert machine.get("/").text == "Hello from a Raspberry Pi!\n"

    # as many processes as fit the machine that it starts on, be it another one than before
    assert workers(machine, "hello-pi") == CARRIED
    one = f"[Service]\nCPUAffinity={min(os.sched_getaffinity(0))}\n"
    machine.write("/etc/systemd/system/hello-pi.service.d/override.conf", one.encode())
    machine.run(["systemctl", "daemon-reload"])
    machine.run(["hello-pi", "restart"])
    assert_well(machine, "hello-pi", "/")
    assert workers(machine, "hello-pi") == 1
    # and who looks after the machine knows better
    machine.write("/etc/hello-pi/vassal.ini", b"[uwsgi]\nprocesses = 3\n")
    machine.run(["hello-pi", "restart"])
    assert_well(machine, "hello-pi", "/")
    assert workers(machine, "hello-pi") == 3
    machine.run(["systemctl", "revert", "hello-pi.service"])

    machine.run(["apt-get", "purge", "--yes", "hello-pi"])
    assert left_behind(machine, "hello-pi") == []


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the guest book that a test may change, to build further versions of it."""
    ignored = shutil.ignore_patterns("dist", "instance")
    return shutil.copytree(EXAMPLES / "guestbook", tmp_path / "guestbook", ignore=ignored)


def version(project: Path, number: str, heading: str) -> Path:
    """Make ``project`` a version that says so on its page."""
    config = project / "pyproject.toml"
    lines = [
        f'version = "{number}"' if line.startswith("version = ") else line
        for line in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines) + "\n")
    page = project / "guestbook/templates/index.html"
    page.write_text(page.read_text().partition("<h1>")[0] + f"<h1>{heading}</h1>\n" + _rest(page))
    return project


def _rest(page: Path) -> str:
    return page.read_text().partition("</h1>\n")[2]


def wait_for(machine: Container, text: str, *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while text not in machine.get("/").text:
        assert time.monotonic() < deadline, f"the page never said {text!r}"
        time.sleep(0.1)


def test_upgrade_downgrade_and_what_an_admin_did(
    machine: Container, build: Builder, boot: Boot, release: Path
) -> None:
    target = f"{machine.suite}-amd64"
    old = build(version(release, "1.0", "Old book"), target)
    trial.install(boot.bed, machine, old)
    assert_well(machine)
    sign(machine, ENTRY)
    started = machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout

    trial.install(boot.bed, machine, build(version(release, "1.1", "New book"), target))
    wait_for(machine, "New book")
    assert ENTRY in machine.get("/").text
    assert_well(machine)
    # nothing that the old release started outlives it, be it the emperor
    assert machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout != started

    # an admin edits the site, and takes it out of service: no upgrade undoes either
    site = "/etc/nginx/sites-available/guestbook"
    edited = str(machine.read(site)).replace("server {", "server {\n    # edited by hand", 1)
    machine.write(site, edited.encode())
    machine.run(["rm", "/etc/nginx/sites-enabled/guestbook"])
    machine.run(["apt-get", "install", "--yes", "--allow-downgrades", f"/srv/{old.name}"])
    assert machine.read(site) == edited
    assert machine.run(["test", "-e", "/etc/nginx/sites-enabled/guestbook"], check=False).status == 1
    machine.run(["ln", "-s", "../sites-available/guestbook", "/etc/nginx/sites-enabled/"])
    machine.run(["systemctl", "reload", "nginx"])
    wait_for(machine, "Old book")

    # removed: no link that dangles, nginx starts, and what the admin and the users wrote is still there
    machine.run(["apt-get", "remove", "--yes", "guestbook"])
    assert machine.run(["find", "/etc/nginx/sites-enabled", "-xtype", "l"]).stdout == ""
    machine.run(["systemctl", "restart", "nginx"])
    assert machine.run(["systemctl", "is-active", "guestbook"], check=False).stdout.strip() == "inactive"
    assert machine.read(site) == edited

    machine.run(["apt-get", "install", "--yes", f"/srv/{old.name}"])
    assert_well(machine)
    assert ENTRY in machine.get("/").text


def test_an_upgrade_that_cannot_be_unpacked_leaves_the_old_one_serving(
    machine: Container, build: Builder, boot: Boot, release: Path, tmp_path: Path
) -> None:
    target = f"{machine.suite}-amd64"
    trial.install(boot.bed, machine, build(version(release, "1.0", "Old book"), target))
    assert_well(machine)
    new = build(version(release, "1.1", "New book"), target)
    cut = tmp_path / new.name
    cut.write_bytes(new.read_bytes()[: new.stat().st_size * 2 // 3])
    machine.copy_in(cut, f"/srv/cut/{cut.name}")
    assert machine.run(["dpkg", "-i", f"/srv/cut/{cut.name}"], check=False).status != 0
    assert machine.run(["dpkg", "--audit"]).stdout == ""
    assert state(machine, "guestbook") == "ii"
    assert "Old book" in machine.get("/").text
    assert_well(machine)
