"""What somebody in the network, or a page in the browser of somebody there, tries at a Pi's port 80."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.machine import Reply

pytestmark = pytest.mark.boot

PAGE = "a page of the app"
APPS = {"visited": "localhost", "spoken": "spoken.test"}
"""By app: a name by which its owner calls it. uWSGI serves the first, the second has its own server."""
SCHEME = (
    *("X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Ssl"),
    *("X-Scheme", "X-Url-Scheme", "Front-End-Https", "X-ARR-SSL", "CloudFront-Forwarded-Proto"),
)
ADDRESS = (
    *(
        "X-Forwarded-For",
        "X-Real-IP",
        "Forwarded",
        "X-Forwarded",
        "Forwarded-For",
        "X-Client-IP",
        "Client-IP",
    ),
    *(
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "CF-Connecting-IPv6",
        "Fastly-Client-IP",
    ),
    *("X-Original-Forwarded-For", "X-Original-For", "X-ProxyUser-Ip", "Fly-Client-IP", "X-Remote-Addr"),
    *(
        "X-Remote-IP",
        "X-Originating-IP",
        "X-Envoy-External-Address",
        "X-Azure-ClientIP",
        "WL-Proxy-Client-IP",
    ),
)
PLACE = (
    *(
        "X-Forwarded-Host",
        "X-Forwarded-Server",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Path",
    ),
    *("X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Base", "X-Forwarded-By", "X-Forwarded-Context"),
    *(
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Original-URI",
        "X-Original-Host",
        "X-Original-Method",
        "X-Host",
    ),
    *(
        "X-HTTP-Host-Override",
        "X-Script-Name",
        "Script-Name",
        "X-SendFile-Type",
        "X-Accel-Mapping",
        "Proxy",
    ),
)
WHO = (
    *("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username"),
    *("Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name", "X-Remote-User", "X-Remote-Groups"),
    *("X-WebAuth-User", "X-Auth-Request-User", "X-Auth-Request-Email", "X-Authenticated-User"),
    *(
        "X-authentik-username",
        "X-authentik-groups",
        "Tailscale-User-Login",
        "Cf-Access-Authenticated-User-Email",
    ),
    *("X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "X-SSL-Client-Verify", "X-SSL-Client-S-DN"),
    *("X-SSL-Client-Cert", "X-Client-Cert", "X-Client-Verify", "SSL-Client-Verify"),
    *(
        "X-Goog-Authenticated-User-Email",
        "X-Goog-Iap-Jwt-Assertion",
        "X-Amzn-Oidc-Identity",
        "X-Amzn-Oidc-Data",
    ),
    *(
        "X-Ms-Client-Principal",
        "X-Ms-Client-Principal-Name",
        "X-Vouch-User",
        "X-Token-User-Email",
        "X-User",
    ),
    *(
        "X-Email",
        "X-Auth-Username",
        "X-Pomerium-Jwt-Assertion",
        "X-Pomerium-Claim-Email",
        "Ssl-Client-Cert",
    ),
    *("X-Tls-Client-Cert", "X-Envoy-Original-Path", "Client-Cert", "SM-User", "Cf-Access-Jwt-Assertion"),
)
PUBLIC = (
    *(
        "evil.example.com",
        "evil.example.com:80",
        "evil.example.com.",
        "EVIL.EXAMPLE.COM",
        "192.168.1.5.evil.com",
    ),
    *(
        "1.2.3.4.nip.io",
        "127-0-0-1.evil.com",
        "localhost.evil.com",
        "raspberrypi.local.evil.com",
        "notfritz.box",
    ),
    *("pi.local.evil.com", "fritz.box.evil.com", "home.arpa.evil.com", "pi.homelocal.com", "a.xlocal.dev"),
    *("xn--pi-local-9ta.com", "127.0.0.1.evil.com:80", "1.2.3.4.com", "evil.box"),
)
OWN = (
    *(
        "127.0.0.1",
        "192.168.1.20",
        "192.168.1.20:8080",
        "[::1]",
        "[fe80::1]:80",
        "[::ffff:10.0.0.1]",
        "localhost",
    ),
    *("raspberrypi", "RaspberryPi.LOCAL", "pi.local.", "pi.lan", "pi.home", "pi.home.arpa", "pi.fritz.box"),
    *("pi.internal", "pi.localdomain", "pi.intranet", "a.b.localhost", "visited.test"),
)


def ask(machine: Container, app: str, page: str = "/", *headers: str) -> Reply:
    """Ask an app by its name, with more headers as they go over the wire."""
    options = [word for header in headers for word in ("--header", header)]
    return machine.get(page, headers={"Host": APPS[app]}, options=options)


def told(found: Reply) -> dict[str, str]:
    assert found.text.startswith(PAGE), found
    return dict(line.partition("=")[::2] for line in found.text.splitlines()[1:])


def raw(machine: Container, request: str) -> str:
    """Send bytes to port 80 as they are; return what comes back."""
    program = (
        "import socket,sys\nwith socket.create_connection(('127.0.0.1',80),30) as one:\n"
        " one.sendall(sys.stdin.buffer.read())\n"
        " while part := one.recv(65536): sys.stdout.write(part.decode('latin-1'))\n"
    )
    return machine.run(["python3", "-c", program], stdin=request.encode("latin-1")).stdout


@pytest.mark.parametrize("app", APPS)
class TestForged:
    @pytest.mark.parametrize("name", SCHEME)
    def test_seems_to_come_over_https(self, machine: Container, app: str, name: str) -> None:
        before = told(ask(machine, app))
        for value in ("https", "on", "https, http"):
            for sent in (name, name.lower(), name.replace("-", "_"), name.replace("-", "_", 1)):
                seen = told(ask(machine, app, "/", f"{sent}: {value}"))
                assert seen.get("wsgi.url_scheme", "http") == "http", sent
                assert {**seen, "REMOTE_PORT": ""} == {**before, "REMOTE_PORT": ""}, sent

    @pytest.mark.parametrize("name", [*ADDRESS, *PLACE, *WHO])
    def test_seems_to_be_another(self, machine: Container, app: str, name: str) -> None:
        before = told(ask(machine, app))
        for sent in (name, name.upper(), name.replace("-", "_")):
            seen = told(ask(machine, app, "/", f"{sent}: 10.9.8.7", f"{sent}: 10.9.8.6"))
            assert {**seen, "REMOTE_PORT": ""} == {**before, "REMOTE_PORT": ""}, sent

    def test_the_app_is_told_what_is_so(self, machine: Container, app: str) -> None:
        seen = told(ask(machine, app))
        assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert seen["HTTP_X_REAL_IP"] == "127.0.0.1"
        assert seen["HTTP_X_FORWARDED_PROTO"] == "http"
        assert seen["HTTP_X_FORWARDED_HOST"] == seen["HTTP_HOST"] == APPS[app]


def test_seems_to_come_over_https_where_the_owner_lets_underscores_pass(machine: Container) -> None:
    machine.write("/etc/nginx/conf.d/underscores.conf", b"underscores_in_headers on;\n")
    machine.run(["systemctl", "reload", "nginx"])
    try:
        machine.run(["sleep", "1"])
        for name in (*SCHEME, *ADDRESS, *PLACE, *WHO):
            for sent in (name.replace("-", "_"), name.replace("-", "_", 1)):
                assert "https.forged" not in ask(machine, "visited", "/", f"{sent}: https.forged").text, (
                    sent
                )
        assert "HTTP_X_OTHER=forged" in ask(machine, "visited", "/", "X_Other: forged").text
    finally:
        machine.run(["rm", "/etc/nginx/conf.d/underscores.conf"])
        machine.run(["systemctl", "reload", "nginx"])


class TestDnsRebinding:
    """A stranger's page, whose name leads to the Pi by now, reads the app with a visitor's browser."""

    @pytest.mark.parametrize("name", PUBLIC)
    def test_reads_the_page(self, machine: Container, name: str) -> None:
        found = machine.get(headers={"Host": name})
        assert PAGE not in found.text
        assert found.status in {400, 421}

    def test_reads_the_page_where_debians_own_site_is_gone(self, machine: Container) -> None:
        """What no site is named for goes to the first that nginx meets."""
        asked = ("GET / HTTP/1.1\r\nHost: {}\r\n", "GET http://{}/ HTTP/1.1\r\nHost: spoken.test\r\n")
        with without_debians_site(machine):
            for line in [each.format(name) for name in PUBLIC for each in asked] + ["GET / HTTP/1.0\r\n"]:
                assert PAGE not in raw(machine, f"{line}Connection: close\r\n\r\n"), line
            assert PAGE in raw(machine, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    def test_one_message_says_to_the_owner_what_to_do(self, machine: Container) -> None:
        found = machine.get("/any/page", headers={"Host": "pi.example.org"})
        assert found.status == 421
        assert found.headers["content-type"].startswith("text/plain")
        for words in ("pi.example.org", "/etc/nginx/sites-available/visited", "systemctl reload nginx"):
            assert words in found.text
        site = str(machine.read("/etc/nginx/sites-available/visited"))
        machine.write(
            "/etc/nginx/sites-available/visited",
            site.replace("server_name ", "server_name pi.example.org ", 1).encode(),
        )
        machine.run(["systemctl", "reload", "nginx"])
        deadline = time.monotonic() + 20
        while machine.get(headers={"Host": "pi.example.org"}).status != 200:
            assert time.monotonic() < deadline
        assert machine.get(headers={"Host": "www.pi.example.org"}).status == 421
        machine.write("/etc/nginx/sites-available/visited", site.encode())
        machine.run(["systemctl", "reload", "nginx"])

    @pytest.mark.parametrize("name", OWN)
    def test_who_is_at_home_needs_no_setting(self, machine: Container, name: str) -> None:
        assert PAGE in machine.get(headers={"Host": name}).text

    def test_the_machines_own_name_is_answered(self, machine: Container) -> None:
        name = machine.run(["uname", "-n"]).stdout.strip()
        assert PAGE in machine.get(headers={"Host": name}).text


@contextmanager
def without_debians_site(machine: Container) -> Iterator[None]:
    machine.run(["mv", "/etc/nginx/sites-enabled/default", "/srv/default"])
    machine.run(["systemctl", "reload", "nginx"])
    time.sleep(0.3)
    yield
    machine.run(["mv", "/srv/default", "/etc/nginx/sites-enabled/default"])
    machine.run(["systemctl", "reload", "nginx"])


HOLD = """
import resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (10000, 10000))
asks = b"POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 9999\\r\\n\\r\\n"
held = []
for number in range(2500):
    one = socket.socket()
    one.bind(("192.0.2.7", 0))
    one.settimeout(0.2)
    try:
        one.connect(("127.0.0.1", 80))
        one.sendall(asks)
    except OSError:
        pass
    held.append(one)
