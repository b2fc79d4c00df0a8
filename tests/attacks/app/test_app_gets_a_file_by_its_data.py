"""The attacker wants root to give it a file, or to follow it, where root walks through the app's data."""

from __future__ import annotations

import pytest
from puppets import DATA, NAME, SITE, Puppet, apt_install, sound

from debonair import trial

pytestmark = [pytest.mark.boot, pytest.mark.long]

AS_WWW = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups"]


def test_when_the_data_changes_hands(puppet: Puppet) -> None:
    """Its user was that of Debian's emperor, and has linked what is of root into its data."""
    machine = puppet.machine
    shared = "/var/lib/shared.txt"
    machine.write(shared, b"root's, and the group may write\n", mode=0o664)
    machine.run(["chgrp", "www-data", shared])
    machine.run(["systemctl", "stop", NAME])
    machine.run(["chown", "-R", "www-data:www-data", DATA])
    machine.run(["chgrp", "www-data", "/etc/puppet/env"])
    machine.run([*AS_WWW, "ln", shared, f"{DATA}/hard"])
    machine.run([*AS_WWW, "ln", "-s", "/etc/shadow", f"{DATA}/soft"])
    machine.run([*AS_WWW, "ln", "-s", "/root", f"{DATA}/folder"])
    before = machine.run(["stat", "-c", "%n %U:%G %a", shared, "/etc/shadow", "/root"]).stdout
    apt_install(machine, puppet.release())
    assert machine.run(["stat", "-c", "%n %U:%G %a", shared, "/etc/shadow", "/root"]).stdout == before
    assert sound(machine) == ""


def test_when_the_folder_is_made(puppet: Puppet) -> None:
    """Links, modes and owners that it left do not lead systemd, which sees to the folder at each start."""
    machine = puppet.machine
    watched = ["stat", "-c", "%n %U:%G %a", "/etc/shadow", "/root", "/etc/passwd"]
    before = machine.run(watched).stdout
    puppet(
        f"""
        for name in ("private", "backups", "instance", ".new"):
            os.symlink("/root", {DATA!r} + "/" + name)
        os.chmod({DATA!r}, 0o2777)
        """
    )
    machine.run(["systemd-tmpfiles", "--create"], check=False)
    machine.run(["systemctl", "restart", NAME])
    trial.healthy(machine, NAME, SITE)
    puppet.taken(puppet.upgrade())
    assert machine.run(watched).stdout == before
    assert machine.run(["stat", "-c", "%U:%G %a", DATA]).stdout.strip() == f"{NAME}:{NAME} 700"


def test_when_it_is_put_aside(puppet: Puppet) -> None:
    """At a purge the data are moved where root alone can go, while a process of the app is there."""
    machine = puppet.machine
    machine.run(["sh", "-c", f"{NAME} run setsid sleep 4444 >/dev/null 2>&1 </dev/null & sleep 1"])
    puppet.keep("precious", "kept")
    puppet(f"os.symlink('/root', {DATA!r} + '/link')\nos.mkfifo({DATA!r} + '/fifo')")
    done = machine.run(["apt-get", "purge", "--yes", NAME], check=False, timeout=100)
    assert done.status == 0, done.stdout + done.stderr
    assert machine.run(["sh", "-c", "cat /var/backups/puppet-*/data/precious"]).stdout == "kept"
    assert machine.run(["sh", "-c", "stat -c %a:%u /var/backups/puppet-*"]).stdout.strip() == "700:0"
    found = machine.run(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"], check=False)
    assert "sleep 4444" not in found.stdout
    puppet.number -= 1
    apt_install(machine, puppet.release())
