"""The reader of nginx's sites: what the goldens of the accounts do not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from debonair.errors import ProjectError
from debonair.init.imports import directives, nginx
from debonair.init.imports.account import Imported
from debonair.tree.service.site import HOME


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


HOME_TOO = f"pi.example.org {' '.join(HOME)}"


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["listen 80 default_server;", "server_name pi.example.org;"], HOME_TOO),
        (["listen 80 default;", "server_name pi.example.org;"], HOME_TOO),
        (["server_name pi.example.org;", "listen [::]:80 default_server;", "listen 80;"], HOME_TOO),
        (["server_name pi.example.org 192.168.1.20;"], HOME_TOO),
        (["server_name [fe80::1] pi.example.org;"], HOME_TOO),
        (["server_name pi.example.org;", "server_name $hostname;"], HOME_TOO),
        (["server_name raspberrypi.local pi.example.org;"], HOME_TOO),
        (["listen 80 default_server;", "server_name _;"], ""),
        (["listen 80 default_server;"], ""),
        (["server_name 192.168.1.20;"], ""),
        (["server_name 192.168.1.20 raspberrypi raspberrypi.local;"], ""),
        (["server_name $hostname;"], ""),
    ],
)
def test_a_site_that_had_the_own_address_of_the_pi_keeps_it(
    lines: list[str], names: str, tmp_path: Path
) -> None:
    found = server(tmp_path, *lines)
    assert found.settings.get("nginx", {}).get("server-name", "") == names
    assert not any("default page" in warning for warning in found.warnings)
    if names:
        said = [each.why for each in found.accounts if each.became == "nginx.server-name"]
        assert any("own address" in why for why in said)


def test_a_site_with_other_names_warns_once(tmp_path: Path) -> None:
    found = server(tmp_path, "server_name a.example.org;", "server_name b.example.org;")
    told = [warning for warning in found.warnings if "default page" in warning]
    assert len(told) == 1
    assert "only to a.example.org and b.example.org" in told[0]


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
        (
            ["server_name a.example.org;", "server_name b.example.org;"],
            {"server-name": "a.example.org b.example.org"},
        ),
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


PRIVATE = "was not open to all visitors"


@pytest.mark.parametrize(
    ("lines", "static"),
    [
        (["location /files/ { internal; alias /srv/hub/files/; }"], {}),
        (["location ^~ /files { deny all; root /srv/hub; }"], {}),
        (["location ~ ^/files/ { auth_basic Family; root /srv/hub; }"], {}),
        (["root /srv/hub;", "location /files/ { if ($cookie_x = '') { return 403; } }"], {}),
        (["auth_request /login;", "location /files/ { alias /srv/hub/files/; }"], {}),
        (["allow 10.0.0.0/8;", "deny all;", "location /files/ { alias /srv/hub/files/; }"], {}),
        (["location /files/ { alias /srv/hub/files/;", "location /files/a/ { internal; } }"], {}),
        (["location /files/ { alias /srv/hub/files/; }", "location ^~ /files/a/ { deny all; }"], {}),
        (["location /files/ { alias /srv/hub/files/; }", "location ~ ^/files/.+ { deny all; }"], {}),
        (
            [
                "location /files/ { alias /srv/hub/files/; }",
                "location /files/a { uwsgi_pass unix:/run/a.sock; }",
            ],
            {},
        ),
        (["deny all;", "location /files/ { allow all; alias /srv/hub/files/; }"], {"/files/": "files"}),
        (
            ["auth_basic Family;", "location /files/ { auth_basic off; alias /srv/hub/files/; }"],
            {"/files/": "files"},
        ),
        (
            ["location /files/ { alias /srv/hub/files/; }", "location ~ /\\.ht { deny all; }"],
            {"/files/": "files"},
        ),
    ],
)
def test_files_that_were_not_public_stay_so(
    lines: list[str], static: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.txt").touch()
    found = server(tmp_path, *lines)
    assert found.settings.get("static", {}) == static
    assert any(PRIVATE in warning for warning in found.warnings) != bool(static)


@pytest.mark.parametrize(
    ("lines", "warned"),
    [
        (
            ["location /cam/ { proxy_pass http://10.0.0.15:9090/; }"],
            "requests for /cam/ went to 10.0.0.15:9090, and not to the app at localhost:5000",
        ),
        (
            ["location ~ ^/api/ { proxy_pass http://unix:/run/api.sock; }"],
            "requests for ^/api/ went to api.sock, and not to the app at localhost:5000",
        ),
        (
            ["set $grafana 127.0.0.1:3000;", "location /grafana { proxy_pass http://$grafana; }"],
            "requests for /grafana went to localhost:3000, and not to the app at localhost:5000",
        ),
        (
            ["location /dash/ { proxy_pass http://127.0.0.1:5000/; }"],
            "the app was also at /dash/, and is now only at /. To keep /dash/, write this location",
        ),
        (
            ["location /x { proxy_set_header X-Script-Name /y; proxy_pass http://localhost:5000; }"],
            "the app was also at /y, and is now only at /",
        ),
        (["location /ws { proxy_pass http://127.0.0.1:5000/ws; }"], ""),
        (["location /ws { proxy_pass http://unknown$uri; }"], ""),
        (["location /api { proxy_pass http://localhost:5000; }"], ""),
    ],
)
def test_who_else_answered(lines: list[str], warned: str, tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "upstream app { server 127.0.0.1:5000; }\nserver {\n"
        + "\n".join(
            [*lines, "location / { try_files $uri @app; }", "location @app { proxy_pass http://app; }"]
        )
        + "}",
    )
    assert warned in "".join(found.warnings)
    assert bool(warned) == any("app at" in one or "app was" in one for one in found.warnings)
    assert found.asks == {"localhost:5000": "http"} or "unknown" in lines[0]


def test_the_limits_of_others_are_not_those_of_the_app(tmp_path: Path) -> None:
    found = server(
        tmp_path, "location /cam { proxy_pass http://cam; proxy_read_timeout 1h; client_max_body_size 9g; }"
    )
    assert found.settings == {}


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("uwsgi_param SCRIPT_NAME /wiki;", "/wiki"),
        ("proxy_set_header X-Forwarded-Prefix /w;", "/w"),
        ("rewrite ^/wiki/(.*) /$1 break;", "/wiki"),
        ("uwsgi_modifier1 30;", "/wiki"),
    ],
)
def test_an_app_that_was_told_its_path(line: str, path: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"server {{ location /wiki {{ {line} uwsgi_pass a:1; }} }}")
    assert found.warnings == (
        f"site.conf:1: the app was at {path}, and is now at /. Check its links.",
        *found.warnings[1:],
    )
    found = read(tmp_path, "server { location /wiki { uwsgi_pass a:1; } }")
    assert 'health = "/wiki"' in found.warnings[0]


@pytest.mark.parametrize(
    ("line", "uwsgi", "command"),
    [
        ("uwsgi_buffering off;", "uwsgi_buffering off;", "proxy_buffering off;"),
        ("proxy_request_buffering off;", "uwsgi_request_buffering off;", "proxy_request_buffering off;"),
        ("proxy_cache pages;", "uwsgi_cache pages;", "proxy_cache pages;"),
        (
            "uwsgi_param REMOTE_USER $remote_user;",
            "uwsgi_param REMOTE_USER $remote_user;",
            "proxy_set_header Remote-User $remote_user;",
        ),
        (
            'proxy_set_header X-Site "At home";',
            'uwsgi_param HTTP_X_SITE "At home";',
            'proxy_set_header X-Site "At home";',
        ),
        ("proxy_buffering on;", "", ""),
        ("proxy_http_version 1.1;", "", ""),
        ("proxy_set_header Host $host;", "", ""),
        ("proxy_set_header X-Forwarded-Port $server_port;", "", ""),
        ("uwsgi_param HTTPS on;", "", ""),
        ("uwsgi_param UWSGI_PYHOME /srv/venv;", "", ""),
    ],
)
def test_lines_for_the_location_of_the_app(line: str, uwsgi: str, command: str, tmp_path: Path) -> None:
    found = server(tmp_path, f"location /x {{ {line} uwsgi_pass unix:/run/a.sock; }}").when_served_by
    assert "".join(found.get("uwsgi", ())).rpartition("touches: ")[2] == uwsgi
    assert "".join(found.get("command", ())).rpartition("touches: ")[2] == command


@pytest.mark.parametrize(
    "line",
    [
        "uwsgi_param HTTP_X_API_KEY hush;",
        'proxy_set_header Authorization "Basic hush";',
        "if ($http_x_token != hush) { return 403; }",
        "proxy_pass http://ada:hush@10.0.0.1:5000/;",
        'set $password "hu\\sh";',
    ],
)
def test_no_secret_is_shown(line: str, tmp_path: Path) -> None:
    found = server(tmp_path, f"location /x {{ {line} }}")
    assert "hush" not in repr(found)
    assert "sh" not in repr([account.text for account in found.accounts if "..." in account.text])
    assert found.settings["exclude"] == ["/site.conf"]


@pytest.mark.parametrize("value", ["$http_upgrade", "websocket"])
def test_websockets(value: str, tmp_path: Path) -> None:
    found = server(tmp_path, f"location /s {{ proxy_set_header Upgrade {value}; }}")
    assert "passed websockets to the app" in found.when_served_by["uwsgi"][0]
    assert "command" not in found.when_served_by


@pytest.mark.parametrize(
    ("line", "above"),
    [
        ("limit_req_zone $binary_remote_addr zone=login:10m rate=5r/m;", True),
        ("map $http_upgrade $up { default upgrade; }", True),
        ("geo $home { default 0; }", True),
        ("proxy_cache_path /var/cache/nginx keys_zone=pages:1m;", True),
        ("log_format short '$request';", True),
        ("user www-data;", False),
        ("include /etc/nginx/mime.types;", False),
        ("gzip_types text/css;", False),
    ],
)
def test_lines_outside_of_the_server(line: str, above: bool, tmp_path: Path) -> None:  # noqa: FBT001
    for text in (line + "server { listen 80; }", "http { server { listen 80; }\n" + line + "}"):
        warnings = "".join(read(tmp_path, text).warnings)
        assert ("Write those above its server block first." in warnings) == above


def test_limits_outside_of_the_server_are_its_defaults(tmp_path: Path) -> None:
    outer = "client_max_body_size 5m; uwsgi_read_timeout 90;"
    found = read(tmp_path, f"http {{ server {{ listen 80; }} {outer} }}")
    assert found.settings == {"nginx": {"client-max-body-size": "5m"}, "uwsgi": {"harakiri": 90}}
    found = read(tmp_path, f"http {{ server {{ client_max_body_size 9m; }} {outer} }}")
    assert found.settings["nginx"] == {"client-max-body-size": "9m"}
