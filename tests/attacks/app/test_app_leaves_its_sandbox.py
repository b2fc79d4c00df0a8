"""The attacker wants its code to run outside the sandbox: whoever runs code of the app, runs it inside.

What it writes into its data folder is read at the next upgrade, by a migration, by a command of the owner.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from puppets import DATA, NAME, SITE, Puppet

from debonair import trial

pytestmark = pytest.mark.boot

WITNESS = """
def _witness():
    import json, os, socket, sys
    found = {"argv": sys.argv[:3], "uid": os.getuid()}
    with open("/proc/self/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in {"NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "CapBnd", "Umask"}:
                found[name] = value.strip()
    def tried(name, what):
        try:
            what()
            found[name] = "done"
        except OSError as refused:
            found[name] = refused.strerror
    def setuid():
        with open("/var/lib/puppet/become", "w") as file:
            pass
        os.chmod("/var/lib/puppet/become", 0o4755)
    def memory():
        import mmap
        mmap.mmap(-1, 4096, prot=7)
    def connect(path):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(path)
    def private():
        with open("/var/tmp/seen-by-all", "a"):
            pass
    tried("makes a file that others become it by", setuid)
    tried("has memory that is written and run", memory)
    tried("reaches the message bus", lambda: connect("/run/dbus/system_bus_socket"))
    tried("makes a raw socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
    tried("sees the home folders", lambda: os.listdir("/home"))
    def first():
        with open("/proc/1/cmdline", "rb") as file:
            name = os.path.basename(file.read().split(b"\\0")[0])
            if os.getpid() == 1 or name not in {b"systemd", b"init"}:
                raise ProcessLookupError(3, "it is one of its own")
    tried("sees process 1", first)
    tried("leaves its file for others", private)
    with open("/var/lib/puppet/witness", "a") as file:
        file.write(json.dumps(found) + "\\n")
try:
    _witness()
except OSError as wrong:
    with open("/var/lib/puppet/witness", "a") as file:
        file.write('{"problem": "' + str(wrong) + '"}\\n')
"""

REFUSED = (
    "makes a file that others become it by",
    "has memory that is written and run",
    "reaches the message bus",
    "makes a raw socket",
    "sees the home folders",
    "sees process 1",
)


def plant(puppet: Puppet) -> None:
    """Have all that runs Python as the app bear witness: by Flask's habit, and by Python's own ways."""
    puppet.keep("config.py", WITNESS)
    for folder in ("python3.13", "python3.11"):
        puppet.keep(f".local/lib/{folder}/site-packages/usercustomize.py", WITNESS)
        puppet.keep(f".local/lib/{folder}/site-packages/evil.pth", "import usercustomize\n")
    for name in ("sitecustomize.py", "usercustomize.py"):
        puppet.keep(name, WITNESS)


def witnesses(puppet: Puppet) -> list[dict[str, Any]]:
    """Return what each process that ran the attacker's code could do, of which there is one at least."""
    lines = (puppet.machine.read(f"{DATA}/witness") or "").splitlines()
    assert lines, "nothing ran the attacker's code, so that this shows nothing"
    return [json.loads(line) for line in lines]


def inside(puppet: Puppet) -> None:
    """Assert that all of them were in the sandbox."""
    for one in witnesses(puppet):
        assert "problem" not in one, one
        assert one["uid"] != 0, one
        assert (one["NoNewPrivs"], one["Seccomp"]) == ("1", "2"), one
        assert {int(one[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}, one
        assert [what for what in REFUSED if one[what] == "done"] == [], one
    outside = puppet.machine.run(["test", "-e", "/var/tmp/seen-by-all"], check=False)
    assert outside.status != 0, "/tmp and /var/tmp are not its own"


@pytest.fixture
def planted(puppet: Puppet) -> Puppet:
    plant(puppet)
    puppet.machine.run(["rm", "-f", f"{DATA}/witness", "/var/tmp/seen-by-all"])
    return puppet


def test_at_the_next_upgrade(planted: Puppet) -> None:
    planted.taken(planted.upgrade())
    inside(planted)


def test_at_a_restart(planted: Puppet) -> None:
    planted.machine.run([NAME, "restart"])
    trial.healthy(planted.machine, NAME, SITE)
    inside(planted)


def test_at_a_rollback(planted: Puppet) -> None:
    planted.taken(planted.upgrade())
    planted.machine.run([NAME, "rollback"], timeout=100)
    planted.machine.run([NAME, "rollback", "--undo"], timeout=100)
    inside(planted)


def test_when_the_data_is_prepared(planted: Puppet) -> None:
    planted.taken(planted.upgrade(settings='migrate = "flask tick"'))
    inside(planted)


def test_when_its_databases_are_copied(planted: Puppet) -> None:
    planted(f"import sqlite3\nsqlite3.connect('{DATA}/a.sqlite3').execute('create table t (x)')")
    planted.taken(planted.upgrade(settings='migrate = "python3 -c pass"'))
    inside(planted)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "flask", "tick"],
        ["run", "python3", "-c", "import puppet"],
        ["run", "sh", "-c", "cd && python3 -c 'import usercustomize'"],
    ],
)
def test_when_the_owner_runs_a_command(planted: Puppet, words: list[str]) -> None:
    planted.machine.run([NAME, *words], check=False, timeout=60)
    inside(planted)


