"""What belongs to the admin of a Pi stays as it is, whatever the package's releases change."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debians import EXAMPLES, Boot, Builder

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

NAME = "guestbook.test"
SITE = "/etc/nginx/sites-available/guestbook"
CERTIFICATE, KEY = "/etc/ssl/guestbook.pem", "/etc/ssl/guestbook.key"

RELEASES = {
    "1.1": "",
    "1.2": '[tool.debonair.nginx]\nclient-max-body-size = "3m"',
    "1.3": f'[tool.debonair.nginx]\nserver-name = "{NAME} other.test"\nlisten = ["8080", "80"]',
    "1.4": "[tool.debonair.service]\ncpu-weight = 50",
    "1.5": "[tool.debonair.uwsgi]\nprocesses = 1",
}
"""Each release after the first, and what it changes: nothing, the included part of the site, the site's own
file, the unit, the vassal."""


@dataclass(frozen=True)
class Book:
    """Builds releases of a guest book that say on their page which one they are, and a variable."""

    build: Builder
    folder: Path

    def __call__(self, version: str, changes: str = "") -> Path:
        project = shutil.copytree(EXAMPLES / "guestbook", self.folder / version)
        config = project / "pyproject.toml"
        text = re.sub(r"(?m)^version = .*", f'version = "{version}"', config.read_text())
        if "server-name" not in changes:
            table = "[tool.debonair.nginx]\n"
            changes = f'{table}server-name = "{NAME}"\n' + changes.removeprefix(table)
        config.write_text(f"{text}\n{changes}\n")
        page = project / "guestbook/templates/index.html"
        heading = f"<h1>Book {version}</h1><p>{{{{ config.GREETING }}}}</p>"
        page.write_text(re.sub("<h1>.*</h1>", heading, page.read_text()))
        code = project / "guestbook/__init__.py"
        line = "    app.teardown_appcontext("
        greeting = '    app.config["GREETING"] = os.environ.get("GREETING", "")\n'
        code.write_text(code.read_text().replace(line, greeting + line))
        return self.build(project, "trixie-amd64")


@pytest.fixture
def book(build: Builder, tmp_path: Path) -> Book:
    return Book(build, tmp_path)


@pytest.fixture
def machine(boot: Boot, book: Book) -> Iterator[Container]:
    """A trixie that serves the first release."""
    with boot("trixie") as booted:
        trial.install(boot.bed, booted, book("1.0"))
        yield booted


def install_certbot(boot: Boot, machine: Container) -> None:
    """Install certbot, make a certificate, and let certbot put it into the site.

    There is no authority to ask in a container, and certbot's part of interest is what it does to the
    site: that is its plugin for nginx, which does the same with a certificate of one's own.
    """
    packages = ["certbot", "python3-certbot-nginx", "openssl"]
    boot.bed.stock(machine, *packages)
    machine.run(["apt-get", "install", "--yes", *packages])
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    make += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    machine.run([*make, "-keyout", KEY, "-out", CERTIFICATE])
    install = ["certbot", "install", "--nginx", "--non-interactive", "--redirect", "--domain", NAME]
    install += ["--cert-path", CERTIFICATE, "--fullchain-path", CERTIFICATE, "--key-path", KEY]
    done = machine.run(install)
    assert f"Successfully deployed certificate for {NAME}" in done.stdout


def get(machine: Container, url: str) -> str:
    """Return what is answered to a browser that trusts the admin's certificate and no other."""
    found = [word for port in (80, 443) for word in ("--resolve", f"{NAME}:{port}:127.0.0.1")]
    return machine.run(["curl", "--silent", "--show-error", "--cacert", CERTIFICATE, *found, url]).stdout


def left_lying(machine: Container) -> list[str]:
    """The copies by which dpkg and ucf keep what they could not decide on."""
    words = ["find", "/etc", "/usr", "/var/lib/guestbook", "-xdev", "-regextype", "egrep", "-regex"]
    return machine.run([*words, r".*\.(dpkg|ucf)-[a-z]+"]).stdout.split()


def upgrade(machine: Container, deb: Path) -> str:
    """Install ``deb`` as an unattended machine does, and return what was said."""
    machine.copy_in(deb, f"/srv/{deb.name}")
    done = machine.run(["apt-get", "install", "--yes", f"/srv/{deb.name}"], timeout=120)
    return done.stdout + done.stderr


def settle(machine: Container) -> list[str]:
    """Write what an admin may write besides the site, and return the files."""
    machine.run(["guestbook", "env", "set", "GREETING=from the admin"])
    machine.run(["sh", "-c", "echo '# a note of the admin' >>/etc/guestbook/env"])
    machine.write("/etc/guestbook/vassal.ini", b"[uwsgi]\nprocesses = 3\n")
    dropped = b"[Service]\nCPUWeight=77\nReadOnlyPaths=-/srv/admin\n"
    machine.run(["systemctl", "edit", "--stdin", "guestbook.service"], stdin=dropped)
    machine.run(["guestbook", "restart"])
    return [
        "/etc/guestbook/env",
        "/etc/guestbook/vassal.ini",
        *machine.run(["find", "/etc/systemd/system/guestbook.service.d", "-type", "f"]).stdout.split(),
    ]


def test_what_an_admin_and_certbot_wrote_outlives_five_upgrades(
    machine: Container, boot: Boot, book: Book
) -> None:
    install_certbot(boot, machine)
    assert "listen 443 ssl; # managed by Certbot" in str(machine.read(SITE))
    files = [SITE, *settle(machine)]
    assert len(files) == 4

    def written() -> str:
        return machine.run(["sh", "-c", 'stat -c "%n %U %G %a" "$@" && cat "$@"', "sh", *files]).stdout

    before = written()
    for version, changes in RELEASES.items():
        output = upgrade(machine, book(version, changes))
        assert "onfiguration file" not in output  # as dpkg's question begins
        assert written() == before
        assert left_lying(machine) == []
        assert f"<h1>Book {version}</h1><p>from the admin</p>" in get(machine, f"https://{NAME}/")
        assert "301 Moved Permanently" in get(machine, f"http://{NAME}/")
        shown = machine.run(["systemctl", "show", "-P", "CPUWeight", "-P", "NeedDaemonReload", "guestbook"])
        assert shown.stdout.split() == ["77", "no"]
        status = json.loads(machine.run(["guestbook", "status", "--json"]).stdout)
        assert (status["healthy"], len(status["workers"])) == (True, 3)
        configuration = machine.run(["nginx", "-T", "-q"]).stdout  # ends with an error if it is wrong
        # what the package keeps up to date arrives behind TLS, too
        assert ("client_max_body_size 3m;" in configuration) == (version == "1.2")
        template = str(machine.read("/usr/lib/guestbook/current/nginx/site.conf"))
        assert ("listen 8080;" in template) == (version == "1.3")
    machine.run(["systemctl", "restart", "nginx"])
    assert "<h1>Book 1.5</h1>" in get(machine, f"https://{NAME}/")
