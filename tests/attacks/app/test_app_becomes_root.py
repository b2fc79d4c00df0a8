"""The attacker wants root to write where it cannot itself: a folder is another one when root goes there."""

from __future__ import annotations

import pytest
from puppets import NAME, Puppet

from debonair.template import fill

pytestmark = [pytest.mark.boot, pytest.mark.usefixtures("neighbour"), pytest.mark.long]

ROOTS = (
    "/etc",
    "/root",
    "/home",
    "/srv",
    "/usr/local",
    "/var/spool",
    "/run/neighbour",
    "/usr/lib/neighbour",
)

LEAD = """
result = []
for place in reversed(places()):
    try:
        os.rename(place, place + ".mine")
        os.symlink({target!r}, place)
        result.append(place)
    except OSError as refused:
        result.append(str(refused))
"""

RACE = """
import ctypes, glob, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
DATA, TARGET = {data!r}, {target!r}
mine = DATA + "/mine"
os.makedirs(mine + "/x", exist_ok=True)
# 38 links, each of which takes the kernel through 1600 folders: a lookup takes milliseconds
before = mine
for number in range(38):
    link = f"{{DATA}}/slow{{number}}"
    way = DATA + "/mine/" + "x/../" * ((4000 - len(before) * 2) // 5)
    os.symlink(way + os.path.relpath(before, mine), link)
    before = link
slow = 1.0
for _ in range(9):
    began = time.monotonic()
    os.stat(before)
    slow = min(slow, time.monotonic() - began)
with open(DATA + "/payload", "w") as file:
    file.write("# written by the attacker, read by root\\n")
inotify = libc.inotify_init1(0)
assert libc.inotify_add_watch(inotify, mine.encode(), 0x100) >= 0
place = [one for one in places() if one.endswith("vassals")] or places()
place = place[-1]
# what is there already stays in reach of those who read it
for name in os.listdir(place):
    if os.path.islink(f"{{place}}/{{name}}"):
        os.symlink(os.readlink(f"{{place}}/{{name}}"), f"{{mine}}/{{name}}")
def link(target):
    "Make a link whose time of access shows when it is followed; it is put in its place by rename."
    name = f"{{place}}.{{time.monotonic_ns()}}"
    os.symlink(target, name)
    os.utime(name, (0, 0), follow_symlinks=False)
    return name
first, second, third = link(before), link(before), link(TARGET)
os.rename(place, place + ".was")
os.rename(first, place)
while True:
    event = os.read(inotify, 4096)
    name = event[16:].split(b"\\0")[0].decode()
    if not name.endswith(".new"):
        continue
    os.rename(DATA + "/payload", f"{{mine}}/{{name}}")
    os.rename(second, place)
    until = time.monotonic() + 1
    while os.lstat(place).st_atime_ns == 0 and time.monotonic() < until:
        pass
    # root has passed this name once, and is on its long way
    os.rename(third, place)
    time.sleep(1)
    with open(DATA + "/payload", "w") as file:
        file.write("# written by the attacker, read by root\\n")
    os.rename(link(before), place)
    second, third = link(before), link(TARGET)
"""


def names(puppet: Puppet) -> set[str]:
    """Return path, kind and owner of all that is where only root and the neighbour may write."""
    listed = puppet.machine.run(["find", *ROOTS, "-printf", "%p %y %U\n"]).stdout.splitlines()
    return {line for line in listed if not line.startswith(f"/srv/{NAME}_")}


@pytest.mark.parametrize("target", ["/etc/cron.d", "/etc/bash_completion.d", "/run/neighbour/vassals"])
def test_root_makes_a_link_in_a_folder_of_its_choice(puppet: Puppet, target: str) -> None:
    if target.startswith("/etc"):
        puppet.machine.run(["mkdir", "-p", target])
    before = names(puppet)
    result = puppet(LEAD.format(target=target))
    assert "Traceback" not in result
    done = puppet.upgrade()
    assert names(puppet) - before == set(), result
    assert before - names(puppet) == set(), result
    puppet.taken(done)


