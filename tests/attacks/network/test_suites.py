"""The same boundary on the other Debians, and with an owner who has a proxy before the Pi."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from debians import Boot, Builder

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = pytest.mark.boot

HERE = Path(__file__).parent
PAGE = "a page of the app"


@pytest.fixture(scope="module", params=["bookworm", "forky"])
def other(request: pytest.FixtureRequest, build: Builder) -> Iterator[Container]:
    boot = Boot()
    with boot(request.param) as booted:
        for name in ("spoken", "visited"):
            trial.install(boot.bed, booted, build(HERE / name, f"{request.param}-amd64"))
        yield booted


def told(machine: Container, host: str, *headers: str) -> dict[str, str]:
    options = [word for header in headers for word in ("--header", header)]
    found = machine.get(headers={"Host": host}, options=options)
    assert PAGE in found.text, found
    return dict(line.partition("=")[::2] for line in found.text.splitlines()[1:])


def test_nginx_has_nothing_to_say(other: Container) -> None:
    assert other.run(["nginx", "-t", "-q"]).stderr == ""


def test_reads_the_page_or_seems_to_be_another(other: Container) -> None:
    assert other.get(headers={"Host": "evil.example.com"}).status == 421
    for host in ("pi.local", "spoken.test"):
        lies = ("X-Forwarded-Proto: https", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1")
        seen = told(other, host, *lies, "X-Forwarded-Ssl: on", "X-Scheme: https", "Remote-User: ada")
        assert (seen["wsgi.url_scheme"], seen["HTTP_X_FORWARDED_PROTO"]) == ("http", "http")
        assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert not {"HTTP_FORWARDED", "HTTP_X_SCHEME", "HTTP_REMOTE_USER"} & set(seen)


def test_an_account_that_has_expired_serves_runs_and_is_closed(other: Container) -> None:
    for app in ("visited", "spoken"):
        fields = other.run(["getent", "shadow", app]).stdout.strip().split(":")
        assert (fields[1][0], fields[7]) == ("!", "1")
        assert other.run(["getent", "passwd", app]).stdout.split(":")[5] == "/nonexistent"
        other.run([app, "restart"])
        trial.healthy(other, app, trial.Site("/well", {"visited": "localhost"}.get(app, "spoken.test")))
        assert f"({app})" in other.run([app, "run", "id"]).stdout
        unit = ["--wait", "--pipe", "--quiet", f"--property=User={app}", "id", "-un"]
        assert other.run(["systemd-run", *unit]).stdout.strip() == app
    done = other.run(["su", "--shell", "/bin/sh", "visited", "--command", "id"], check=False)
    assert "uid=" not in done.stdout


def test_an_upgrade_closes_an_account_of_the_version_before(other: Container) -> None:
    other.run(["sed", "-i", "/^visited:/s|:/nonexistent:|:/var/lib/visited:|", "/etc/passwd"])
    other.run(["chage", "--expiredate", "-1", "visited"])
    deb = other.run(["sh", "-c", "ls /srv/visited_*.deb"]).stdout.strip()
    other.run(["apt-get", "install", "--yes", "--reinstall", deb])
    assert other.run(["getent", "passwd", "visited"]).stdout.split(":")[5] == "/nonexistent"
    assert other.run(["getent", "shadow", "visited"]).stdout.strip().split(":")[7] == "1"
    assert PAGE in other.get().text


def test_the_owner_says_which_proxy_is_believed(other: Container) -> None:
    """As docs/how-to/https-at-home.md has it; the proxy is at 127.0.0.1 here."""
    site = "/etc/nginx/sites-available/{}"
    before = {app: str(other.read(site.format(app))) for app in ("visited", "spoken")}
    try:
        for app, text in before.items():
            include = f"    include /usr/lib/{app}/current/nginx/server.conf;\n"
            assert include in text
            more = (
                "    set_real_ip_from 127.0.0.1;\n    real_ip_header X-Forwarded-For;\n"
                "    set $visitor_scheme $http_x_forwarded_proto;\n"
            )
            other.write(site.format(app), text.replace(include, include + more).encode())
        other.write("/etc/visited/nginx/proxy.conf", b"uwsgi_param HTTP_REMOTE_USER $http_remote_user;\n")
        other.write("/etc/spoken/nginx/proxy.conf", b"proxy_set_header Remote-User $http_remote_user;\n")
        assert other.run(["nginx", "-t", "-q"]).stderr == ""
        other.run(["systemctl", "restart", "nginx"])
        for host in ("pi.local", "spoken.test"):
            says = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "Remote-User: ada")
            seen = told(other, host, *says)
            assert seen["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
            assert seen["HTTP_X_FORWARDED_PROTO"] == "https"
            assert seen["HTTP_REMOTE_USER"] == "ada"
            assert seen["wsgi.url_scheme"] == ("https" if host == "pi.local" else "http")
        assert told(other, "pi.local", "X-Forwarded-For: 192.0.2.1")["REMOTE_ADDR"] == "192.0.2.1"
    finally:
        for app, text in before.items():
            other.write(site.format(app), text.encode())
            other.run(["rm", "-r", f"/etc/{app}/nginx"])
        other.run(["systemctl", "restart", "nginx"])
