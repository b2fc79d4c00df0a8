"""The attacker wants root to write where it cannot itself: a folder is another one when root goes there."""

from __future__ import annotations

import pytest
from puppets import NAME, Puppet

pytestmark = [pytest.mark.boot, pytest.mark.usefixtures("neighbour")]

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
said = []
for place in reversed(places()):
    try:
        os.rename(place, place + ".mine")
        os.symlink({target!r}, place)
        said.append(place)
    except OSError as refused:
        said.append(str(refused))
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
    said = puppet(LEAD.format(target=target))
    assert "Traceback" not in said
    done = puppet.upgrade()
    assert names(puppet) - before == set(), said
    assert before - names(puppet) == set(), said
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
