"""The reader of nginx's sites: what the goldens of the accounts do not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from debonair.errors import ProjectError
from debonair.init.imports import directives, nginx
from debonair.init.imports.account import Imported


def read(root: Path, text: str) -> Imported:
    (root / "site.conf").write_text(text)
    return nginx.read(root / "site.conf", root)


def server(root: Path, *lines: str) -> Imported:
    return read(
        root, "server {\n" + "\n".join(lines) + "\nlocation / { uwsgi_pass unix:/run/a.sock; }\n}\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("server {\n  listen 80;\n", 2, "the file ends inside a block"),
        ("server {\n}\n}\n", 3, "a } closes nothing"),
        ("server {\n  listen 80\n}\n", 2, "'listen' has no end"),
        (
            "server {\n  listen 80\n  server_name a;\n}\n",
            2,
            "'listen' has no end",
        ),
        ("server {\n ;\n}\n", 2, "a ; is on its own"),
        ("\n\nlisten 80", 3, "'listen' has no end"),
        ('server {\n server_name "a;\n}\n', 2, 'a " is not closed'),
    ],
)
def test_what_cannot_be_read(text: str, line: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, text)
    assert caught.value.message.startswith(f"{tmp_path / 'site.conf'}:{line}: ")
    assert message in caught.value.message
    assert caught.value.hint


def test_the_syntax(tmp_path: Path) -> None:
    path = tmp_path / "site.conf"
    path.write_text(
        "a b#c 'd;e' \"f}\" ${g}h; # i;\nlog_format x\n  'y'\n  z\\ z;\nif ($a ~ ^b) {}\nj { k { l; } }"
    )
    first, second, third, last = directives.read(path, tmp_path)
    assert first.words == ("b#c", "d;e", "f}", "${g}h")
    assert (second.line, second.text, second.words) == (2, "log_format x 'y' z\\ z", ("x", "y", "z\\ z"))
    assert third.words == ("($a", "~", "^b)")
    assert [inner.name for inner in last.within()] == ["j", "k", "l"]


@pytest.mark.parametrize(
    ("lines", "site"),
    [
        (["listen 80;", "listen [::]:80;"], {}),
        (["listen 8080 http2;"], {"listen": ["8080"]}),
        (["listen *:80 proxy_protocol reuseport;"], {"listen": ["*:80 proxy_protocol"]}),
        (["listen 443 ssl;", "listen 127.0.0.1:81;"], {"listen": ["127.0.0.1:81"]}),
        (["listen unix:/run/x.sock;", "listen;"], {}),
        (["server_name _;"], {}),
        (["server_name localhost 127.0.0.1 pi.example.org;"], {"server-name": "pi.example.org"}),
        (["server_name ~^(www\\.)?pi$;"], {"server-name": "~^(www\\.)?pi$"}),
        (["client_max_body_size 5m;"], {"client-max-body-size": "5m"}),
        (["client_max_body_size lots;"], {}),
        (["client_max_body_size;"], {}),
    ],
)
def test_a_site(lines: list[str], site: dict[str, object], tmp_path: Path) -> None:
    assert server(tmp_path, *lines).settings.get("nginx", {}) == site


@pytest.mark.parametrize(
    ("lines", "static"),
    [
        (["location /static { alias /srv/shop/static/; }"], {"/static/": "static"}),
        (["location ^~ /static/ { root /srv/shop; }"], {"/static/": "static"}),
        (["root /srv/shop;", "location /static/ { }"], {"/static/": "static"}),
        (["root /srv/shop;", "location ~* ^/(?:static|gone) { }"], {"/static/": "static"}),
        (["root /srv/shop;", "location ~ ^/static/.*$ { }"], {"/static/": "static"}),
        (["location ~ \\.css$ { root /srv/shop/static; }"], {}),
        (["location ~ ^/static/(.*)$ { alias /srv/shop/static/$1; }"], {}),
        (["location = /a.css { alias /srv/shop/static/a.css; }"], {}),
        (["location /gone { alias; }"], {}),
        (["location /away { alias /srv/away; }"], {}),
    ],
)
def test_static_folders(lines: list[str], static: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static/a.css").touch()
    assert server(tmp_path, *lines).settings.get("static", {}) == static


@pytest.mark.parametrize(
    ("value", "seconds"), [("300", 300), ("300s", 300), ("5m", 300), ("1h", 3600), ("1d", 0), ("", 0)]
)
def test_a_timeout(value: str, seconds: int, tmp_path: Path) -> None:
    found = server(tmp_path, f"uwsgi_read_timeout {value};")
    assert found.settings.get("uwsgi", {}).get("harakiri", 0) == seconds


def test_an_app_below_a_path(tmp_path: Path) -> None:
    found = read(tmp_path, "server { location /shop { proxy_pass http://localhost:8000/; } }")
    assert "the app was at /shop, and is now at /" in found.warnings[0]
    assert found.asks == {"localhost:8000": "http"}
    assert not read(tmp_path, "server { location @a { uwsgi_pass a; } }").warnings


@pytest.mark.parametrize(
    ("line", "explained"),
    [
        ("gzip on;", True),
        ("location /down { return 503; }", True),
        ("location ~ [.]css$ { root /srv; }", True),
        ("proxy_buffering off;", False),
        ("expires 1d;", False),
    ],
)
def test_a_line_without_a_setting_is_explained(line: str, *, explained: bool, tmp_path: Path) -> None:
    warnings = server(tmp_path, line).warnings
    assert any("no setting exists for the lines marked" in warning for warning in warnings) == explained


def test_who_was_kept_out(tmp_path: Path) -> None:
    found = server(tmp_path, "location /x { allow 10.0.0.0/8; deny all; }", "if ($a) { return 403; }")
    assert (
        sum(
            "restricted access, and nothing restricts it now. Write it" in warning
            for warning in found.warnings
        )
        == 2
    )


def test_a_file_without_a_server(tmp_path: Path) -> None:
    assert read(tmp_path, "gzip on;").settings == {}
