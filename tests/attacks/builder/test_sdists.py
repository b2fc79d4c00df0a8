"""What the code of an sdist wants from the machine of an author who only builds, or locks."""

from __future__ import annotations

import json
import os
import platform
import signal
import struct
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import system_calls
from hostile_sdists import TOKEN, Author, listening, processes, sdist


@pytest.fixture(params=["root", "user"] if os.getuid() == 0 else ["user"])
def author(request: pytest.FixtureRequest) -> Iterator[Author]:
    # pytest's own folder is root's alone
    with tempfile.TemporaryDirectory(prefix="author-") as folder:
        Path(folder).chmod(0o755)
        yield Author(Path(folder) / "machine", request.param == "root")


@pytest.fixture(params=["build", "lock"])
def verb(request: pytest.FixtureRequest) -> str:
    """What the author types: with 'lock', the sdist says what it needs only when it is run."""
    return str(request.param)


def attack(author: Author, verb: str, attack: str) -> str:
    """Let the author meet an sdist that runs ``attack``; return all that came of it, as text."""
    sdist(author.base / "index", attack, dynamic=verb == "lock")
    done = author.debonair(verb)
    assert done.status == 0, done.stderr
    found = author.loot()
    assert found, "it has not run"
    return found


def test_reads_a_token_from_the_authors_home(author: Author, verb: str) -> None:
    found = attack(
        author,
        verb,
        f"""\
found["variables"] = dict(os.environ)
found["home"] = attempt(lambda: open({str(author.home / ".netrc")!r}).read())
found["tilde"] = attempt(lambda: open(os.path.expanduser("~/.netrc")).read())
others = glob.glob("/proc/[0-9]*/environ")
found["others"] = [attempt(lambda: open(path, "rb").read().decode("latin-1")) for path in others]
words = ["grep", "-rhs", {TOKEN!r}, "/tmp", "/home", "/root", "/var", "/etc", "/run"]
found["above"] = attempt(lambda: subprocess.run(words, capture_output=True, text=True).stdout)
""",
    )
    assert TOKEN not in found


