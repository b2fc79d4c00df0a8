"""The attacker wants to be there after the upgrade that closes the hole, or to keep that upgrade out."""

from __future__ import annotations

import time

import pytest
from puppets import DATA, NAME, SITE, Puppet, others_of

from debonair import trial

pytestmark = [pytest.mark.boot, pytest.mark.long]

STUBBORN = """
import signal, time
for number in range(1, 65):
    if number not in (9, 19, 32, 33):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
time.sleep(3600)
"""


def test_as_a_process_of_another_session(puppet: Puppet) -> None:
    puppet.leave("stubborn", STUBBORN)
    assert [line for line in puppet.processes() if "stubborn" in line]
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "stubborn") == []


def test_as_a_process_that_is_always_another(puppet: Puppet) -> None:
    """It forks and ends, so that whoever has read its pid finds nothing under it."""
    puppet.leave(
        "hopper",
        """
        import time
        while True:
            if os.fork():
                os._exit(0)
            time.sleep(0.02)
        """,
    )
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "hopper") == []


def test_as_a_process_that_is_stopped(puppet: Puppet) -> None:
    puppet.leave("stopped", "import signal, time\nos.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(3600)")
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "stopped") == []


def test_as_many_processes(puppet: Puppet) -> None:
    puppet.leave("crowd", "import time\nfor _ in range(8):\n    os.fork()\ntime.sleep(3600)")
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "crowd") == []


VASSAL = """
[uwsgi]
master = true
attach-daemon = /bin/sleep 7777
socket = {0}/evil-{1}.sock
"""


def test_as_a_vassal(puppet: Puppet) -> None:
    """Its emperor would start whatever it finds among its vassals."""
    result = puppet(
        f"""
        result = []
        for place in places():
            for name in ("evil.ini", "web-0.9-1+deb13.ini", ".evil.ini"):
                with open(os.path.join(place, name), "w") as file:
                    file.write({VASSAL!r}.format(place, len(result)))
                result.append(name)
        """
    )
    assert result.startswith("["), result
    time.sleep(4)
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "sleep 7777") == []
    puppet.machine.run(["systemctl", "restart", NAME])
    trial.healthy(puppet.machine, NAME, SITE)
    time.sleep(3)
    assert others_of(puppet, "sleep 7777") == []


@pytest.mark.parametrize("kind", ["file", "folder", "fifo", "link"])
def test_by_what_stops_its_next_start(puppet: Puppet, kind: str) -> None:
    """Nor does what it lays into its folders stop the next release, which a reboot or an upgrade starts."""
    result = puppet(
        f"""
        result = []
        for place in places():
            for name in ("folder", "web-9.ini", ".dot", "-rf", "new\\nline", "x" * 255, "web.ini.socket"):
                path = os.path.join(place, name)
                try:
                    if {kind!r} == "folder":
                        os.makedirs(path + "/in/it")
                    elif {kind!r} == "fifo":
                        os.mkfifo(path)
                    elif {kind!r} == "link":
                        os.symlink("/etc/shadow", path)
                    else:
                        open(path, "w").close()
                    result.append(name)
                except OSError as refused:
                    result.append(str(refused))
        """
    )
    assert result.startswith("["), result
    puppet.machine.run(["systemctl", "restart", NAME], check=False, timeout=100)
    trial.healthy(puppet.machine, NAME, SITE)
    puppet.taken(puppet.upgrade())


def test_as_what_it_left_below_run(puppet: Puppet) -> None:
    """Files of the release that is left, and where they are: what begins anew begins from nothing."""
    puppet(
        """
        for place in places():
            for name in (".hidden", "shown", "web-0.1.sock"):
                open(os.path.join(place, name), "w").close()
        """
    )
    puppet.taken(puppet.upgrade())
    puppet.machine.run(["systemctl", "restart", NAME])
    trial.healthy(puppet.machine, NAME, SITE)
    left = [
        "find",
        "/run/puppet",
        "-name",
        ".hidden",
        "-o",
        "-name",
        "shown",
        "-o",
        "-name",
        "web-0.1.sock",
    ]
    assert puppet.machine.run(left).stdout == ""


@pytest.mark.parametrize("answer", ["500 Broken", "nothing"])
def test_by_answering_for_the_release_that_closes_the_hole(puppet: Puppet, answer: str) -> None:
    """The old release is not the judge of the new one: root asks the new one itself."""
    puppet.leave(
        "judge",
        f"""
        import threading, time
        def listen(path):
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(path + ".evil")
                os.chmod(path + ".evil", 0o777)
                listening.listen(50)
                os.rename(path + ".evil", path)
                while True:
                    one, _ = listening.accept()
                    one.recv(65536)
                    if {answer!r} != "nothing":
                        one.sendall(b"HTTP/1.1 {answer}\\r\\n\\r\\n")
                    one.close()
        while True:
            for path in sockets("sock"):
                if "1.{puppet.number + 1}" in path:
                    threading.Thread(target=listen, args=[path]).start()
                    time.sleep(3600)
            time.sleep(0.01)
        """,
    )
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "judge") == []


