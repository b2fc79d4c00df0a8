"""The site of an app in nginx: its host names, and the headers of a visitor that reach the app."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

from debonair.project import Project
from debonair.resources import resource
from debonair.target import Target
from debonair.template import fill
from debonair.tree.service import literals

HOME = (
    "$hostname",
    "~^[^.]+$",
    r"~^[0-9.]+$",
    r"~^\[[0-9a-f:.]+\]$",
    r"~\.(local|localhost|lan|home|home\.arpa|internal|intranet|localdomain|fritz\.box|test)$",
)
"""Names of a machine at home: its host name, names without a dot, addresses, and some endings.

Nobody registers them in the public DNS (RFC 2606, 6761, 6762, 8375); fritz.box belongs to its maker.
"""
_ANY = "~."
_PROTOCOLS = {"ssl", "quic", "http2", "proxy_protocol"}
"""The parameters of nginx's ``listen`` that all sites of an address share; others may be given once."""


_NARROW = 22
"""The most characters of an exact name for nginx on a 32-bit ARM (server_names_hash_bucket_size is 32)."""


def alias(project: Project, target: Target) -> str:
    """Return the name ``APP.local`` that only this app has on a Pi; empty if its author chose the names.

    nginx prefers an exact name to the expressions in ``HOME``, which the sites of other apps have, too.
    """
    name = f"{project.package}.local"
    fits = target.architecture != "armhf" or len(name) <= _NARROW
    return name if fits and project.serves and not project.nginx.server_name.strip() else ""


def values(project: Project, target: Target) -> dict[str, str]:
    """Return the values of the templates in ``nginx-sites``.

    Raises ``ProjectError`` for a setting that nginx would not accept, or would understand differently.
    """
    app, named = project.package, bool(project.nginx.server_name.strip())
    listen = list(literals.nginx_listen(project))
    refused = fill(
        "nginx-sites/refused.conf.in",
        {
            "app": app,
            "listen": _lines(dict.fromkeys(map(_shared, listen))),
            # '~.' matches every name, before Debian's default site. If the author has named the site, it
            # must not catch the names of other sites, so it gets a name that nobody requests. It comes
            # first, because nginx serves requests with an unknown name by the first site of an address.
            "server_name": f"{app}.invalid" if named else _ANY,
        },
    ).rstrip("\n")
    return {
        "listen": _lines(listen),
        "server_name": literals.nginx_server_name(project)
        if named
        else " ".join(filter(None, [alias(project, target), *HOME])),
        "client_max_body_size": literals.nginx_size(project),
        "visitor": f"{app.replace('-', '_')}_visitor",
        "refused_first": f"{refused}\n" if named else "",
        "refused_last": "" if named else f"\n{refused}",
        "unforwarded_uwsgi": "\n".join(
            f'uwsgi_param HTTP_{name.upper().replace("-", "_")} "" if_not_empty;' for name in unforwarded()
        ),
        "unforwarded_http": "\n".join(f'    proxy_set_header {name} "";' for name in unforwarded()),
    }


def unforwarded() -> list[str]:
    """Return the names of a visitor's request headers that nginx does not pass to the app."""
    groups: dict[str, list[str]] = tomllib.loads(resource("nginx-sites/headers.toml").read_text())
    return [name for names in groups.values() for name in names]


def host(project: Project) -> str:
    """Return a host name of the site that an app which checks names accepts."""
    plain = (name for name in project.nginx.server_name.split() if re.fullmatch(r"[\w-]+(\.[\w-]+)*", name))
    return next((name for name in plain if name != "_"), "localhost")


def port(project: Project) -> int:
    """Return a port on which the site serves plain HTTP (nginx's listen)."""
    plain = (item for item in project.nginx.listen if not re.search(r"\b(ssl|quic)\b", item))
    ports = (re.match(r"(?:\S*:)?([0-9]{1,5})(?!\S)", item) for item in plain)
    return next((int(found[1]) for found in ports if found), 80)


def _shared(listen: str) -> str:
    """Return a value of nginx's ``listen`` for a second site of that address."""
    address, *more = listen.split()
    return " ".join([address, *(word for word in more if word in _PROTOCOLS)])


def _lines(listen: Iterable[str]) -> str:
    return "\n".join(f"    listen {value};" for value in listen)