def test_root_moves_its_file_into_a_folder_of_its_choice(puppet: Puppet) -> None:
    """Root's rename(2) looks two names up, one after the other, and meanwhile the folder is another."""
    target = "/etc/bash_completion.d"
    puppet.machine.run(["mkdir", "-p", target])
    before = names(puppet)
    puppet.leave("race", RACE.format(data="/var/lib/puppet", target=target))
    done = puppet.upgrade()
    for _ in range(5):
        assert names(puppet) - before == set()
        puppet.machine.run([NAME, "rollback"], check=False, timeout=100)
        assert names(puppet) - before == set()
        puppet.machine.run([NAME, "rollback", "--undo"], check=False, timeout=100)
    puppet.taken(done)


def test_root_reads_a_file_for_it(puppet: Puppet) -> None:
    """What root compares, copies or shows of its folders may be a link to what only root can read."""
    puppet.machine.write("/root/secret", b"the secret of root\n", mode=0o600)
    puppet(
        """
        for place in places():
            for name in os.listdir(place):
                path = os.path.join(place, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    os.unlink(path)
                    os.symlink("/root/secret", path)
        """
    )
    pids = puppet.machine.run(["systemctl", "show", "-P", "MainPID", NAME]).stdout
    puppet.upgrade()
    found = puppet.machine.run(
        ["grep", "-rlI", "the secret of root", "/run", "/var/lib/puppet"], check=False
    )
    assert found.stdout == "", pids


# Folders that are links to root's folder every other moment, each with a file named like root's.
EXCHANGE = """
import ctypes, os, time
libc = ctypes.CDLL(None)
top = b"/var/lib/racer/"
end = time.time() + 60
while time.time() < end:
    for number in range(30):
        folder, link = top + b"z%d" % number, top + b"y%d" % number
        if libc.renameat2(-100, folder, -100, link, 2):  # RENAME_EXCHANGE
            try:
                os.symlink("/srv/vault", link)
            except OSError:
                pass
"""
RACER = """
set -e
rm -rf /var/lib/racer /etc/racer /srv/vault
install -d -m 0755 /srv/vault
echo of-root >/srv/vault/secret
install -d -m 0750 -g {other} /etc/racer
install -m 0640 -g {other} /dev/null /etc/racer/env
install -d -m 0700 -o {other} -g {other} /var/lib/racer
cd /var/lib/racer
for number in $(seq 0 29); do
    install -d -o {other} -g {other} z$number
    install -o {other} -g {other} /dev/null z$number/secret
done
for number in $(seq 2000); do : >f$number; done
chown {other}:{other} f*
setpriv --reuid=www-data --regid=www-data --clear-groups /usr/bin/python3 /srv/exchange.py &
sleep 0.5
{moved}
kill $!
"""


@pytest.mark.parametrize(("other", "user"), [(NAME, "www-data"), ("www-data", NAME)])
def test_root_gives_it_a_file_of_its_choice(puppet: Puppet, other: str, user: str) -> None:
    """Root hands the data over when an app changes between its own emperor and Debian's."""
    machine = puppet.machine
    values = {"app": "racer", "user": user, "other_user": other}
    moved = fill("packaging/maintscripts/parts/moved.in", values)
    machine.write("/srv/exchange.py", EXCHANGE.encode())
    for _ in range(3):
        machine.run(["sh", "-c", RACER.format(other=other, moved=moved)], timeout=100)
        owners = machine.run(["stat", "-c", "%U", "/srv/vault", "/srv/vault/secret"]).stdout.split()
        assert owners == ["root", "root"]
        left = ["find", "/var/lib/racer", "-maxdepth", "1", "-name", "f*", "!", "-user", user]
        assert machine.run(left).stdout == ""
        assert machine.run(["stat", "-c", "%U:%G", "/var/lib/racer"]).stdout == f"{user}:{user}\n"