def test_by_ending_the_release_that_closes_the_hole(puppet: Puppet) -> None:
    """It kills whatever else runs as its user, again and again."""
    puppet.leave(
        "killer",
        """
        import time
        def run(pid):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read()
        mine = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        while True:
            for name in os.listdir("/proc"):
                if name.isdigit() and int(name) not in mine:
                    try:
                        os.kill(int(name), 9)
                    except OSError:
                        pass
            time.sleep(0.02)
        """,
    )
    puppet.taken(puppet.upgrade())
    assert others_of(puppet, "killer") == []


LEFT = {
    "a file that begins like a database": """
open(DATA + "/x.sqlite3", "wb").write(b"SQLite format 3\\0" + b"x" * 9000)
""",
    "a database that is locked": """
import sqlite3
keeper = sqlite3.connect(DATA + "/locked.sqlite3", isolation_level=None, check_same_thread=False)
keeper.execute("create table if not exists t (x)")
keeper.execute("begin exclusive")
import builtins
builtins.kept = keeper
""",
    "two hundred databases that are locked": """
import builtins, sqlite3
builtins.kept = []
for number in range(200):
    path = f"{DATA}/l{number}.db"
    builtins.kept.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
    builtins.kept[-1].execute("create table if not exists t (x)")
    builtins.kept[-1].execute("begin exclusive")
""",
    "names that no copy can have": """
os.mkdir(DATA + "/d.half")
for name in ("/d.half/x", "/" + "x" * 240):
    open(DATA + name, "wb").write(b"SQLite format 3\\0")
""",
    "a folder that nobody may read": 'os.makedirs(DATA + "/closed/in")\nos.chmod(DATA + "/closed", 0)',
    "a database that nobody may read": """
open(DATA + "/closed.sqlite3", "wb").write(b"SQLite format 3\\0")
os.chmod(DATA + "/closed.sqlite3", 0)
""",
    "folders too deep": """
os.chdir(DATA)
for _ in range(3000):
    os.mkdir("deep")
    os.chdir("deep")
os.chdir("/")
""",
    "a fifo": 'os.mkfifo(DATA + "/fifo.sqlite3")',
    "backups is a file": """
import sqlite3
sqlite3.connect(DATA + "/a.sqlite3").execute("create table t (x)")
open(DATA + "/backups", "w").close()
""",
    "backups leads elsewhere": """
import sqlite3
sqlite3.connect(DATA + "/a.sqlite3").execute("create table t (x)")
os.symlink("/nowhere/at/all", DATA + "/backups")
""",
    "a name that is no text": """
import sqlite3
sqlite3.connect(DATA + "/a.sqlite3").execute("create table t (x)")
os.rename(DATA + "/a.sqlite3", os.fsencode(DATA) + b"/\\xff\\n\\x1b[2J.sqlite3")
""",
    "a sparse database of a terabyte": """
import sqlite3
sqlite3.connect(DATA + "/a.sqlite3").execute("create table t (x)")
with open(DATA + "/a.sqlite3", "r+b") as file:
    file.truncate(2**40)
    file.seek(28)
    file.write((2**28).to_bytes(4, "big"))
""",
    "a python module for everything": """
for name in ("sqlite3", "json", "sitecustomize", "usercustomize", "encodings", "pathlib"):
    open(DATA + f"/{name}.py", "w").write("raise SystemExit(7)")
""",
}


@pytest.mark.parametrize("what", LEFT)
def test_by_what_lies_in_its_data_when_it_is_copied(puppet: Puppet, what: str) -> None:
    """A release with a migration has the data copied first, which nothing that lies there may prevent."""
    result = puppet(f"DATA = {DATA!r}\n{LEFT[what]}")
    assert result == ""
    puppet.taken(puppet.upgrade(settings='migrate = "true"'))


def test_by_a_clock_and_dates_ahead(puppet: Puppet) -> None:
    """Files dated ahead, by which it would be the youngest for ever."""
    puppet(
        f"""
        for place in [*places(), {DATA!r}]:
            for name in os.listdir(place):
                try:
                    os.utime(os.path.join(place, name), (4e9, 4e9), follow_symlinks=False)
                except OSError:
                    pass
        """
    )
    puppet.taken(puppet.upgrade())
    puppet.machine.run(["systemctl", "restart", NAME])
    trial.healthy(puppet.machine, NAME, SITE)
    assert puppet.page() == f"1.{puppet.number}"