def test_sends_out_what_it_found(author: Author, verb: str) -> None:
    with listening(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
        found = attack(
            author,
            verb,
            f"""\
def connect():
    with socket.create_connection(("127.0.0.1", {port}), timeout=5) as out:
        out.sendall(b"loot")
    return "it went out"
found["sent"] = attempt(connect)
found["interfaces"] = sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else []
""",
        )
    assert "it went out" not in found


def test_serves_what_reaches_this_machine_past_its_network(author: Author, verb: str) -> None:
    """AF_VSOCK knows no network namespace: what listens there is asked by the hypervisor, and asks it.

    A ring of io_uring makes sockets too, and no filter of calls sees that.
    """
    found = attack(
        author,
        verb,
        """\
import ctypes, errno
def listen():
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as made:
        made.bind((socket.VMADDR_CID_ANY, 5779))
        made.listen()
    return "it listens"
found["listens"] = attempt(listen)
def family(number):
    with socket.socket(number, socket.SOCK_RAW if number == socket.AF_NETLINK else socket.SOCK_STREAM):
        return "made"
mine = [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK]
found["mine"] = [attempt(lambda: family(number)) for number in mine]
found["others"] = [attempt(lambda: family(number)) for number in (socket.AF_VSOCK, 38, 42)]
libc = ctypes.CDLL(None, use_errno=True)
found["ring"] = errno.errorcode.get(ctypes.get_errno()) if libc.syscall(425, 0, 0) < 0 else "made"
""",
    )
    got = json.loads(found.partition("\n")[0])
    assert "it listens" not in found
    assert got["mine"] == ["made"] * 4, "what stays inside is not refused"
    assert all("EAFNOSUPPORT" in result or "97" in result for result in got["others"]), got["others"]
    assert got["ring"] == "EPERM"


def test_speaks_with_the_authors_agents(author: Author, verb: str) -> None:
    """Docker, D-Bus, gpg-agent and ssh-agent listen on sockets with a path, or with an abstract name."""
    name = f"\0agent-{uuid.uuid4()}"
    path = author.base / "agent"
    with listening(name), listening(str(path)):
        attack(
            author,
            verb,
            f"""\
for address in ({name!r}, {str(path)!r}):
    made = socket.socket(socket.AF_UNIX)
    found[address] = attempt(lambda: made.connect(address))
""",
        )


def test_writes_what_the_authors_shell_will_run(author: Author, verb: str) -> None:
    files = (".bashrc", ".profile", ".ssh/authorized_keys", ".config/autostart/x.desktop")
    attack(
        author,
        verb,
        f"""\
for home in ({str(author.home)!r}, os.path.expanduser("~")):
    for name in {files!r}:
        path = os.path.join(home, name)
        attempt(lambda: os.makedirs(os.path.dirname(path), exist_ok=True))
        attempt(lambda: open(path, "a").write("evil"))
""",
    )
    assert (author.home / ".bashrc").read_text() == "# mine\n"
    assert sorted(path.name for path in author.home.iterdir()) == [".bashrc", ".netrc"]


def test_changes_the_project_that_is_packaged(author: Author, verb: str) -> None:
    before = (author.project / "app.py").read_text()
    attack(
        author,
        verb,
        f"""\
attempt(lambda: open({str(author.project / "app.py")!r}, "a").write("evil"))
attempt(lambda: open({str(author.project / "more.py")!r}, "a").write("evil"))
""",
    )
    assert (author.project / "app.py").read_text() == before
    assert not (author.project / "more.py").exists()


def test_poisons_the_cache_for_another_package(author: Author, verb: str) -> None:
    victim = author.cache / "wheels/0000/flask-3.0-py3-none-any.whl"
    victim.parent.mkdir(parents=True)
    victim.write_text("good")
    attack(
        author,
        verb,
        f"""\
for path in glob.glob({str(author.cache)!r} + "/**/*.whl", recursive=True):
    attempt(lambda: open(path, "w").write("evil"))
attempt(lambda: open({str(author.cache / "uv/planted")!r}, "w").write("evil"))
""",
    )
    assert victim.read_text() == "good"
    assert not (author.cache / "uv/planted").exists()


def test_keeps_running_after_the_build(author: Author, verb: str) -> None:
    mark = f"left-over-{uuid.uuid4()}"
    attack(
        author,
        verb,
        f"""\
subprocess.Popen(["sh", "-c", "while :; do sleep 1; done", {mark!r}], start_new_session=True,
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
""",
    )
    left = processes(mark)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def test_meddles_with_other_processes_of_the_author(author: Author, verb: str) -> None:
    found = attack(
        author,
        verb,
        """\
found["seen"] = [int(name) for name in os.listdir("/proc") if name.isdigit()]
others = [pid for pid in found["seen"] if pid > 9]
found["traced"] = [attempt(lambda: open(f"/proc/{pid}/mem", "rb").read(1)) for pid in others]
""",
    )
    assert "PermissionError" not in found, "it has seen a process that is not its own"
    assert str(os.getpid()) not in found


_HOLDER = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.syscall({keyctl}, 1, None) > 0, "no session keyring of its own"
key = libc.syscall({add_key}, b"user", b"ticket", {token!r}, len({token!r}), -3)
assert key > 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Becomes a command that has a key in its session's keyring, as Kerberos and encrypted homes do."""


def test_reads_the_keyring_of_the_authors_session(author: Author, verb: str) -> None:
    first = system_calls.CALLS[platform.machine(), 8 * struct.calcsize("P")][1]
    author.before = [
        *(sys.executable if author.root else "/usr/bin/python3", "-c"),
        _HOLDER.format(add_key=first, keyctl=first + 2, token=TOKEN.encode()),
    ]
    found = attack(
        author,
        verb,
        f"""\
import ctypes
call = ctypes.CDLL(None).syscall
def read(key):
    into = ctypes.create_string_buffer(100)
    call({first + 2}, 11, key, into, 100)
    return into.value.decode("latin-1")
def search():
    return [read(call({first + 2}, 10, ring, b"user", b"ticket", 0)) for ring in (-3, -4, -5)]
found["keys"] = attempt(search)
found["listed"] = attempt(lambda: open("/proc/keys").read())
""",
    )
    assert TOKEN not in found
    assert "ticket" not in found


def test_lets_the_author_lose_other_work_when_memory_runs_out(author: Author, verb: str) -> None:
    """The kernel ends the process with the highest score first (proc(5)). 1000 is the highest."""
    found = attack(
        author,
        verb,
        """\
found["score"] = attempt(lambda: "it has " + open("/proc/self/oom_score_adj").read())
""",
    )
    assert "it has 1000" in found