print("held", flush=True)
for _ in range(60):
    for one in held:
        try:
            one.send(b"x")
        except OSError:
            pass
    time.sleep(1)
"""
"""Opens far more requests than nginx has connections for, and sends of each a byte a second."""


@pytest.fixture
def crowd(machine: Container) -> Iterator[None]:
    """Somebody in the network holds all the requests that they can."""
    for address in ("192.0.2.7", "192.0.2.8"):
        machine.run(["ip", "address", "add", f"{address}/32", "dev", "lo"])
    machine.write("/srv/hold.py", HOLD.encode())
    machine.run(["systemd-run", "--quiet", "--unit=hold", "python3", "/srv/hold.py"])
    deadline = time.monotonic() + 120
    while "held" not in machine.run(["journalctl", "--output=cat", "--unit=hold"]).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    yield
    machine.run(["systemctl", "stop", "hold"], check=False)
    for address in ("192.0.2.7", "192.0.2.8"):
        machine.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"])


@pytest.mark.usefixtures("crowd")
def test_holds_all_connections(machine: Container) -> None:
    """Nobody is kept out for longer than nginx needs to send the crowd away, which goes on meanwhile."""
    again = ("--retry", "20", "--retry-all-errors", "--retry-delay", "1", "--retry-max-time", "25")
    for other in ("192.0.2.8", "127.0.0.1"):
        assert machine.get(options=[*again, "--interface", other], timeout=20).status == 200
    found = machine.get(options=["--interface", "192.0.2.7"], timeout=20)
    assert found.status == 429


def test_who_reads_much_at_once_is_served(machine: Container) -> None:
    """A browser opens six connections for a page, and one more for each event stream."""
    asks = "for n in $(seq 40); do curl --silent --interface 192.0.2.9 'http://127.0.0.1/?0.2' & done; wait"
    machine.run(["ip", "address", "add", "192.0.2.9/32", "dev", "lo"])
    assert machine.run(["sh", "-c", asks], timeout=120).stdout.count(PAGE) == 40
