"""The attacker wants what it left in the data to be imported by the release that closes the hole."""

from __future__ import annotations

import pytest
from puppets import DATA, NAME, SITE, Puppet

from debonair import trial

pytestmark = pytest.mark.boot

NOTE = """
import os, sys
with open("/var/lib/puppet/hit", "a") as file:
    file.write(" ".join([{0!r}, *sys.argv]) + chr(10))
"""
SHADOWS = ("app", "click", "flask", "gunicorn.conf", "manage", "puppet", "sqlite3", "tidy", "wsgiref")
"""Modules of the app, of its libraries, of Python and of servers, that are looked for in many ways."""
INSTALLS = {"as a wheel": 'install = "wheel"', "as files": 'install = "files"'}
MANAGE = {"manage.py": "import puppet\nprint('its own')\n"}


def plant(puppet: Puppet) -> None:
    for name in SHADOWS:
        puppet.keep(f"{name}.py", NOTE.format(name))
    puppet.keep(".flaskenv", "FLASK_APP=tidy\n")
    for folder in ("python3.13", "python3.11"):
        packages = f".local/lib/{folder}/site-packages"
        puppet.keep(f"{packages}/usercustomize.py", NOTE.format("usercustomize"))
        puppet.keep(f"{packages}/evil.pth", "import usercustomize\n")
    puppet.machine.run(["rm", "-f", f"{DATA}/hit"])


def unread(puppet: Puppet) -> None:
    """Assert that nothing has run any of it."""
    assert (puppet.machine.read(f"{DATA}/hit") or "") == ""


@pytest.mark.parametrize("install", INSTALLS)
@pytest.mark.parametrize("libraries", ["", "system-site-packages = true"], ids=["its own", "debians too"])
def test_by_its_web_process_and_its_migration(puppet: Puppet, install: str, libraries: str) -> None:
    plant(puppet)
    puppet.taken(puppet.upgrade(settings=f'{INSTALLS[install]}\n{libraries}\nmigrate = "flask tick"'))
    puppet.machine.run([NAME, "restart"])
    trial.healthy(puppet.machine, NAME, SITE)
    unread(puppet)


@pytest.mark.parametrize("install", INSTALLS)
def test_by_a_command_a_timer_or_a_shell(puppet: Puppet, install: str) -> None:
    files = MANAGE if install == "as files" else {}
    puppet.taken(puppet.upgrade(settings=f"{INSTALLS[install]}\nsystem-site-packages = true", files=files))
    plant(puppet)
    machine = puppet.machine
    for words in (
        ["flask", "tick"],
        ["flask", "--app", "puppet", "tick"],
        ["python3", "-m", "puppet"],
        ["python3", "-c", "import puppet, sqlite3"],
        ["/usr/bin/python3", "-c", "import sqlite3"],
        ["sh", "-c", "flask tick"],
    ):
        machine.run([NAME, "run", *words], timeout=60)
    if files:
        for words in (["python3", "manage.py"], ["python3", "-m", "manage"]):
            assert machine.run([NAME, "run", *words], timeout=60).stdout.strip() == "its own"
    machine.run(["systemctl", "start", f"{NAME}-tick.service"], timeout=60)
    machine.run([NAME, "shell"], stdin=b"flask tick\nexit\n", timeout=60)
    unread(puppet)


SERVE = """
if __name__ == "__main__":
    app.run("unix://" + os.environ["SOCKET"])
"""


def test_by_a_web_server_of_its_own(puppet: Puppet) -> None:
    """Python and many servers look for modules and settings where they are started."""
    plant(puppet)
    settings = 'install = "wheel"\nserver = "command"\nwsgi = ""\ncommand = "python3 -m puppet"'
    puppet.taken(puppet.upgrade(settings=settings, edit=lambda app: app + SERVE))
    unread(puppet)
