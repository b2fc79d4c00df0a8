"""Several apps on one Pi: each has an address that works, whatever comes and goes beside it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import late
import pytest
from debians import Boot, Builder
from traffic import under_load

from debonair import trial
from debonair.debian.rootfs.container import Container
from debonair.host.run import Completed

pytestmark = [pytest.mark.boot, pytest.mark.long]

SUITE = "trixie"
IP = "10.9.0.1"
ENABLED = "/etc/nginx/sites-enabled"
WHICH = "/.well-known/debonair-app"
APP = """\
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"NAME VERSION\\n"]
"""
SETTINGS = """\
package = "NAME"
version = "VERSION"
maintainer = "Ada Example <ada@example.org>"
description = "Says its name"
wsgi = "app:app"
health-timeout = 60
"""
NETWORK = (
    f"ip link add name lan type veth peer name far && ip addr add {IP}/24 dev lan && ip link set lan up \
&& ip link set far up"
)


class Apps:
    """Small apps that say their names, and the example that is loaded."""

    def __init__(self, build: Builder, folder: Path) -> None:
        self.build, self.folder = build, folder

    def __call__(self, name: str, version: str = "1.0", settings: str = "") -> Path:
        project = self.folder / f"{name}-{version}"
        project.mkdir()
        for file, text in {"app.py": APP, "debonair.toml": SETTINGS + settings}.items():
            (project / file).write_text(text.replace("NAME", name).replace("VERSION", version))
        return self.build(project, f"{SUITE}-amd64")


@pytest.fixture
def apps(build: Builder, tmp_path: Path) -> Apps:
    return Apps(build, tmp_path)


@pytest.fixture
def bare(boot: Boot) -> Iterator[Container]:
    """A machine in a network of its own, at ``IP``."""
    with boot(SUITE) as machine:
        machine.run(["sh", "-c", NETWORK])
        yield machine


@pytest.fixture
def machine(boot: Boot, bare: Container) -> Container:
    """The same with Avahi, as Raspberry Pi OS has it."""
    boot.bed.stock(bare, "avahi-daemon", "avahi-utils")
    bare.run(["apt-get", "install", "--yes", "avahi-daemon", "avahi-utils"])
    return bare


def install(machine: Container, deb: Path) -> Completed:
    machine.copy_in(deb, f"/srv/{deb.name}")
    return machine.run(["apt-get", "install", "--yes", "--allow-downgrades", f"/srv/{deb.name}"])


def status(machine: Container, app: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.run([app, "status", "--json"], check=False).stdout)
    return found


def at(machine: Container, host: str, port: int = 80, path: str = "/") -> str:
    return machine.get(path, port=port, headers={"Host": host}).text.strip()


def page(machine: Container, url: str) -> str:
    """Return the page at an address that status names, to which the name in it leads."""
    words = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "20"]
    host = url.split("/")[2].partition(":")[0]
    return machine.run([*words, "--resolve", f"{host}:80:{IP}", url]).stdout.strip()


def resolves(machine: Container, name: str) -> bool:
    """Return whether Avahi finds this machine by a name, asking again for some seconds.

    In a container, Avahi answers on the loopback, too.
    """
    deadline = time.monotonic() + 30
    while True:
        found = machine.run(["avahi-resolve", "-4", "-n", name], check=False).stdout.split()
        if found[1:] or time.monotonic() > deadline:
            return bool(found[1:]) and found[1] in {IP, "127.0.0.1"}
        time.sleep(0.5)


def enabled(machine: Container) -> list[str]:
    return sorted(set(machine.run(["ls", ENABLED]).stdout.split()) - {"default"})


def active(machine: Container, unit: str) -> str:
    return machine.run(["systemctl", "is-active", unit], check=False).stdout.strip()


def failed(machine: Container) -> str:
    return machine.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout


def test_three_apps_have_addresses(machine: Container, apps: Apps) -> None:
    """``apple`` and ``zebra`` come after ``mango``, and in the alphabet before and after it."""
    told = install(machine, apps("mango")).stdout
    line = f"mango: its addresses: http://{SUITE}.local/, http://mango.local/, http://{IP}/ and http://{IP}:81/"
    assert line in told.splitlines()
    told = install(machine, apps("apple")).stdout
    assert f"apple: its addresses: http://apple.local/ and http://{IP}:82/" in told.splitlines()
    install(machine, apps("zebra"))

    # Whoever is at the machine's own address, each app has a name and a port, and status says so.
    for number, app in enumerate(("mango", "apple", "zebra"), 81):
        facts = status(machine, app)
        assert facts["problems"] == [], facts
        assert facts["healthy"] is True
        assert facts["machine"] == {"address": f"http://{SUITE}.local/", "shows": "mango"}
        assert {f"http://{app}.local/", f"http://{IP}:{number}/"} <= set(facts["addresses"])
        assert {page(machine, url) for url in facts["addresses"]} == {f"{app} 1.0"}
        assert at(machine, f"{app}.local") == at(machine, f"{IP}:{number}", number) == f"{app} 1.0"
        assert resolves(machine, f"{app}.local")
    assert "note     http://trixie.local/ shows mango" in machine.run(["zebra", "status"]).stdout
    assert enabled(machine) == ["mango", "zz01-apple", "zz01-zebra"]
    assert at(machine, IP) == at(machine, SUITE) == at(machine, f"{SUITE}.local") == "mango 1.0"
    assert machine.get("/", headers={"Host": "attacker.example"}).status == 421
    assert machine.get("/", port=82, headers={"Host": "attacker.example"}).status == 421

    # Only this machine learns which app it is.
    assert at(machine, IP, 83, WHICH) == "zebra"
    asked = ["curl", "--silent", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}"]
    assert machine.run([*asked, f"http://{IP}:83{WHICH}"]).stdout == "404"

    # The next one takes the machine's own address, and the first one gets in line behind it.
    machine.run(["apt-get", "remove", "--yes", "mango"])
    assert at(machine, IP) == "apple 1.0"
    assert active(machine, "mango.local.service") == "inactive"
    assert at(machine, IP, 83) == "zebra 1.0"
    install(machine, apps("mango", "1.1"))
    assert at(machine, IP) == "apple 1.0"
    assert at(machine, "mango.local") == at(machine, IP, 81) == "mango 1.1"

    # A new name of the machine is the aliases' too.
    machine.run(["avahi-set-host-name", "other"])
    assert resolves(machine, "zebra.local")
    assert failed(machine) == ""

    for app in ("apple", "zebra", "mango"):
        machine.run(["apt-get", "purge", "--yes", app])
        machine.run(["nginx", "-t"])
        assert active(machine, f"{app}.local.service") == "inactive"
    assert enabled(machine) == []
    assert "Welcome to nginx" in at(machine, IP)
    assert failed(machine) == ""


def assert_reachable(machine: Container, installed: Sequence[str]) -> None:
    """See that each app has a name and a port of its own, and the first one has the machine's address."""
    ports = []
    for app in installed:
        facts = status(machine, app)
        assert facts["healthy"] is True, facts
        assert facts["machine"]["shows"] == installed[0]
        assert not [warning for warning in facts["warnings"] if "shows" in warning]
        own = [url for url in facts["addresses"] if re.fullmatch(rf"http://{re.escape(IP)}:\d+/", url)]
        assert f"http://{app}.local/" in facts["addresses"]
        assert len(own) == 1, facts["addresses"]
        ports += own
        assert {page(machine, url) for url in facts["addresses"]} == {f"{app} 1.0"}
    assert len(set(ports)) == len(installed)
    assert at(machine, IP) == at(machine, f"{SUITE}.local") == f"{installed[0]} 1.0"


