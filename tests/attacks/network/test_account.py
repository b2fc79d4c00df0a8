"""What somebody tries at the account that an app runs as: to come in by it, or to get another one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from debians import Builder

from debonair import trial
from debonair.debian.rootfs.container import Container
from debonair.errors import ProjectError

pytestmark = pytest.mark.boot

HERE = Path(__file__).parent
PAGE = "a page of the app"
INTO_THE_HOUSE = "127.0.0.1:80"
OLD_HOME = ["sed", "-i", "s|^\\(visited:.*\\):/nonexistent:|\\1:/var/lib/visited:|", "/etc/passwd"]
"""Gives the account the home that it had before; usermod does not while it is used."""


def plant(machine: Container) -> None:
    """Do what the app can do: put a key where ssh may look for it."""
    machine.run(["sh", "-c", "[ -e /root/key ] || ssh-keygen -q -t ed25519 -N '' -f /root/key"])
    for home in ("/var/lib/visited", "/nonexistent"):  # the second is more than it can
        machine.run(["install", "-d", "-o", "visited", "-g", "visited", "-m", "0700", f"{home}/.ssh"])
        owned = ["install", "-o", "visited", "-g", "visited", "-m", "0600"]
        machine.run([*owned, "/root/key.pub", f"{home}/.ssh/authorized_keys"])
        machine.run(["chown", "visited:", home])


def page_through_ssh(machine: Container) -> str:
    """Come in by ssh with the planted key, and return the page that port 80 has from there."""
    options = [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "BatchMode=yes",
        "LogLevel=ERROR",
    ]
    argv = ["ssh", "-i", "/root/key", *(word for option in options for word in ("-o", option))]
    asks = "(printf 'GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'; sleep 2)"
    line = f"{asks} | {' '.join(argv)} -W {INTO_THE_HOUSE} visited@127.0.0.1"
    return machine.run(["sh", "-c", line], check=False, timeout=60).stdout


@pytest.mark.parametrize("pam", ["yes", "no"])
def test_gets_in_by_ssh_with_a_planted_authorized_keys(machine: Container, pam: str) -> None:
    machine.write("/etc/ssh/sshd_config.d/10-pam.conf", f"UsePAM {pam}\n".encode())
    machine.run(["systemctl", "restart", "ssh"])
    plant(machine)
    try:
        assert PAGE not in page_through_ssh(machine)
        # nor where the account has its old home, or ssh looks for keys elsewhere
        machine.run(OLD_HOME)
        assert PAGE not in page_through_ssh(machine)
    finally:
        machine.run(["sed", "-i", "/^visited:/s|:/var/lib/visited:|:/nonexistent:|", "/etc/passwd"])
        machine.run(["rm", "-r", "/nonexistent", "/var/lib/visited/.ssh"])


def test_an_upgrade_closes_the_account_of_the_version_before(machine: Container) -> None:
    """The service runs all the while, and so it does after a start."""
    machine.run(OLD_HOME)
    machine.run(["chage", "--expiredate", "-1", "visited"])
    assert machine.run(["systemctl", "is-active", "visited"]).stdout.strip() == "active"
    deb = machine.run(["sh", "-c", "ls /srv/visited_*.deb"]).stdout.strip()
    machine.run(["apt-get", "install", "--yes", "--reinstall", deb])
    assert machine.run(["getent", "passwd", "visited"]).stdout.split(":")[5] == "/nonexistent"
    assert machine.run(["getent", "shadow", "visited"]).stdout.strip().split(":")[7] == "1"
    machine.run(["visited", "restart"])
    trial.healthy(machine, "visited", trial.Site("/well", "localhost"))


@pytest.mark.parametrize("how", [["su", "--shell", "/bin/sh", "visited", "--command", "id"]])
def test_becomes_it_by_a_password_or_from_another_account(machine: Container, how: list[str]) -> None:
    machine.run(["sh", "-c", "id somebody 2>/dev/null || useradd --create-home somebody"])
    asked = ["setpriv", "--reuid=somebody", "--regid=somebody", "--clear-groups", *how]
    assert "uid=" not in machine.run(asked, check=False, stdin=b"\n").stdout
    assert machine.run(["getent", "shadow", "visited"]).stdout.split(":")[1].startswith("!")


def named(name: str, folder: Path) -> Path:
    """Return the app under another name."""
    project = shutil.copytree(HERE / "visited", folder / name)
    config = project / "debonair.toml"
    config.write_text(config.read_text().replace('package = "visited"', f'package = "{name}"'))
    config.write_text(config.read_text() + f'\n[nginx]\nserver-name = "{name}.test"\n')
    return project


@pytest.mark.parametrize("name", ["shadow", "disk", "sudo", "docker", "gpio", "redis", "ssl", "systemd"])
def test_takes_over_a_base_group(machine: Container, build: Builder, tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match=f"'{name}' is the name of "):
        build(named(name, tmp_path), "trixie-amd64")
    assert machine.run(["id", "-Gn", "visited"]).stdout.split() == ["visited"]


def install(machine: Container, deb: Path) -> str:
    machine.copy_in(deb, f"/srv/{deb.name}")
    done = machine.run(["apt-get", "install", "--yes", f"/srv/{deb.name}"], check=False)
    return done.stdout + done.stderr


def test_takes_over_a_group_of_this_machine(machine: Container, build: Builder, tmp_path: Path) -> None:
    machine.run(["groupadd", "--system", "family"])
    machine.write("/srv/diary", b"dear diary", mode=0o640)
    machine.run(["chgrp", "family", "/srv/diary"])
    output = install(machine, build(named("family", tmp_path), "trixie-amd64"))
    found = machine.get("/read?/srv/diary", headers={"Host": "family.test"})
    assert "dear diary" not in found.text
    assert "family: the group 'family' exists already" in output
    machine.run(["apt-get", "purge", "--yes", "family"], check=False)
    assert machine.run(["getent", "group", "family"]).stdout.startswith("family:")


@pytest.mark.parametrize("home", ["/var/lib/elsewhere", "/nonexistent", "/home/elsewhere"])
def test_gets_anothers_user_removed(machine: Container, build: Builder, tmp_path: Path, home: str) -> None:
    """As Debian's package redis has a user of that name, whose home is /var/lib/redis."""
    made = ["useradd", "--system", "--user-group", "--home-dir", home, "--comment", "Somebody", "elsewhere"]
    machine.run(made)
    try:
        output = install(machine, build(named("elsewhere", tmp_path), "trixie-amd64"))
        machine.run(["apt-get", "purge", "--yes", "elsewhere"], check=False)
        for table in ("passwd", "group"):
            assert machine.run(["getent", table, "elsewhere"], check=False).status == 0, table
        assert "elsewhere: the user 'elsewhere' exists already" in output
    finally:
        machine.run(["userdel", "elsewhere"], check=False)


def test_a_user_that_came_after_the_app_was_removed_is_kept(
    machine: Container, build: Builder, tmp_path: Path
) -> None:
    install(machine, build(named("later", tmp_path), "trixie-amd64"))
    machine.run(["apt-get", "remove", "--yes", "later"])
    machine.run(["userdel", "later"])
    machine.run(["useradd", "--system", "--user-group", "--home-dir", "/var/lib/later", "later"])
    machine.run(["apt-get", "purge", "--yes", "later"])
    assert machine.run(["getent", "passwd", "later"], check=False).status == 0


def test_what_it_made_itself_goes(machine: Container, build: Builder, tmp_path: Path) -> None:
    output = install(machine, build(named("fleeting", tmp_path), "trixie-amd64"))
    assert machine.run(["id", "fleeting"]).status == 0, output
    machine.run(["apt-get", "purge", "--yes", "fleeting"])
    for table in ("passwd", "group"):
        assert machine.run(["getent", table, "fleeting"], check=False).status == 2
    left = machine.run(["find", "/etc", "/usr", "/var/lib", "-xdev", "-name", "*fleeting*"]).stdout.split()
    assert [path for path in left if not re.search("/(dpkg|apt|systemd)/", path)] == []
