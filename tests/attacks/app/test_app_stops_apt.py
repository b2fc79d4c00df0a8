"""The attacker wants apt to stop: while dpkg waits, nothing is upgraded on this machine any more."""

from __future__ import annotations

import pytest
from puppets import NAME, PATIENCE, SITE, Puppet, apt_install, sound

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

LAY = """
import shutil
def lay(path):
    if KIND == "fifo":
        os.mkfifo(path)
    elif KIND == "folder":
        os.makedirs(path + "/in/it")
    elif KIND == "loop":
        os.symlink(os.path.basename(path), path)
    elif KIND == "socket":
        one = socket.socket(socket.AF_UNIX)
        one.bind(path)
        one.listen(5)
        kept.append(one)
kept = []
"""

REPLACE = """
result = []
for place in places():
    for name in os.listdir(place):
        path = os.path.join(place, name)
        if os.path.isfile(path) and not os.path.islink(path):
            try:
                os.unlink(path)
                lay(path)
                result.append(path)
            except OSError as refused:
                result.append(str(refused))
"""

EXPECT = """
result = []
for place in places():
    for name in (
        "trying", ".trying.new", ".web.sock.new", "web.sock.new", ".http.sock.new", "try.sock",
        "web-{0}.sock", "web-{0}.stats", "web-{0}.ini", ".web-{0}.ini.new", ".web-{0}.ini.socket.new",
        "next.sock", "next.stats", "{0}", ".{0}",
    ):
        path = os.path.join(place, name)
        try:
            lay(path)
            result.append(path)
        except OSError as refused:
            result.append(str(refused))
"""

KINDS = ("fifo", "folder", "loop", "socket")


@pytest.mark.parametrize("kind", KINDS)
def test_by_what_root_finds_in_its_folder(puppet: Puppet, kind: str) -> None:
    result = puppet(f"KIND = {kind!r}\n{LAY}\n{REPLACE}")
    assert "Traceback" not in result
    puppet.taken(puppet.upgrade())
    puppet.machine.run(["systemctl", "restart", NAME], timeout=100)
    trial.healthy(puppet.machine, NAME, SITE)


@pytest.mark.parametrize("kind", KINDS)
def test_by_what_root_is_going_to_make_in_its_folder(puppet: Puppet, kind: str) -> None:
    following = puppet.version(puppet.number + 1)
    result = puppet(f"KIND = {kind!r}\n{LAY}\n{EXPECT.format(following)}")
    assert "Traceback" not in result
    puppet.taken(puppet.upgrade())


TAKE = """
result = []
for path in sockets("sock") + sockets("stats"):
    os.rename(path, path + ".mine")
    os.makedirs(path + "/in/it") if KIND == "folder" else lay(path)
    result.append(path)
"""


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_by_what_root_is_going_to_remove(puppet: Puppet, kind: str) -> None:
    """In the place of its own sockets, which root would take away with the release."""
    result = puppet(f"KIND = {kind!r}\n{LAY}\n{TAKE}")
    assert result.startswith("['/run/"), result
    done = puppet.upgrade()
    puppet.taken(done)
    assert "could not" not in done.stdout + done.stderr


DRIPS = """
from flask import Response
import time
def drip():
    while True:
        time.sleep(0.5)
        yield b"x"
"""


def dripping(app: str) -> str:
    """Give the app a health page that begins well and never ends."""
    return app.replace(
        "def well() -> str:\n    return", "def well():\n    return Response(drip())\n    return"
    )


def flooding(app: str) -> str:
    """Give the app a health page that ends after some gigabytes."""
    flood = "Response(b'x' * 10**6 for _ in range(10**4))"
    return app.replace("def well() -> str:\n    return", f"def well():\n    return {flood}\n    return")


def ended(puppet: Puppet, done_of: str = "") -> None:
    """Assert that whatever became of the release, dpkg is done with it and the app is served."""
    assert sound(puppet.machine) == "", done_of
    assert puppet.page().startswith("1."), done_of