@pytest.mark.timeout(3000)
def test_three_apps_come_and_go_in_every_order(machine: Container, apps: Apps) -> None:
    """Each order of installation meets another order of removal; a purge frees the ports, too."""
    names = ("apple", "mango", "zebra")
    debs = {name: apps(name) for name in names}
    orders = list(permutations(names))
    for number, (coming, going) in enumerate(zip(orders, [*orders[1:], orders[0]], strict=True)):
        for app in coming:
            install(machine, debs[app])
        assert_reachable(machine, coming)
        assert all(resolves(machine, f"{app}.local") for app in names)
        left = list(coming)
        for app in going:
            machine.run(["apt-get", "purge" if number % 2 else "remove", "--yes", app])
            left.remove(app)
            if left:
                assert_reachable(machine, left)
        assert enabled(machine) == []
        assert failed(machine) == ""


def test_without_avahi_nothing_runs_and_nothing_fails(boot: Boot, bare: Container, apps: Apps) -> None:
    told = install(bare, apps("zebra")).stdout
    assert f"zebra: its addresses: http://{IP}/ and http://{IP}:81/" in told.splitlines()
    install(bare, apps("apple"))
    assert status(bare, "apple")["addresses"] == [f"http://{IP}:82/"]
    assert status(bare, "apple")["machine"] == {"address": f"http://{IP}/", "shows": "zebra"}
    assert active(bare, "apple.local.service") == "inactive"
    assert failed(bare) == ""
    # A site that somebody wrote takes the port, which status says as long as that is so.
    taken = f"http://{IP}:82/ shows a site that this package has not written (it answers 404)"
    other = f"server {{\n    listen 82;\n    server_name {IP};\n    return 404;\n}}\n"
    bare.write(f"{ENABLED}/other", other.encode())
    bare.run(["systemctl", "reload", "nginx"])
    time.sleep(2)
    facts = status(bare, "apple")
    assert facts["addresses"] == []
    assert [warning for warning in facts["warnings"] if warning.startswith(taken)], facts
    assert f"  warning  {taken}: nginx -T" in bare.run(["apple", "status"], check=False).stdout
    bare.run(["rm", f"{ENABLED}/other"])
    bare.run(["systemctl", "reload", "nginx"])
    # Avahi may come later; what it starts is confined as the app is.
    boot.bed.stock(bare, "avahi-daemon", "avahi-utils")
    bare.run(["apt-get", "install", "--yes", "avahi-daemon", "avahi-utils"])
    assert resolves(bare, "apple.local")
    assert resolves(bare, "zebra.local")
    unit = "apple.local.service"
    bare.run(["systemd-analyze", "verify", "--man=no", f"/usr/lib/systemd/system/{unit}"])
    exposure = [bare.run(["systemd-analyze", "security", each]).stdout for each in (unit, "apple.service")]
    mine, apps_own = (float(re.findall(r"level for \S+: ([0-9.]+)", text)[0]) for text in exposure)
    assert mine <= apps_own, exposure[0]
    bare.run(["systemctl", "stop", "avahi-daemon.socket", "avahi-daemon.service"])
    assert active(bare, unit) == "inactive"
    assert failed(bare) == ""


