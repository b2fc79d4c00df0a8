"""The attacker wants to come back by another door: ssh, su, cron; or to reach one without network."""

from __future__ import annotations

import time

import pytest
from debians import Boot
from puppets import DATA, NAME, Puppet, sound

pytestmark = pytest.mark.boot

FORWARD = (
    *("ssh", "-i", "/root/attacker", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"),
    *("-o", "ExitOnForwardFailure=yes", "-o", "ConnectTimeout=10"),
)


@pytest.fixture
def guarded(puppet: Puppet) -> Puppet:
    """The Pi has an sshd, as nearly every Pi has."""
    machine = puppet.machine
    if machine.run(["test", "-e", "/usr/sbin/sshd"], check=False).status:
        Boot().bed.stock(machine, "openssh-server", "openssh-client", "cron")
        machine.run(
            ["apt-get", "install", "--yes", "openssh-server", "openssh-client", "cron"], timeout=120
        )
        machine.run(["systemctl", "daemon-reload"])
        machine.run(["systemctl", "restart", "ssh", "sockets.target"], check=False)
        machine.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/attacker"])
        machine.run(["sh", "-c", "useradd -m guest; install -d -m 700 -o guest ~guest/.ssh"])
        machine.run(["install", "-o", "guest", "/root/attacker.pub", "/home/guest/.ssh/authorized_keys"])
    return puppet


def enters(puppet: Puppet, user: str) -> bool:
    """Return whether the key opens ``user``'s ssh: for a command, or for a way to the loopback here."""
    machine = puppet.machine
    forward = ["-N", "-L", "7777:127.0.0.1:80", f"{user}@127.0.0.1"]
    machine.run(["systemd-run", "--quiet", "--unit=forward", *FORWARD, *forward])
    time.sleep(3)
    forwarded = machine.run(["curl", "-s", "--max-time", "5", "http://127.0.0.1:7777/"], check=False)
    machine.run(["systemctl", "stop", "forward"], check=False)
    machine.run(["systemctl", "reset-failed", "forward"], check=False)
    typed = machine.run([*FORWARD, f"{user}@127.0.0.1", "id"], check=False, timeout=30)
    return forwarded.status == 0 or typed.status == 0


def test_by_a_key_in_its_data(guarded: Puppet) -> None:
    assert enters(guarded, "guest"), "nobody can log in at all, so that this shows nothing"
    key = guarded.machine.read("/root/attacker.pub")
    guarded.keep(".ssh/authorized_keys", key or "")
    guarded(f"os.chmod('{DATA}/.ssh', 0o700)\nos.chmod('{DATA}/.ssh/authorized_keys', 0o600)")
    assert not enters(guarded, NAME)


def test_as_a_user_whose_account_has_not_expired(guarded: Puppet) -> None:
    """Whatever door asks PAM for the account (su, cron, sshd) is told that it has expired, for good."""
    machine = guarded.machine
    for _ in range(2):
        home = machine.run(["getent", "passwd", NAME]).stdout.split(":")[5]
        assert not home.startswith(("/var", "/run", "/tmp")), "its home is where it can write"
        # root needs no password here, so that nothing but the account's own state is asked for
        done = machine.run(["su", "-s", "/bin/sh", NAME, "-c", "id"], check=False)
        assert "uid=" not in done.stdout
        expires = machine.run(["getent", "shadow", NAME]).stdout.split(":")[7]
        assert expires == "1" or int(expires or 10**6) < 20_000, f"expires: {expires!r}"
        guarded.taken(guarded.upgrade())


NEEDED = ("/run/puppet/", "/run/systemd/journal/")

REACH = """
result = []
for folder, _, names in os.walk("/run"):
    for name in names:
        path = os.path.join(folder, name)
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            try:
                with socket.socket(socket.AF_UNIX, kind) as one:
                    one.settimeout(2)
                    one.connect(path)
                    result.append(path)
            except OSError:
                pass
# and those that it knows of, though it cannot see them in their folders
for path in KNOWN:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(3)
            one.connect(path)
            result.append(path)
            try:
                result.append(f"{path} says {one.recv(100)!r}")
            except OSError:
                pass
    except OSError:
        pass
result = repr(sorted(set(map(str, result))))
"""

KNOWN = (
    *(
        "/run/ssh-unix-local/socket",
        "/run/host/unix-export/ssh",
        "/run/systemd/private",
        "/run/uuidd/request",
    ),
    *(
        "/run/dbus/system_bus_socket",
        "/run/systemd/userdb/io.systemd.DynamicUser",
        "/run/systemd/io.systemd.Login",
    ),
    *(
        "/run/systemd/notify",
        "/run/systemd/resolve/io.systemd.Resolve",
        "/run/docker.sock",
        "/run/udev/control",
    ),
    *(
        "/run/systemd/io.systemd.sysext",
        "/run/systemd/io.systemd.Credentials",
        "/run/systemd/io.systemd.Hostname",
    ),
)


@pytest.mark.parametrize("network", ["false", "true"])
def test_it_reaches_a_door_below_run(guarded: Puppet, network: str) -> None:
    """Without network it reaches its own sockets and the journal's, and no sshd by a path."""
    machine = guarded.machine
    done = guarded.upgrade(tables=f"[tool.debonair.service]\nnetwork = {network}")
    assert done.status == 0, done
    assert sound(machine) == ""
    listed = machine.run(["find", "/run", "-type", "s"], check=False).stdout.split()
    assert "/run/ssh-unix-local/socket" in listed, "sshd listens nowhere below /run: this shows nothing"
    result = guarded(f"KNOWN = {tuple({*KNOWN, *listed})!r}\n{REACH}", timeout=60)
    assert "Traceback" not in result
    reached = [path for path in eval(result) if not path.startswith(NEEDED)]
    assert reached == []


def test_without_network_it_reaches_an_abstract_socket(guarded: Puppet) -> None:
    machine = guarded.machine
    listen = "import socket,time;s=socket.socket(1);s.bind(b'\\0door');s.listen(9);time.sleep(999)"
    machine.run(["systemd-run", "--unit=door", "/usr/bin/python3", "-c", listen])
    guarded.upgrade(tables="[tool.debonair.service]\nnetwork = false")
    result = guarded(
        "result = 'no'\none = socket.socket(socket.AF_UNIX)\none.connect(b'\\0door')\nresult = 'yes'"
    )
    machine.run(["systemctl", "stop", "door"])
    assert "ConnectionRefusedError" in result
