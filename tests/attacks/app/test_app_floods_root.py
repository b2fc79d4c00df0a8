"""The attacker wants what root has no bounds for: memory and disk by output, processes, the old release."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from puppets import DATA, NAME, PATIENCE, SITE, Puppet, others_of, sound

from debonair.errors import TrialError
from debonair.host.run import Completed

pytestmark = pytest.mark.boot

ROOM = 700_000  # KiB of address space that apt and all that it starts as root may take
PRINTED = 600  # MB
LIMITED = 'ulimit -v "$1"; shift; exec "$@"'


def install_with_little(puppet: Puppet, code: str, **how: str) -> Completed:
    """Let apt, and what it starts, have so little memory that root cannot keep what the app prints."""
    deb = puppet.release(code, **how)  # type: ignore[arg-type]
    puppet.machine.copy_in(deb, f"/srv/{deb.name}")
    argv = ["sh", "-c", LIMITED, "sh", str(ROOM), "apt-get", "install", "--yes", f"/srv/{deb.name}"]
    return puppet.machine.run(argv, check=False, timeout=PATIENCE)


PRINTS = {
    "lines": f"import os\nfor _ in range({PRINTED}):\n    os.write(1, (b'x' * 99 + b'\\n') * 10_000)\n",
    "one line": f"import os\nfor _ in range({PRINTED}):\n    os.write(1, b'x' * 1_000_000)\n",
    "zeros": f"import os\nfor _ in range({PRINTED}):\n    os.write(2, bytes(1_000_000))\n",
    "ends of lines": f"import os\nfor _ in range({PRINTED // 10}):\n    os.write(2, b'\\n' * 1_000_000)\n",
}


@pytest.mark.parametrize("what", PRINTS)
def test_memory_by_what_it_prints(puppet: Puppet, what: str) -> None:
    done = install_with_little(puppet, PRINTS[what] + "raise RuntimeError('broken')")
    output = done.stdout + done.stderr
    assert done.status == 0, output[-4000:]
    assert "was refused" in output
    assert len(output) < 64_000
    assert sound(puppet.machine) == ""


def test_memory_by_what_its_migration_prints(puppet: Puppet) -> None:
    count = f"head -c {PRINTED}M /dev/zero | tr '\\\\0' y; false"
    done = install_with_little(puppet, "", settings=f'migrate = "{count}"')
    assert done.status == 0, (done.stdout + done.stderr)[-4000:]
    assert "was refused" in done.stdout + done.stderr
    assert sound(puppet.machine) == ""


def test_disk_by_what_root_keeps_of_it(puppet: Puppet) -> None:
    """Neither the note of a refusal nor dpkg's log grows with what the app prints."""
    used = ["du", "-sk", "/usr/lib/puppet", "/var/log/dpkg.log", "/var/log/apt"]
    before = sum(int(line.split()[0]) for line in puppet.machine.run(used).stdout.splitlines())
    puppet.upgrade("print('x' * 30_000_000, flush=True)\nraise RuntimeError('y' * 30_000_000)")
    after = sum(int(line.split()[0]) for line in puppet.machine.run(used).stdout.splitlines())
    assert after - before < 20_000  # KiB, of which a release that is unpacked has 5,000


@contextmanager
def visited(puppet: Puppet) -> Iterator[list[str]]:
    """Have the page asked for again and again; yield what else than the page was answered."""
    wrong: list[str] = []
    ended = threading.Event()

    def visit() -> None:
        while not ended.wait(0.05):
            try:
                reply = puppet.machine.get("/", headers={"Host": SITE.host})
                if reply.status != 200:
                    wrong.append(f"{reply.status} {reply.text[:40]}")
            except TrialError as silent:
                wrong.append(silent.message)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield wrong
    finally:
        ended.set()
        visitor.join()


KILLS = {
    "all at once": "import os, signal\nos.kill(-1, signal.SIGKILL)\n",
    "all in good order": "import os, signal\nos.kill(-1, signal.SIGTERM)\nraise RuntimeError\n",
    "one by one": """
import os
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            os.kill(int(name), 9)
        except OSError:
            pass
raise RuntimeError("done")
""",
}


@pytest.mark.parametrize("way", KILLS)
def test_a_trial_kills_the_release_that_serves(puppet: Puppet, way: str) -> None:
    with visited(puppet) as wrong:
        puppet.upgrade(KILLS[way])
    assert wrong == []
    assert sound(puppet.machine) == ""


def test_a_migration_kills_the_release_that_serves(puppet: Puppet) -> None:
    with visited(puppet) as wrong:
        puppet.upgrade(settings='migrate = "kill -9 -1"')
    assert wrong == []
    assert sound(puppet.machine) == ""


def test_a_trial_takes_the_sockets_of_the_release_that_serves(puppet: Puppet) -> None:
    code = f"""
import os
for folder, _, names in os.walk("/run/{NAME}"):
    for name in names:
        if "1.{puppet.number + 1}" not in name:
            try:
                os.unlink(os.path.join(folder, name))
            except OSError:
                pass
raise RuntimeError("done")
"""
    with visited(puppet) as wrong:
        puppet.upgrade(code)
    assert wrong == []


@pytest.mark.parametrize("where", ["import", "migration"])
def test_processes_that_a_trial_leaves(puppet: Puppet, where: str) -> None:
    crowd = "for i in $(seq 200); do setsid sleep 9999 >/dev/null 2>&1 </dev/null & done; false"
    if where == "import":
        run = f"import subprocess\nsubprocess.run(['sh', '-c', {crowd!r}])\nraise RuntimeError('broken')"
        puppet.upgrade(run)
    else:
        puppet.upgrade(settings=f"migrate = '{crowd}'")
    assert others_of(puppet, "sleep 9999") == []
    assert puppet.page().startswith("1.")


def test_disk_by_the_copies_of_its_databases(puppet: Puppet) -> None:
    """Its data is not copied to a place where its own bounds do not count."""
    root = ["sh", "-c", "du -sxk / --exclude=/proc --exclude=/sys | cut -f1"]
    puppet(
        f"""
        import sqlite3
        sqlite3.connect({DATA!r} + "/a.sqlite3").execute("create table t (x)")
        with open({DATA!r} + "/a.sqlite3", "r+b") as file:
            file.truncate(2**35)
            file.seek(28)
            file.write((2**23).to_bytes(4, "big"))
        """
    )
    before = int(puppet.machine.run(root).stdout)
    puppet.upgrade(settings='migrate = "true"')
    assert sound(puppet.machine) == ""
    assert int(puppet.machine.run(root).stdout) - before < 2_000_000


FILL = """
result = 0
for place in places():
    try:
        if {what!r} == "bytes":
            with open(place + "/filler", "wb") as file:
                for _ in range(100):
                    result += file.write(bytes(1_000_000))
        else:
            for number in range(100_000):
                open(place + f"/filler-{{number}}", "w").close()
                result += 1
    except OSError:
        pass
"""


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_the_file_system_of_all_sockets(puppet: Puppet, what: str) -> None:
    """/run is everybody's: without room there systemd, apt and nginx fail."""
    column = {"bytes": "used", "inodes": "iused"}[what]
    used = ["df", f"--output={column}", "-k", "/run"]
    before = int(puppet.machine.run(used).stdout.split()[1])
    result = puppet(FILL.format(what=what), timeout=100)
    assert result.isdecimal(), result
    after = int(puppet.machine.run(used).stdout.split()[1])
    assert after - before < 20_000, f"{result} {what} written"  # KiB, or files
    puppet.taken(puppet.upgrade())
