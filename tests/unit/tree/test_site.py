from __future__ import annotations

import re

import pytest
from samples import EPOCH, VERSION, sample_project

from debonair import target
from debonair.project.settings import Nginx
from debonair.tree.service import render, site

TRIXIE = target.load("trixie-arm64")


def rendered(name: str = "", *listen: str, package: str = "guestbook") -> str:
    nginx = Nginx(server_name=name, listen=list(listen or ("80",)), client_max_body_size="1m")
    project = sample_project(nginx=nginx, package=package)
    sources = render.render(project, TRIXIE, version=VERSION, epoch=EPOCH)
    return next(found.data.decode() for found in sources if found.path.endswith("/nginx/site.conf"))


def directives(text: str, name: str) -> list[str]:
    return re.findall(rf"^ *{name} (.*);$", text, re.MULTILINE)


def answered(host: str) -> bool:
    """Tell as nginx does: names are compared, and regular expressions begin with a tilde."""
    return any(re.search(name[1:], host) if name.startswith("~") else name == host for name in site.HOME)


@pytest.mark.parametrize(
    "host",
    [
        "raspberrypi",
        "localhost",
        "pi.local",
        "a.b.lan",
        "pi.fritz.box",
        "192.168.1.2",
        "[::1]",
        "[::ffff:1.2.3.4]",
    ],
)
def test_a_machine_in_a_home_is_called_so(host: str) -> None:
    assert answered(host)


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "pi.local.example.org",
        "192.168.1.2.example.org",
        "xlocal.dev",
        "notfritz.box",
        "1.2.3.a",
    ],
)
def test_nobody_is_called_so_whom_the_public_dns_knows(host: str) -> None:
    assert not answered(host)


def test_other_names_are_refused_after_those_of_other_sites() -> None:
    text = rendered()
    assert directives(text, "server_name") == [" ".join(["guestbook.local", *site.HOME]), "~."]
    assert text.count("return 421") == 1


def test_a_site_that_has_a_name_leaves_other_sites_theirs() -> None:
    text = rendered("example.org")
    assert directives(text, "server_name") == ["guestbook.invalid", "example.org"]
    assert text.index("return 421") < text.index("include ")


def test_only_an_app_without_names_of_its_author_has_an_alias() -> None:
    named = Nginx(server_name="example.org", listen=["80"], client_max_body_size="1m")
    assert site.alias(sample_project(), TRIXIE) == "guestbook.local"
    assert site.alias(sample_project(nginx=named), TRIXIE) == ""
    assert site.alias(sample_project(wsgi="", install="wheel"), TRIXIE) == ""
    assert ".local" not in rendered("example.org")


@pytest.mark.parametrize(("length", "fits"), [(16, True), (17, False)])
def test_a_name_fits_into_the_table_of_nginx_on_a_32_bit_arm(length: int, *, fits: bool) -> None:
    """Each name has a pointer, a length and its characters, in a bucket of 32 bytes (ngx_hash_init())."""
    project = sample_project(package="a" * length)
    assert bool(site.alias(project, target.load("trixie-armv6"))) is fits
    assert site.alias(project, TRIXIE)
    name = len(project.package) + len(".local")
    assert (4 + -(-(name + 2) // 4) * 4 + 4 <= 32) is fits


def test_what_a_listen_may_say_once_is_said_once() -> None:
    text = rendered("", "80 default_server reuseport", "[::]:80 backlog=5", "443 ssl", "80")
    assert directives(text, "listen") == [
        *("80 default_server reuseport", "[::]:80 backlog=5", "443 ssl", "80"),
        *("80", "[::]:80", "443 ssl"),
    ]


def test_a_variable_of_nginx_has_no_hyphen() -> None:
    assert "limit_conn_zone $my-app" not in rendered(package="my-app")
    assert "limit_conn_zone $my_app_visitor zone=my_app_visitors:1m;" in rendered(package="my-app")


def test_no_header_is_named_twice() -> None:
    names = [name.lower() for name in site.unforwarded()]
    assert len(names) == len(set(names))
    assert not {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"} & set(names)


@pytest.mark.parametrize("pointer", [4, 8], ids=["32-bit", "64-bit"])
def test_the_headers_fit_into_the_table_of_nginx(pointer: int) -> None:
    """Else it warns at each start: uwsgi_params_hash has 512 buckets of 64 bytes (ngx_hash_init())."""
    names = [
        *site.unforwarded(),
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Real-IP",
        "Host",
    ]

    def fits(size: int) -> bool:
        buckets = dict.fromkeys(range(size), pointer)
        for name in names:
            key = 0
            for byte in name.replace("-", "_").lower().encode():
                key = (key * 31 + byte) % 2 ** (8 * pointer)
            buckets[key % size] += pointer - (len(name) + 2) // -pointer * pointer
        return max(buckets.values()) <= 64

    assert any(fits(size) for size in range(1, 513))
