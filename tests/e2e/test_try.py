"""``debonair try`` as it is typed: in a container, in an account without root, without privileges."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from debians import Boot, Builder

pytestmark = pytest.mark.boot

CHECKOUT = Path(__file__).parents[2]
# What a container gets by default has no CAP_SYS_ADMIN.
CONTAINED = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all")
WITHOUT_NAMESPACES = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
# Root only until the folders of this test are where nobody may read them; nobody gets subordinate ids.
ACCOUNT = """
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/checkout /mnt/libraries /mnt/python /mnt/cache /mnt/cache/roots
mount --bind "$1" /mnt/checkout
mount --bind "$2" /mnt/libraries
mount --bind "$3" /mnt/python
cp "$4" /mnt/guestbook_1.0-1+deb13_amd64.deb
cp "$5"/trixie-*.tar /mnt/cache/roots/
echo nobody:100000:65536 >/mnt/ids
mount --bind /mnt/ids /etc/subuid
mount --bind /mnt/ids /etc/subgid
chmod 0755 /mnt
chown -R nobody:nogroup /mnt/cache
exec setpriv --reuid=nobody --regid=nogroup --clear-groups env -i HOME=/mnt PATH=/usr/bin:/bin \\
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/mnt/checkout/src:/mnt/libraries DEBONAIR_CACHE=/mnt/cache \\
    "/mnt/python/bin/$6" -m debonair try /mnt/guestbook_1.0-1+deb13_amd64.deb -- id -u
"""


NEEDS_TOKEN = """
import os

TOKEN = os.environ["TOKEN"]


def app(environ, start_response):
    broken = TOKEN == "broken"
    if broken:
        print("the token is broken", flush=True)
    start_response("500 BROKEN" if broken else "200 OK", [("Content-Type", "text/plain")])
    return [f"Hello, {TOKEN}".encode()]
"""


@pytest.fixture(scope="module")
def guestbook(build: Builder) -> Path:
    return build("guestbook", "trixie-amd64")


@pytest.fixture(scope="module")
def hello(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app that needs a variable."""
    project = shutil.copytree(CHECKOUT / "examples/hello", tmp_path_factory.mktemp("hello") / "hello")
    (project / "app.py").write_text(NEEDS_TOKEN)
    return build(project, "trixie-amd64")


def left_by(pid: int) -> list[str]:
    """Folders, mounts and processes that bear the name of a trial of the process ``pid``."""
    name = f"debonair-{pid}-"
    found = [str(path) for path in Path(tempfile.gettempdir()).glob(f"{name}*")]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if name.encode() in (words := path.read_bytes()):
                found.append(words.decode())
    return found


def debonair_try(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "debonair", "try", *map(str, words)]