def test_by_a_health_page_that_never_ends(puppet: Puppet) -> None:
    done = puppet.upgrade(DRIPS, edit=dripping)
    ended(puppet, done.stdout + done.stderr)


def test_by_a_health_page_of_gigabytes(puppet: Puppet) -> None:
    done = puppet.upgrade("from flask import Response", edit=flooding)
    ended(puppet, done.stdout + done.stderr)


def test_by_an_http_server_whose_headers_never_end(puppet: Puppet) -> None:
    """A web server of the app's own, which sends a header now and then for ever."""
    server = """
        import os, socket, threading, time
        def serve(one):
            one.recv(65536)
            one.sendall(b"HTTP/1.1 200 OK\\r\\n")
            while True:
                one.sendall(b"X-Drip: x\\r\\n")
                time.sleep(0.5)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.environ["SOCKET"])
            one.listen(5)
            while True:
                threading.Thread(target=serve, args=[one.accept()[0]], daemon=True).start()
        """
    import textwrap

    settings = 'server = "command"\nwsgi = ""\ncommand = "python3 -m drips"'
    done = puppet.upgrade(settings=settings, files={"drips.py": textwrap.dedent(server)})
    ended(puppet, done.stdout + done.stderr)


CHILD = "setsid sleep 3600 &"


def test_by_a_migration_that_leaves_a_child_with_its_output(puppet: Puppet) -> None:
    done = puppet.upgrade(settings=f'migrate = "{CHILD}"')
    ended(puppet, done.stdout + done.stderr)
    assert not [line for line in puppet.processes() if "sleep 3600" in line]


def test_by_an_import_that_leaves_a_child_with_its_output(puppet: Puppet) -> None:
    done = puppet.upgrade('import subprocess\nsubprocess.Popen(["setsid", "sleep", "3601"])')
    ended(puppet, done.stdout + done.stderr)


def test_by_its_data_folder_a_child_with_the_output_of_root(puppet: Puppet) -> None:
    """The same, by the file of its own that Flask reads at the next upgrade."""
    puppet.keep("config.py", 'import subprocess\nsubprocess.Popen(["setsid", "sleep", "3602"])\n')
    puppet.taken(puppet.upgrade())


def test_by_a_journal_that_does_not_move(puppet: Puppet) -> None:
    """Whoever floods the journal enough has it stand still: root does not wait for it for ever."""
    machine = puppet.machine
    journald = ["systemctl", "kill", "--kill-whom=main", "systemd-journald.service"]
    machine.run([*journald, "--signal=SIGSTOP"])
    try:
        done = puppet.upgrade("raise RuntimeError('broken')")
    finally:
        machine.run([*journald, "--signal=SIGCONT"])
    ended(puppet, done.stdout + done.stderr)


def test_by_hindering_its_own_removal(puppet: Puppet) -> None:
    """Removed and purged, it is gone; what it left in its folders hinders neither."""
    machine = puppet.machine
    puppet(f"KIND = 'fifo'\n{LAY}\n{EXPECT.format('purged')}\nKIND = 'folder'\n{EXPECT.format('more')}")
    puppet.keep("line\nbreak/\x1b[2Jescape", "x")
    puppet.leave("stubborn", "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(3600)")
    purged(machine)
    puppet.number -= 1
    deb = puppet.release()
    assert apt_install(machine, deb).status == 0


def purged(machine: Container) -> None:
    done = machine.run(["apt-get", "purge", "--yes", NAME], check=False, timeout=PATIENCE)
    assert done.status == 0, done.stdout + done.stderr
    assert machine.run(["dpkg", "--audit"]).stdout == ""
    assert "\x1b" not in done.stdout + done.stderr
    left = ["sh", "-c", "ls -d /run/puppet /usr/lib/puppet /var/lib/puppet /etc/puppet 2>/dev/null"]
    assert machine.run(left, check=False).stdout == ""
    assert machine.run(["getent", "passwd", NAME], check=False).stdout == ""
