"""The attacker wants the machine's journal: to empty it, to speak there as others, to reach a console."""

from __future__ import annotations

import pytest
from puppets import NAME, Puppet

pytestmark = pytest.mark.boot

CONNECT = """
result = []
for name in ("socket", "stdout", "dev-log", "io.systemd.journal"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_UNIX, kind) as one:
            try:
                one.connect(f"/run/systemd/journal/{name}")
                result.append(name)
            except OSError:
                pass
"""
QUIET = "[tool.debonair.service]\nnetwork = false\n"
FORGED = "\x1b[31mAccepted publickey for root\x1b]0;x\x07"
SYSLOG = f"""
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
    one.connect("/dev/log")
    one.send({"<86>sshd[1]: " + FORGED!r}.encode())
    one.send({"<0>sshd[1]: emergency" + FORGED!r}.encode())
import sys
print("<0>at stderr " + {FORGED!r}, file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("network", ["", QUIET], ids=["with the network", "without"])
def test_by_a_socket_that_has_no_bounds(puppet: Puppet, network: str) -> None:
    """The native one takes gigabytes in files, that of streams any name of a unit and a console."""
    puppet.taken(puppet.upgrade(tables=network))
    assert puppet(CONNECT) == "['dev-log']"


def test_by_the_name_of_another_service(puppet: Puppet) -> None:
    """syslog(3) stays for apps that use it: what it writes is filed under the app, whatever it claims."""
    assert puppet(SYSLOG) == ""
    puppet.machine.run(["journalctl", "--sync"], timeout=30)
    own = puppet.machine.run(["journalctl", "-u", NAME, "--no-pager", "-o", "cat"], timeout=30).stdout
    assert "Accepted publickey" in own
    others = puppet.machine.run(
        ["journalctl", "-u", "ssh", "--no-pager", "-o", "cat"], check=False, timeout=30
    )
    assert "Accepted publickey" not in others.stdout