def test_two_are_upgraded_while_the_third_is_loaded(
    bare: Container, apps: Apps, build: Builder, tmp_path: Path
) -> None:
    (loaded,) = late.releases(tmp_path, build, f"{SUITE}-amd64", 1)
    late.begin(bare, loaded)
    for app in ("apple", "zebra"):
        install(bare, apps(app))
    ports = {app: status(bare, app)["addresses"][-1] for app in ("apple", "zebra")}
    with under_load(bare, seconds=300) as traffic:
        time.sleep(3)
        for app in ("apple", "zebra"):
            install(bare, apps(app, "1.1"))
            bare.run([app, "rollback"])
            bare.run([app, "rollback", "--undo"])
        time.sleep(3)
    assert traffic.answers
    assert [answer.describe() for answer in traffic.failed] == []
    assert set(traffic.served()) == {"1.0"}
    for app, url in ports.items():
        assert status(bare, app)["addresses"][-1] == url, "an upgrade keeps the port"
        assert page(bare, url) == f"{app} 1.1"


def test_the_owner_and_the_author_choose(bare: Container, apps: Apps) -> None:
    """A port that the author chose, names that the author chose, and a site that the owner has edited."""
    install(bare, apps("apple", settings='[nginx]\nlisten = ["8080"]\n'))
    install(bare, apps("mango", settings='[nginx]\nserver-name = "mango.example"\n'))
    install(bare, apps("zebra"))
    assert at(bare, IP, 8080) == "apple 1.0"
    assert status(bare, "mango")["addresses"] == ["http://mango.example/"]
    assert active(bare, "mango.local.service") == "inactive"
    listens = bare.run(["sh", "-c", "grep -h listen /etc/nginx/sites-available/[am]*"]).stdout
    assert set(listens.split()) & {"81;", "82;", "[::]:81;"} == set()
    site = "/etc/nginx/sites-available/zebra"
    mine = str(bare.read(site)).replace("81;", "9000;")
    bare.write(site, mine.encode())
    bare.run(["systemctl", "reload", "nginx"])
    install(bare, apps("zebra", "1.1"))
    assert bare.read(site) == mine
    assert f"http://{IP}:9000/" in status(bare, "zebra")["addresses"]
    assert at(bare, IP, 9000) == "zebra 1.1"


def test_a_trial_names_the_addresses(boot: Boot, apps: Apps) -> None:
    deb = apps("mango")
    with boot(SUITE) as machine:
        trial.install(boot.bed, machine, deb)
        lines = trial.addresses(machine, "mango")
    assert lines == [
        "Its addresses inside: http://127.0.0.1/, http://127.0.0.1:81/",
        "On a Pi with Avahi, it also answers at http://mango.local/.",
    ]
