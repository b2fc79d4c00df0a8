"""Facts about uWSGI's options: which exist, which may be repeated, and which Debonair drops."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache

from debonair.project.settings import PROCESSES, Option
from debonair.resources import resource
from debonair.tree.service import literals, vassal

FALSE = {"0", "false", "no", "off"}
COMMAND = re.compile(r"(smart-)?attach-.*|(unique-)?cron.*|legion-.*|hook-.*|exec-.*")
"""Options whose value has a command line."""
PATH = re.compile(
    r"(early-)?envdir|(static-check|check-static)\S*|static-(safe|gzip-dir|gzip-prefix)|spooler-chdir|queue-store"
    r"|cache2|cache-store|mime-?file|load-file-in-cache\S*|metrics?-dir\S*|touch-.*|wait-for-\w+|file-write|sni-dir"
)
"""Options whose absolute paths are those of files, and not of URLs."""
SPOOLERS = {"spooler", "spooler-external"}
"""Options with a folder that uWSGI itself writes."""
_TARGET = re.compile(r"\b(?:static|file|sendfile|fastfile|cgi|uwsgi):(?:\w+=)?(/[^\s$*\\]*)")
_OPTIONAL = ("ksm", "mule")
"""Options with an optional value."""
_ROUTE = r"(?:final-|error-|response-)?route\S* .*?\b"
_PLUGIN_OF = {
    _ROUTE + r"(redirect|rewrite|basicauth|static|expires|cache|http|uwsgi)[\w-]*:": r"router_\1",
    _ROUTE + "(gzip):": r"transformation_\1",
    r"cheaper-algo (busyness|backlog2)$": r"cheaper_\1",
    r"cheaper-(busyness)-": r"cheaper_\1",
    r"(gevent|asyncio|greenlet|tornado)[ -]": r"\1_python3",
}
"""Options that uWSGI from pip has built in, and Debian's has in a plugin, with its name."""
_LOOPS = {
    *("gevent", "gevent-monkey-patch", "gevent-early-monkey-patch", "gevent-wait-for-hub"),
    *("asyncio", "greenlet", "tornado"),
}
"""Options of plugins for event loops."""


@cache
def reasons() -> tuple[dict[str, str], dict[str, str]]:
    """Return the reasons for dropping options, and those of options for development, by name."""
    tables = tomllib.loads(resource("packaging/uwsgi/owned.toml").read_text())
    dropped, development = (
        {name: why for why, names in tables[key].items() for name in names}
        for key in ("dropped", "development")
    )
    return literals.refused() | dropped, development


@cache
def known() -> frozenset[str]:
    """Return the names of all options of Debian's uWSGI and its plugins for Python."""
    return _names("names") | {*PROCESSES, *_LOOPS}


def is_single(name: str) -> bool:
    """Return whether only the last value of an option counts."""
    return name in known() and name not in _names("repeated")


def plugins(name: str, value: str) -> list[str]:
    """Return the plugins of Debian's uwsgi-core that an option needs."""
    matches = ((re.match(pattern, f"{name} {value}"), plugin) for pattern, plugin in _PLUGIN_OF.items())
    return [found.expand(plugin) for found, plugin in matches if found]


def target(value: str) -> str:
    """Return the path to which the ``value`` of a route leads, up to its first variable; or nothing."""
    found = _TARGET.search(value)
    return found[1] if found else ""


def debian(plugin: str) -> str:
    """Return the name that Debian's uWSGI has for ``plugin``, which is for Debian's or another uWSGI."""
    return f"{plugin}_python3" if has_package(f"{plugin}_python3") else plugin


def has_package(plugin: str) -> bool:
    """Return whether ``plugin`` is in a package of its own, on which a deb then depends."""
    return plugin in vassal.packages()


def named(value: str) -> list[str]:
    """Return the plugins in ``value``, by Debian's names: it may name the file of a plugin instead."""
    files = [each.strip().rpartition("/")[2].removesuffix("_plugin.so") for each in value.split(",")]
    return [debian(name) for name in files if name]


def together(values: Sequence[Option], needed: Iterable[str]) -> list[Option]:
    """Return ``values``, which list plugins, and those of ``needed`` that they lack."""
    listed = {name for value in values for name in str(value).split(",")}
    return [*values, *(name for name in dict.fromkeys(needed) if name not in listed)]


def typed(name: str, value: str) -> Option:
    """Return the ``value`` of an option as a setting."""
    if re.fullmatch(r"0|[1-9][0-9]{0,17}", value):
        return int(value)
    if not value:
        return "" if name in _OPTIONAL else True
    return value.lower() == "true" if value.lower() in {"true", "false"} else value


@cache
def _names(key: str) -> frozenset[str]:
    return frozenset(tomllib.loads(resource("packaging/uwsgi/options.toml").read_text())[key].split())
