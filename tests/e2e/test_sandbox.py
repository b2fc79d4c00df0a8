"""What an app that was broken into can do on the machine that it runs on, which is little."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from debians import EXAMPLES, Boot, Builder

from debonair import trial
from debonair.debian.rootfs import namespace
from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.machine import services
from debonair.host import run

pytestmark = pytest.mark.boot

INTRUDER = Path(__file__).parent / "intruder"
CODE = "/usr/lib/intruder/current/app"
EXPOSURE = 1.1
EXPOSURE_WITH_HARDWARE = 1.2
SOCKETS = "/run/intruder/sockets/web"
OUTSIDE = ("setpriv", "--reuid=intruder", "--regid=intruder", "--clear-groups")
"""The words that run a command as the app's user, and not in its sandbox."""
REFUSED = ("EACCES", "EROFS", "EPERM")

Ask = Callable[..., str]


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def machine(
    request: pytest.FixtureRequest, boot: Boot, build: Builder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    """A Debian with every example, and the intruder: as such, without network (hermit), with gpio."""
    hermit = variant("hermit", tmp_path_factory, "[service]\n", "[service]\nnetwork = false\n")
    maker = variant("maker", tmp_path_factory, "health =", 'hardware = ["gpio"]\nhealth =')
    with boot(request.param) as booted:
        for project in (INTRUDER, hermit, maker, *examples()):
            trial.install(boot.bed, booted, build(project, f"{request.param}-amd64"))
        yield booted


def variant(name: str, folders: pytest.TempPathFactory, old: str, new: str) -> Path:
    """Return a copy of the intruder under another name, its settings changed."""
    folder = shutil.copytree(INTRUDER, folders.mktemp(name) / name)
    config = folder / "debonair.toml"
    text = config.read_text().replace("intruder", name)
    assert old in text
    config.write_text(text.replace(old, new))
    return folder


def examples() -> list[Path]:
    """Every example that is a service."""
    files = (path for name in ("pyproject", "debonair") for path in EXAMPLES.glob(f"*/{name}.toml"))
    return sorted(path.parent for path in files if re.search("^wsgi = ", path.read_text(), re.MULTILINE))


@pytest.fixture
def ask(machine: Container) -> Ask:
    """Let the app try something by its page of that name: ``ask("read", "/etc/passwd")``."""

    def ask(page: str, argument: str = "", *, app: str = "intruder") -> str:
        reply = machine.get(f"/{page}?{quote(argument)}", headers={"Host": f"{app}.test"})
        return reply.text if reply.status == 200 else str(reply.status)

    return ask


def packages(machine: Container) -> list[str]:
    found = machine.run(["find", "/usr/lib", "-path", "/usr/lib/*/dist/release.json"]).stdout.split()
    return sorted(Path(path).parents[1].name for path in found)


def test_exposure(machine: Container, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {}
    for package in packages(machine):
        status = machine.run([package, "status"], check=False)
        assert status.status == 0, status
        for unit in services(machine, package):
            ended = machine.run(["systemctl", "show", "-P", "Type", unit]).stdout.strip() == "oneshot"
            assert ended or machine.run(["systemctl", "is-active", "-q", unit], check=False).status == 0, (
                unit
            )
            output = machine.run(["systemd-analyze", "security", "--no-pager", unit]).stdout
            found = re.search(r"Overall exposure level for .*: ([\d.]+)", output)
            assert found, output
            figures[unit] = float(found[1])
    with capsys.disabled():
        sys.stdout.write(f"\nsystemd-analyze security, {machine.suite}:\n")
        sys.stdout.writelines(f"  {figure}  {unit}\n" for unit, figure in figures.items())
    assert len(figures) >= len(examples()) + 2 * len(("the web processes", "a worker", "a timer's command"))
    assert max(figure for unit, figure in figures.items() if not unit.startswith("maker")) <= EXPOSURE
    assert max(figures.values()) <= EXPOSURE_WITH_HARDWARE
    assert figures["hermit.service"] < figures["intruder.service"] / 2


def test_it_cannot_write_its_own_code(machine: Container, ask: Ask) -> None:
    installed = machine.read(f"{CODE}/app.py")
    for path in (f"{CODE}/app.py", "/usr/lib/intruder/libexec/switch.py", f"{CODE}/../emperor.ini"):
        assert ask("read", path).startswith("OK")
        assert ask("write", path) in REFUSED
    for folder in (CODE, "/usr/lib/intruder", "/usr/lib/intruder/releases"):
        assert ask("make", f"{folder}/more.py") == "EROFS"
    # not even where it is the owner, who could write if it were not for the sandbox
    machine.run(["chown", "intruder", CODE, f"{CODE}/app.py"])
    machine.run([*OUTSIDE, "touch", f"{CODE}/app.py", f"{CODE}/outside.py"])
    assert machine.run(["intruder", "run", "touch", f"{CODE}/run.py"], check=False).status != 0
    assert ask("write", f"{CODE}/app.py") == "EROFS"
    assert ask("make", f"{CODE}/inside.py") == "EROFS"
    assert machine.read(f"{CODE}/app.py") == installed


def test_it_cannot_read_what_belongs_to_another_app(machine: Container, ask: Ask) -> None:
    assert machine.get("/", headers={"Host": "any.test"}).status == 200  # the guest book has its database
    for path in ("/var/lib/guestbook/guestbook.sqlite3", "/etc/guestbook/env"):
        assert machine.run(["test", "-s", path], check=False).status == 0
        assert ask("read", path) == "EACCES"
    for folder in ("/var/lib/guestbook", "/run/guestbook", "/etc/guestbook"):
        assert machine.run(["test", "-d", folder], check=False).status == 0
        # the name of its file is no secret, what is in it is
        assert ask("names", folder) in (*REFUSED, "ENOENT", "OK env")
    for kind in ("sock", "stats"):
        socket = f"/run/guestbook/sockets/web/app.{kind}"
        assert machine.run(["test", "-S", socket], check=False).status == 0
        assert ask("connect", socket) == "ENOENT"
    assert ask("read", "/etc/intruder/env").startswith("OK # Variables")
    assert ask("names", "/var/lib/intruder").startswith("OK")


def test_it_cannot_see_the_processes_of_others(machine: Container, ask: Ask) -> None:
    listed = machine.run(["find", "/proc", "-maxdepth", "1", "-user", "intruder", "-printf", "%f "])
    seen = {name for name in ask("names", "/proc").split() if name.isdigit()}
    others = [machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout.strip()]
    if machine.suite == "bookworm":
        assert seen
        assert seen <= set(listed.stdout.split())
        others.append("1")
    else:  # there it has ids of its own: the first is its emperor
        assert "1" in seen
        assert len(seen) <= len(listed.stdout.split())
        assert "intruder emperor" in ask("read", "/proc/1/cmdline")
    for pid in others:
        assert ask("read", f"/proc/{pid}/environ") == "ENOENT"
        assert ask("read", f"/proc/{pid}/cmdline") == "ENOENT"
        assert ask("end", pid) == ("EPERM" if machine.suite == "bookworm" else "ESRCH")
    # systemd would tell whoever asks it by the message bus
    assert ask("connect", "/run/dbus/system_bus_socket") == "ENOENT"
    assert "nginx" not in ask("run", "systemctl+status+nginx").partition("system scope bus")[0]
    if machine.suite != "bookworm":  # whose systemd can only forbid to write there
        assert ask("read", "/sys/fs/cgroup/system.slice/nginx.service/cgroup.procs") == "ENOENT"


def test_it_cannot_gain_privileges(machine: Container, ask: Ask) -> None:
    found = dict(line.split("\t", 1) for line in ask("privileges").removeprefix("OK ").splitlines())
    assert (found["NoNewPrivs:"], found["Seccomp:"]) == ("1", "2")
    assert {int(found[f"Cap{name}:"], 16) for name in ("Eff", "Prm", "Bnd")} == {0}
    machine.run(["install", "-m", "4755", "/usr/bin/id", "/srv/become"])
    assert "euid=0(root)" in machine.run([*OUTSIDE, "/srv/become"]).stdout
    assert "euid" not in machine.run(["intruder", "run", "/srv/become"]).stdout
    inside = ask("run", "/srv/become")
    assert inside.startswith("OK 0 uid=")
    assert "euid" not in inside
    assert ask("become", "0") == "EPERM"
    assert ask("mount", "/tmp") == "EPERM"
    for place in ("/tmp", "/var/lib/intruder", SOCKETS):
        assert ask("make", f"{place}/plain").startswith("OK")
        assert ask("mode", f"{place}/for-others") == "EPERM"


def test_it_cannot_write_elsewhere(machine: Container, ask: Ask) -> None:
    site = "/etc/nginx/sites-available/intruder"
    for path in ("/etc/passwd", site, "/etc/intruder/env"):
        assert ask("write", path) in REFUSED
    for folder in (
        "/etc",
        "/etc/nginx/sites-enabled",
        "/etc/systemd/system",
        "/etc/intruder",
        "/usr/bin",
        "/srv",
    ):
        assert ask("make", f"{folder}/intruder-was-here") == "EROFS"
    machine.run(["install", "-d", "-o", "intruder", "/etc/for-it"])
    machine.run([*OUTSIDE, "touch", "/etc/for-it/outside"])
    assert ask("make", "/etc/for-it/inside") == "EROFS"
    for folder in ("/home", "/root"):
        assert ask("names", folder) in REFUSED
    skipped = [word for name in ("proc", "sys", "dev") for word in ("-path", f"/{name}", "-prune", "-o")]
    words = ["find", "/", *skipped, "-type", "d", "-writable", "-print"]
    listed = set(ask("run", "+".join(words)).split()) - {"OK", "1"}
    roots = {path for path in listed if path.startswith("/") and str(Path(path).parent) not in listed}
    assert roots == {"/tmp", "/var/tmp", "/var/lib/intruder", SOCKETS}


def test_without_network_it_serves_and_reaches_nobody(ask: Ask) -> None:
    assert ask("connect", "127.0.0.1:80") == "OK "
    assert ask("connect", "127.0.0.1:80", app="hermit") == "EAFNOSUPPORT"
    assert ask("names", "/sys/class/net", app="hermit") == "OK lo"


def test_a_credential_reaches_it_and_its_file_does_not(machine: Container, ask: Ask) -> None:
    secret = "/etc/intruder/credentials/api-key"
    machine.run(["install", "-d", "-m", "0700", str(Path(secret).parent)])
    machine.write(secret, b"a secret", mode=0o600)
    dropped = f"[Service]\nLoadCredential=api-key:{secret}\n"
    machine.write("/etc/systemd/system/intruder.service.d/credentials.conf", dropped.encode())
    machine.run(["systemctl", "daemon-reload"])
    machine.run(["intruder", "restart"])
    trial.healthy(machine, "intruder", trial.Site("/well", "intruder.test"))
    folder = ask("variable", "CREDENTIALS_DIRECTORY").removeprefix("OK ")
    assert ask("read", f"{folder}/api-key") == "OK a secret"
    assert ask("read", f"{folder}/api-key", app="hermit") in (*REFUSED, "ENOENT")
    assert ask("read", secret) == "EACCES"
    assert ask("write", f"{folder}/api-key") in REFUSED


def log_of(machine: Container, pages: Callable[[], None]) -> str:
    """Start the intruder anew, visit ``pages``, and return what it wrote to the journal meanwhile."""
    # No memory cgroup is at work here: the container has no such controller, like Raspberry Pi OS.
    assert "memory" not in str(machine.read("/sys/fs/cgroup/cgroup.controllers")).split()
    machine.run(["intruder", "restart"])
    trial.healthy(machine, "intruder", trial.Site("/well", "intruder.test"))
    time.sleep(2)  # uWSGI does not replace a worker that has just been started
    began = int(time.time())
    pages()
    machine.run(["journalctl", "--sync"])
    log = ["journalctl", "--unit=intruder", f"--since=@{began}", "--output=cat", "--no-pager"]
    return machine.run(log).stdout


def test_a_worker_that_grows_is_replaced(machine: Container, ask: Ask) -> None:
    answers: list[str] = []  # each says which worker it was, of two

    def grow() -> None:
        deadline = time.monotonic() + 30
        while len(set(answers)) < 3:
            assert time.monotonic() < deadline, "no worker was replaced"
            answers.append(ask("grow", "10"))
            time.sleep(0.1)

    log = log_of(machine, grow)
    if machine.suite == "bookworm":  # whose uWSGI would lose requests if it did so in good order
        assert "EVIL RELOAD ON WORKER" in log
    else:
        assert "The work of process" in log
        assert all(answer.startswith("OK ") for answer in answers)
    assert ask("well").startswith("OK")


# uWSGI 2.0.21 looks for such workers far less often, and says so late.
@pytest.mark.parametrize("machine", ["trixie"], indirect=True)
def test_a_worker_that_takes_more_than_its_share_is_ended(machine: Container, ask: Ask) -> None:
    answers: list[str] = []
    log = log_of(machine, lambda: answers.append(ask("hoard", "150")))
    assert answers == ["503"]
    assert "EVIL RELOAD ON WORKER" in log
    assert ask("well").startswith("OK")


def test_the_devices_that_it_asked_for_open_and_no_others(machine: Container, ask: Ask) -> None:
    # stand-ins: what is asked of a null device is done at once
    for name, group in (("gpiochip0", "gpio"), ("spidev0.0", "spi"), ("kept", "root")):
        machine.run(["sh", "-c", 'getent group "$0" >/dev/null || groupadd --system "$0"', group])
        # Root inside is not this machine's, who alone can make devices.
        outside = [*machine.network[:3], "-m", "--"]
        make = f'mknod "$0" c 1 3 && chmod 0660 "$0" && chown {namespace.first()}:{namespace.first()} "$0"'
        run.run([*outside, "sh", "-c", make, f"/dev/{name}"])
        machine.run(["chgrp", group, f"/dev/{name}"])
    assert machine.run(["id", "-Gn", "maker"]).stdout.split() == ["maker", "gpio"]
    machine.run(["systemctl", "restart", "maker"])  # it started while there was none, which kept nobody
    trial.healthy(machine, "maker", trial.Site("/well", host="maker.test"))
    assert ask("write", "/dev/gpiochip0", app="maker") == "OK "
    for device in ("/dev/spidev0.0", "/dev/kept"):
        assert ask("write", device, app="maker") == "EACCES"
    assert ask("read", "/proc/cpuinfo", app="maker").startswith("OK")
    assert "gpiochip0" in ask("names", "/dev", app="maker")
    assert "gpiochip0" not in ask("names", "/dev")  # who has asked for nothing sees none of them
    assert ask("read", "/proc/cpuinfo") == "ENOENT"
    assert "gpio" in str(machine.read("/usr/lib/udev/rules.d/60-maker.rules"))