def started(argv: list[str], *, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    return subprocess.Popen(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env)


def ran(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a trial to its end, and see that it leaves nothing."""
    with started(argv, stdout=subprocess.PIPE) as process:
        stdout, stderr = process.communicate(timeout=300)
    assert left_by(process.pid) == []
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def test_in_a_container(guestbook: Path) -> None:
    done = ran(debonair_try(guestbook, "--", "systemctl", "is-active", "guestbook", "nginx"))
    assert done.returncode == 0, done.stderr
    assert "Debian 13 (trixie): booted with systemd in " in done.stderr
    assert "GET http://127.0.0.1/ -> 200 OK in " in done.stdout
    assert "<h1>Guest book</h1>" in done.stdout
    assert done.stdout.endswith("active\nactive\n")


def test_the_status_is_that_of_the_command(guestbook: Path) -> None:
    assert ran(debonair_try(guestbook, "--", "sh", "-c", "exit 42")).returncode == 42


def test_without_privileges(guestbook: Path) -> None:
    done = ran([*CONTAINED, *debonair_try(guestbook, "--", "test", "!", "-e", "/run/systemd/system")])
    assert done.returncode == 0, done.stderr
    assert "No container is booted: this process cannot mount file systems" in done.stderr
    assert "entered in a user namespace, without systemd" in done.stderr
    assert "<h1>Guest book</h1>" in done.stdout


def test_in_an_account_without_root(guestbook: Path, boot: Boot) -> None:
    with boot("trixie"):  # so that its root is in the cache
        pass
    script = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ACCOUNT, "sh"]
    roots = boot.bed.cache.root / "roots"
    libraries = sysconfig.get_path("purelib")
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    done = ran([*script, str(CHECKOUT), libraries, sys.base_prefix, str(guestbook), str(roots), python])
    assert done.returncode == 0, done.stderr
    assert "No container is booted: that requires root." in done.stderr
    assert "entered in a user namespace of this account" in done.stderr
    assert "<h1>Guest book</h1>" in done.stdout
    assert done.stdout.endswith("\n0\n"), "root of its own namespace"


def test_where_nothing_is_granted(guestbook: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "sh", "-c", WITHOUT_NAMESPACES, "sh"]
    nothing = ["setpriv", "--bounding-set=-sys_admin,-sys_chroot", "--inh-caps=-all"]
    done = ran([*alone, *nothing, *debonair_try(guestbook)])
    assert done.returncode == 9
    assert "This process can use neither a container nor a chroot." in done.stderr
    assert "--privileged" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_app_that_does_not_start_is_explained(guestbook: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    subprocess.run(["dpkg-deb", "-R", guestbook, tree], check=True)
    (package,) = tree.glob("usr/lib/guestbook/dist/venv/lib/python*/site-packages/flask")
    shutil.rmtree(package)
    broken = tmp_path / guestbook.name
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, broken], check=True)
    done = ran(debonair_try(broken))
    assert done.returncode == 10
    assert "is installed, but is not served" in done.stderr
    assert "the app cannot be loaded" in done.stderr
    assert "No module named 'flask'" in done.stderr


def test_a_refused_app_can_be_looked_at(hello: Path, tmp_path: Path) -> None:
    """It needs a variable, fails without, and is served with it; a refused one leaves a machine."""
    missing = ran(debonair_try(hello, "--", "hello-pi", "status"))
    assert "hello-pi 1.0-1+deb13 was refused: the app cannot be loaded" in missing.stderr
    assert (
        "The app needs the variable TOKEN. To try it here: debonair try ... -e TOKEN=..." in missing.stderr
    )
    assert "hello-pi: stopped; 1.0-1+deb13 was refused" in missing.stdout
    (tmp_path / ".env").write_text('# secret\nexport TOKEN="it\'s $HOME"\n')
    given = ran(
        debonair_try(hello, "--env-file", tmp_path / ".env", "--", "stat", "-c%a %G", "/etc/hello-pi/env")
    )
    assert given.returncode == 0, given.stderr
    assert "Hello, it's $HOME" in given.stdout
    assert given.stdout.endswith("640 hello-pi\n")


def test_an_error_of_the_app_is_shown_at_once(hello: Path) -> None:
    done = ran(debonair_try(hello, "-e", "TOKEN=broken"))
    assert done.returncode == 10
    assert (
        "The health page answers 500 BROKEN; apt waits for it to become healthy.\n  Hello, broken\n"
        in done.stderr
    )
    assert done.stderr.index("The health page answers 500") < done.stderr.index("apt-get install /srv/")
    assert "hello-pi 1.0-1+deb13 was refused: / answers 500" in done.stderr
    assert "the token is broken" in done.stderr


def test_an_upgrade_under_load_and_a_broken_release(
    guestbook: Path, build: Builder, tmp_path: Path
) -> None:
    project = shutil.copytree(CHECKOUT / "examples/guestbook", tmp_path / "guestbook")
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text().replace('version = "1.0"', 'version = "1.1"'))
    page = project / "guestbook/templates/index.html"
    page.write_text(page.read_text().replace("<h1>Guest book", "<h1>Second edition"))
    argv = debonair_try(build(project, "trixie-amd64"), "--upgrade-from", guestbook, "--break")
    done = ran(argv)
    assert done.returncode == 0, done.stderr
    before, after, kept = re.findall(
        r"guestbook (\S+) is served:\n  GET \S+ -> 200 OK\n  (.*)\n", done.stdout
    )
    assert before == ("1.0-1+deb13", "Guest book")
    assert after == ("1.1-1+deb13", "Second edition")
    assert kept == ("1.1-1+deb13", "(the same page as before)")
    counts = re.findall(r"([\d,]+) requests, 0 failed", done.stdout)
    assert len(counts) == 2
    assert all(int(count.replace(",", "")) > 50 for count in counts)
    assert "  guestbook: 1.1.broken-1+deb13 was refused; 1.1-1+deb13 keeps serving.\n" in done.stdout
    assert "RuntimeError: Broken on purpose by debonair try" in done.stdout
    alone = ran([*CONTAINED, *argv])
    assert alone.returncode == 9
    assert "An upgrade under load needs a Debian with systemd" in alone.stderr


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_a_port_leads_there_until_it_is_told_to_end(guestbook: Path, told: signal.Signals) -> None:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    # a shell's background job, which this may be part of, ignores Ctrl-C, and so does what it starts
    argv = ["env", "--default-signal=INT", *debonair_try(guestbook, "--keep", "--port", str(port))]
    with started(argv) as shown:
        assert shown.stderr
        try:
            while (
                "It runs until you press Ctrl-C. To open a shell in it, type in another terminal of "
                "the same user"
            ) not in (line := shown.stderr.readline()):
                assert line, "it ended too early"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/style.css", timeout=10) as page:
                assert page.headers["Content-Type"] == "text/css"
                assert b"color-scheme" in page.read()
            shown.send_signal(told)
            assert "The trial has ended and leaves nothing on this machine." in shown.stderr.read()
        finally:
            shown.kill()
    assert shown.returncode == 0
    assert left_by(shown.pid) == []


def boots(pid: int) -> bool:
    return any(words.startswith("systemd-nspawn") for words in left_by(pid))


def runs_a_command(pid: int) -> bool:
    return "sleep 7531" in below(pid)


def below(pid: int) -> list[str]:
    """Return the command lines of everything that a process started, at any depth."""
    found: list[str] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                words = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ").strip()
                found += [words, *below(int(child))]
    return found


@pytest.mark.parametrize("whole", [True, False], ids=["as a terminal", "alone"])
@pytest.mark.parametrize(("waits", "words"), [(boots, []), (runs_a_command, ["--", "sleep", "7531"])])
def test_an_interrupted_trial_leaves_nothing(
    guestbook: Path, waits: Callable[[int], bool], words: list[str], *, whole: bool
) -> None:
    argv = ["env", "--default-signal=INT", *debonair_try(guestbook, *words)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0
    ) as shown:
        try:
            deadline = time.monotonic() + 120
            while not waits(shown.pid):
                assert shown.poll() is None, shown.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            os.kill(-shown.pid if whole else shown.pid, signal.SIGINT)
            _, stderr = shown.communicate(timeout=10)
        finally:
            shown.kill()
    # A command may end by the terminal's signal itself; its status is then that of the trial.
    assert shown.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert left_by(shown.pid) == []


def test_a_killed_debonair_leaves_nothing_running(guestbook: Path) -> None:
    argv = debonair_try(guestbook, "--keep")
    with started(argv) as shown:
        assert shown.stderr
        while (
            "It runs until you press Ctrl-C. To open a shell in it, type in another terminal of the "
            "same user"
        ) not in (line := shown.stderr.readline()):
            assert line, "it ended too early"
        during = left_by(shown.pid)
        shown.kill()
    (folder,) = (Path(each) for each in during if Path(each).is_dir())
    assert any("systemd-nspawn" in each for each in during)
    deadline = time.monotonic() + 10
    while left_by(shown.pid) != [str(folder)] and time.monotonic() < deadline:
        time.sleep(0.05)
    # nobody was left to remove the folder of its logs
    assert left_by(shown.pid) == [str(folder)]
    shutil.rmtree(folder)