def test_when_the_owner_has_a_shell(planted: Puppet) -> None:
    planted.machine.run(
        [NAME, "shell"], stdin=b"flask tick; python3 -c 'import puppet'\nexit\n", timeout=60
    )
    inside(planted)


def test_when_its_timer_runs(planted: Puppet) -> None:
    planted.machine.run(["systemctl", "start", f"{NAME}-tick.service"], timeout=60)
    inside(planted)


def test_it_is_no_other_user_in_what_the_owner_runs(puppet: Puppet) -> None:
    """A command of the owner is no way to root, to a device or to the folders of others."""
    machine = puppet.machine
    machine.run(["install", "-m", "4755", "/usr/bin/id", "/usr/local/bin/become"])
    output = machine.run([NAME, "run", "/usr/local/bin/become"], check=False, timeout=60).stdout
    assert "euid=0" not in output
    for path in ("/usr/lib/puppet/outside", "/etc/outside", "/run/outside", "/var/tmp/outside"):
        machine.run([NAME, "run", "touch", path], check=False, timeout=60)
        assert machine.run(["test", "-e", path], check=False).status != 0, path


def test_what_the_owner_ran_goes_on_after_it(puppet: Puppet) -> None:
    """A command that leaves something behind would leave it outside of all that ends with an upgrade."""
    machine = puppet.machine
    machine.run([NAME, "run", "sh", "-c", "setsid sleep 8888 >/dev/null 2>&1 </dev/null &"], timeout=60)
    deadline = time.monotonic() + 10
    while [line for line in puppet.processes() if "sleep 8888" in line]:
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.5)


def test_by_the_environment_of_the_owner(puppet: Puppet) -> None:
    """Variables of who installs or asks do not decide what is run."""
    machine = puppet.machine
    puppet.keep("evil/sitecustomize.py", "open('/root/was-here', 'w').close()")
    puppet.keep("evil/json.py", "open('/root/was-here', 'w').close()")
    puppet.keep("evil/flask", "#!/bin/sh\ntouch /root/was-here\n")
    machine.run(["chmod", "-R", "a+rx", DATA])
    ways = [f"PYTHONPATH={DATA}/evil", f"PYTHONHOME={DATA}/evil", f"PYTHONSTARTUP={DATA}/evil/json.py"]
    for words in (["status"], ["releases"], ["run", "flask", "tick"], ["env", "list"]):
        for way in ways:
            machine.run(["env", "-C", DATA, way, NAME, *words], check=False, timeout=60)
    deb = puppet.release()
    machine.copy_in(deb, "/srv/new.deb")
    machine.run(["env", "-C", f"{DATA}/evil", ways[0], "apt-get", "install", "--yes", "/srv/new.deb"])
    assert machine.run(["test", "-e", "/root/was-here"], check=False).status != 0
    assert puppet.page() == f"1.{puppet.number}"


RING = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
result = []
for number in (425, 426, 427):
    ctypes.set_errno(0)
    found = libc.syscall(number, 4, ctypes.create_string_buffer(120), 0, 0, None, 0)
    result.append((found >= 0, os.strerror(ctypes.get_errno())))
"""


def test_by_the_rings_of_the_kernel(puppet: Puppet) -> None:
    """io_uring opens sockets that no filter of system calls sees."""
    assert puppet(RING) == str([(False, "Operation not permitted")] * 3)
    script = f"import os{RING}print(result)"
    done = puppet.machine.run([NAME, "run", "python3", "-c", script], timeout=60)
    assert done.stdout.strip() == str([(False, "Operation not permitted")] * 3)


SHARED = """
import multiprocessing, resource
from multiprocessing import shared_memory
with multiprocessing.Lock():
    one = shared_memory.SharedMemory("passed", create=True, size=100)
    one.buf[:2] = b"hi"
    one.close()
result = os.listdir("/dev/shm"), resource.getrlimit(resource.RLIMIT_CORE)
"""


def test_by_memory_that_all_apps_share(puppet: Puppet) -> None:
    """Two apps pass data by /dev/shm, one of which has no network."""
    assert "passed" in puppet(SHARED)
    assert puppet.machine.run(["test", "-e", "/dev/shm/passed"], check=False).status != 0
    assert "passed" not in puppet.machine.run([NAME, "run", "ls", "/dev/shm"], timeout=60).stdout


def test_by_a_core_that_the_machine_keeps(puppet: Puppet) -> None:
    """A dump of the app's memory has its key, and goes to a program that runs as root."""
    assert puppet("import resource\nresult = resource.getrlimit(resource.RLIMIT_CORE)") == "(0, 0)"
