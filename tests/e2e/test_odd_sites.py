"""Machines whose nginx, site or service is not as the package expects: the owner is told what to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from debians import Boot, Builder
from guestbooks import SUITE, Guestbooks, status

from debonair import trial
from debonair.debian.rootfs.container import Container
from debonair.host.run import Completed

pytestmark = [pytest.mark.boot, pytest.mark.long]

SITE = "/etc/nginx/sites-available/guestbook"
LINK = "/etc/nginx/sites-enabled/guestbook"
OTHER = "/etc/nginx/sites-enabled/other"
MAIN = "/etc/nginx/nginx.conf"
PART = "/usr/lib/guestbook/current/nginx/server.conf"
OLD = "server {\n    listen 80;\n    server_name _;\n    location / { return 200 'by hand'; }\n}\n"
RELOAD = "nginx -t && systemctl reload nginx"  # root needs no sudo, which this machine lacks


@pytest.fixture(scope="module")
def deb(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Guestbooks(build, tmp_path_factory.mktemp("books"), "health-timeout = 30")("1.0")


@pytest.fixture(scope="module")
def booted(boot: Boot) -> Iterator[Container]:
    with boot(SUITE) as machine:
        yield machine


@pytest.fixture
def machine(booted: Container) -> Iterator[Container]:
    """A machine without the guest book, and with nginx as Debian has it."""
    main = str(booted.read(MAIN))
    yield booted
    booted.write(MAIN, main.encode())
    booted.run(["rm", "-rf", OTHER, "/etc/systemd/system/guestbook.service.d"])
    booted.run(["systemctl", "stop", "squatter"], check=False)
    booted.run(["apt-get", "purge", "--yes", "guestbook"], check=False)
    booted.run(["sh", "-c", f"rm -f {SITE}* {LINK}*; systemctl daemon-reload; systemctl restart nginx"])


def problems(machine: Container) -> list[str]:
    """Return what status finds around the app, after its exit status was compared with that."""
    ended, facts = status(machine)
    assert ended == (3 if facts["problems"] else 0), facts
    assert facts["page"]["status"] == 204 or facts["page"]["status"] == 200, facts
    return [str(problem) for problem in facts["problems"]]


def reconfigured(machine: Container) -> Completed:
    return machine.run(["dpkg-reconfigure", "guestbook"])


def reload(machine: Container) -> None:
    """Type what the hints end with, as root; nginx starts its new workers soon after that."""
    machine.run(["sh", "-c", f"{RELOAD} && sleep 1"])


def test_a_site_from_before_is_put_aside_and_kept(machine: Container, deb: Path, boot: Boot) -> None:
    machine.write(SITE, OLD.encode())
    machine.run(["ln", "-s", SITE, LINK])
    output = trial.install(boot.bed, machine, deb).stdout
    assert f"{SITE}.before-guestbook" in output
    assert machine.read(f"{SITE}.before-guestbook") == OLD
    assert "Guest book" in machine.get("/").text
    assert problems(machine) == []
    machine.run(["apt-get", "purge", "--yes", "guestbook"])
    assert machine.read(f"{SITE}.before-guestbook") == OLD
    assert machine.read(SITE) is None


def test_purge_keeps_a_site_that_the_package_did_not_write(
    machine: Container, deb: Path, boot: Boot
) -> None:
    trial.install(boot.bed, machine, deb)
    machine.run(["apt-get", "remove", "--yes", "guestbook"])
    machine.write(SITE, OLD.encode())
    assert SITE in machine.run(["apt-get", "purge", "--yes", "guestbook"]).stdout
    assert machine.read(SITE) == OLD


@pytest.mark.parametrize("lost", ["rm -f", "truncate -s 0"])
def test_a_lost_site_is_written_again(machine: Container, deb: Path, boot: Boot, lost: str) -> None:
    trial.install(boot.bed, machine, deb)
    site = machine.read(SITE)
    machine.run([*lost.split(), SITE])
    assert [one for one in problems(machine) if "dpkg-reconfigure guestbook" in one]
    reconfigured(machine)
    assert machine.read(SITE) == site
    assert problems(machine) == []


def test_status_asks_as_a_visitor(machine: Container, deb: Path, boot: Boot) -> None:
    trial.install(boot.bed, machine, deb)
    main, site = str(machine.read(MAIN)), str(machine.read(SITE))

    # the main file does not read the sites
    machine.write(MAIN, re.sub(r"(?m)^\s*include .*sites-enabled.*\n", "", main).encode())
    reload(machine)
    (told,) = problems(machine)
    assert MAIN in told
    assert told.endswith(RELOAD)
    machine.write(MAIN, main.encode())
    reload(machine)
    assert problems(machine) == []

    # another site breaks all
    machine.write(OTHER, b"server {\n    listen 80 default_server;\n}\n")
    (told,) = problems(machine)
    assert f"{OTHER}:2" in told
    assert told.endswith(RELOAD)
    assert f"{OTHER}:2" in reconfigured(machine).stdout
    machine.run(["rm", OTHER])
    assert problems(machine) == []

    # the site has lost the app's part, and is not loaded; then it is loaded
    machine.run(["sleep", "3"])
    machine.write(SITE, site.replace(f"include {PART};", "").encode())
    assert any(PART in told for told in problems(machine))
    reload(machine)
    (told,) = problems(machine)
    assert PART in told
    assert told.endswith(RELOAD)
    machine.run(["sleep", "3"])
    machine.write(SITE, site.encode())
    (told,) = problems(machine)
    assert "since nginx loaded" in told
    assert told.endswith(RELOAD)
    reload(machine)
    assert problems(machine) == []

    # another port is the owner's choice, and so is a redirect
    machine.write(SITE, re.sub(r"listen (\[::\]:)?80\b", r"listen \g<1>8080", site).encode())
    reload(machine)
    assert problems(machine) == []
    text = site.replace(
        f"    include {PART};", f"    if ($scheme = http) {{ return 301 /x; }}\n    include {PART};"
    )
    machine.write(SITE, text.encode())
    reload(machine)
    assert machine.get("/").status == 301
    assert problems(machine) == []


def test_settings_made_by_hand(machine: Container, deb: Path, boot: Boot) -> None:
    env = "/etc/guestbook/env"
    machine.write(env, b"A=1\n")
    machine.run(["chmod", "666", env])
    assert f"others could read or change {env}" in trial.install(boot.bed, machine, deb).stdout
    owned = ["stat", "-c", "%U:%G %a", env]
    assert machine.run(owned).stdout.strip() == "root:guestbook 640"
    machine.run(["rm", env])
    machine.run(["guestbook", "env", "set", "A=2"])
    assert machine.run(owned).stdout.strip() == "root:guestbook 640"
    machine.write(env, b"A=1\nB=\xff\n")
    for words in (["env", "list"], ["run", "true"]):
        done = machine.run(["guestbook", *words], check=False)
        assert (done.status, "Traceback" in done.stderr) == (1, False)
        assert f"{env}, line 2: byte 0xff is not UTF-8" in done.stderr
    machine.write("/etc/guestbook/notes", b"mine")
    purged = machine.run(["apt-get", "purge", "--yes", "guestbook"]).stdout
    assert "did not write it: /etc/guestbook" in purged
    assert machine.run(["ls", "-A", "/etc/guestbook"]).stdout.split() == ["notes"]
    machine.run(["rm", "-r", "/etc/guestbook"])


def test_data_on_another_disk(machine: Container, deb: Path, boot: Boot) -> None:
    data = "/var/lib/guestbook"
    machine.run(["sh", "-c", f"rm -rf /var/backups/guestbook*; mkdir -p /disk; ln -s /disk {data}"])
    done = trial.install(boot.bed, machine, deb)
    assert "chown -R guestbook:guestbook /var/lib/guestbook/" in done.stdout
    assert "not a directory" not in done.stdout + done.stderr
    machine.run(["chown", "-R", "guestbook:guestbook", f"{data}/"])
    machine.run(["guestbook", "rollback", "--undo"])
    assert problems(machine) == []
    purged = machine.run(["apt-get", "purge", "--yes", "guestbook"])
    assert "stays in /disk. It belongs to root now." in purged.stdout
    assert machine.run(["find", "/disk", "-not", "-user", "root"]).stdout == ""
    assert machine.run(["find", "/disk", "-name", "*.sqlite3"]).stdout
    assert machine.run(["sh", "-c", f"ls -d {data} /var/backups/guestbook*"], check=False).stdout == ""

    machine.run(["sh", "-c", f"mkdir {data}; mount -t tmpfs none {data}"])
    trial.install(boot.bed, machine, deb)
    purged = machine.run(["apt-get", "purge", "--yes", "guestbook"])
    assert f"stays in {data}. It belongs to root now." in purged.stdout
    assert machine.run(["find", data, "-not", "-user", "root"]).stdout == ""
    assert machine.run(["sh", "-c", "ls -d /var/backups/guestbook*"], check=False).stdout == ""
    machine.run(["sh", "-c", f"umount {data}; rmdir {data}; rm -r /disk"])


def test_a_port_that_another_server_holds(machine: Container, deb: Path, boot: Boot) -> None:
    trial.install(boot.bed, machine, deb)
    machine.run(["systemctl", "stop", "nginx"])
    machine.run(["systemd-run", "--unit=squatter", "python3", "-m", "http.server", "80"])
    machine.run(["sh", "-c", "sleep 2; ! systemctl start nginx"])
    told = next(one for one in problems(machine) if "port 80" in one)
    assert "python3" in told
    machine.run(["sh", "-c", told.rpartition(": ")[2]], check=False)
    machine.run(["systemctl", "start", "nginx"])
    assert problems(machine) == []


def test_a_service_that_cannot_start_is_named(machine: Container, deb: Path, boot: Boot) -> None:
    trial.install(boot.bed, machine, deb)
    broken = "/etc/systemd/system/guestbook.service.d/x.conf"
    machine.write(broken, b"[Service]\nExecStartPre=/bin/false\n")
    machine.run(["systemctl", "daemon-reload"])
    assert "guestbook.next.service serves it" in reinstalled(machine, deb)
    (told,) = [one for one in problems(machine) if "guestbook.next.service" in one]
    assert told.endswith("guestbook restart")
    assert machine.run(["guestbook", "restart"], check=False).status == 1
    assert machine.get("/").status == 200

    # the cause is gone: what status says to type helps
    machine.run(["rm", broken])
    machine.run(["systemctl", "daemon-reload"])
    machine.run(["guestbook", "restart"])
    assert problems(machine) == []
    assert machine.get("/").status == 200


def reinstalled(machine: Container, deb: Path) -> str:
    """Install a release with other bytes beside the one that is served; return what apt prints."""
    machine.run(["sh", "-c", "rm -rf /usr/lib/guestbook/releases/*/.served"])
    return machine.run(["apt-get", "install", "--reinstall", "--yes", f"/srv/{deb.name}"]).stdout
