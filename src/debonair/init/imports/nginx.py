"""Convert an existing nginx site to Debonair's settings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from debonair.init.imports import directives, places
from debonair.init.imports.account import Account, Imported
from debonair.init.imports.directives import Directive
from debonair.project import reader
from debonair.project.settings import defaults

_PASSES = {"uwsgi_pass": "uwsgi", "proxy_pass": "http", "fastcgi_pass": "fastcgi", "scgi_pass": "scgi"}
_GUARDS = ("allow", "deny", "auth_basic", "auth_request", "ssl_verify_client", "satisfy")
_MANY = 50
"""The most folders in one regular expression."""
_LOCAL = ("_", "localhost", "127.0.0.1", "::1", "")
_SITE = "for the site on the Pi"
_WRITE = "into /etc/nginx/sites-available/APP on the Pi, which no upgrade touches"
_TLS = "the site on the Pi adds TLS"
_ASKS = "the package's site uses the app's own socket"
_PASSED = "the package's site already passes these values to the app"
_NO_SITE = "a setting for all of nginx, which Debian configures"

_REASONS = {
    "index": "the app answers for every page",
    "root": "its locations were imported",
    "include uwsgi_params": _PASSED,
    "include proxy_params": _PASSED,
    "uwsgi_param": _PASSED,
    "proxy_set_header": _PASSED,
    "expires": "'static' lets browsers keep its files for an hour",
}


def read(path: Path, root: Path) -> Imported:
    """Return the settings in the nginx site ``path``, for the project in ``root``.

    The file may also be a whole nginx.conf. If it has several servers, the site is the first one that
    passes requests to an app. Raises ``ProjectError`` with file and line if the file cannot be read.
    """
    found = directives.read(path, places.boundary(path, root))
    reading = _Reader(path, root.resolve(), found)
    reading.top(found)
    return reading.result()


class _Reader:
    """The settings of a site so far."""

    def __init__(self, path: Path, root: Path, found: Iterable[Directive]) -> None:
        self.path = path
        self.root = root
        every = [inner for directive in found for inner in directive.within()]
        servers = [directive for directive in every if directive.name == "server" and directive.block]
        apps = [server for server in servers if any(inner.name in _PASSES for inner in server.within())]
        self.server = next(iter([*apps, *servers]), None)
        self.upstreams = {
            directive.words[0]: [
                inner.words[0] for inner in directive.block if inner.name == "server" and inner.words
            ]
            for directive in every
            if directive.name == "upstream" and directive.words
        }
        locations = (
            [inner.words for inner in self.server.block if inner.name == "location"] if self.server else []
        )
        self.at_root = ("/",) in locations
        self.accounts: list[Account] = []
        self.warnings: list[str] = []
        self.listens: list[str] = []
        self.site: dict[str, Any] = {}
        self.static: dict[str, str] = {}
        self.harakiri = 0
        self.asks: dict[str, str] = {}
        self.for_the_pi = False
        """True if a line has no setting, so that the admin must write it on the Pi."""
        self.takers = {
            "listen": self._listen,
            "server_name": self._name,
            "client_max_body_size": self._size,
            "uwsgi_read_timeout": self._timeout,
            "proxy_read_timeout": self._timeout,
            **dict.fromkeys(_PASSES, self._pass),
        }
        if len(apps) > 1:
            self.warnings.append(
                f"{path.name} has {len(apps)} servers that send requests to an app. A project is one app "
                f"with one site, so only the first was imported, from line {apps[0].line}."
            )

    def top(self, found: Iterable[Directive]) -> None:
        """Convert the directives outside of any server."""
        for directive in found:
            if directive is self.server:
                folder = next(
                    (inner.words[0] for inner in directive.block if inner.name == "root" and inner.words),
                    "",
                )
                for inner in directive.block:
                    self._server(inner, folder)
            elif directive.name == "http":
                self.top(directive.block)
            elif directive.name == "server":
                moves = (inner for inner in directive.within() if inner.name == "return")
                moved = any(inner.words[:1] in {("301",), ("302",)} for inner in moves)
                self._drop(
                    directive.block,
                    f"it redirects to HTTPS; {_TLS}" if moved else "it belongs to another site",
                )
            elif directive.name == "upstream":
                self._drop([directive, *directive.block], _ASKS)
            else:
                self._drop(directive.within(), _NO_SITE)

    def result(self) -> Imported:
        """Return all settings that were converted."""
        if self.for_the_pi:
            self.warnings.append(
                f"{self.path.name}: no setting exists for the lines marked '{_SITE}'. Write them {_WRITE}."
            )
        if self.listens and not set(self.listens) <= set(defaults()["nginx"]["listen"]):
            self.site["listen"] = self.listens
        tables: dict[str, Mapping[str, Any]] = {
            "nginx": self.site,
            "static": self.static,
            "uwsgi": {"harakiri": self.harakiri} if self.harakiri else {},
        }
        settings = {key: table for key, table in tables.items() if table}
        return Imported(tuple(self.accounts), settings, tuple(dict.fromkeys(self.warnings)), asks=self.asks)

    def _say(self, directive: Directive, became: str, why: str = "") -> None:
        self.accounts.append(Account(self.path, directive.line, directive.text, became, why))

    def _by_hand(self) -> str:
        """Return why a line without a setting was dropped, and remember to explain that."""
        self.for_the_pi = True
        return _SITE

    def _drop(self, found: Iterable[Directive], why: str) -> None:
        for directive in found:
            self._say(directive, "", why)

    def _warn(self, directive: Directive, what: str) -> None:
        self.warnings.append(f"{self.path.name}:{directive.line}: {what}")

    def _server(self, directive: Directive, folder: str) -> None:
        """Convert a directive of the site; ``folder`` is the root of its locations."""
        name = directive.name
        if name == "location":
            self._location(directive, folder)
        elif taker := self.takers.get(name):
            taker(directive)
        elif name.startswith("ssl_") or name == "http2" or "letsencrypt" in directive.text:
            self._tls(directive)
        else:
            self._other(directive)

    def _other(self, directive: Directive) -> None:
        name = directive.name
        included = f"include {posixpath.basename(directive.words[0])}" if directive.words else ""
        why = (
            _REASONS.get(name)
            or _REASONS.get(included)
            or (_ASKS if re.match("(uwsgi|proxy)_", name) else self._by_hand())
        )
        self._drop(directive.within(), why)
        for inner in directive.within():
            if inner.name in _GUARDS:
                self._warn(
                    inner,
                    f"'{inner.text}' restricted access, and nothing restricts it now. Write it {_WRITE}.",
                )

    def _tls(self, directive: Directive) -> None:
        self._say(directive, "", _TLS)
        self.warnings.append(
            "The site used TLS. Add TLS on the Pi: run 'sudo certbot --nginx', or write your listen and "
            f"ssl lines {_WRITE}."
        )

    def _listen(self, directive: Directive) -> None:
        address, *more = directive.words or ("",)
        if {"ssl", "quic"} & {*more} or re.search(r"(^|:)443$", address):
            self._tls(directive)
        elif not re.fullmatch(r"((\*|0\.0\.0\.0|localhost|127\.0\.0\.1|\[::1?\]):)?[0-9]{1,5}", address):
            self._say(directive, "", "the address of one machine")
            self._warn(
                directive,
                f"'{address}' was left out: without an interface with this address, nginx would not start.",
            )
        else:
            kept = [word for word in more if word == "proxy_protocol"]
            self.listens.append(" ".join([address, *kept]))
            why = "by default" if address in defaults()["nginx"]["listen"] else ""
            why = (
                "without its parameters, which Debian's own site has too" if len(kept) < len(more) else why
            )
            self._say(directive, "nginx.listen", why)

    def _name(self, directive: Directive) -> None:
        names = [
            name
            for name in directive.words
            if name not in _LOCAL and not re.search(r"[;{}\"'#\s]", name) and not reader.unfit(name)
        ]
        if not names:
            self._say(directive, "", "the default: the site answers to all names of a home network")
            return
        self.site["server-name"] = " ".join(names)
        self._say(directive, "nginx.server-name")
        self._warn(
            directive,
            f"the site answers only to {' and '.join(names)}. Requests to the Pi's own name or address get "
            "nginx's default page. To answer to all names of a home network, remove server-name",
        )

    def _size(self, directive: Directive) -> None:
        value = directive.words[0] if directive.words else ""
        if not re.fullmatch(r"[0-9]{1,12}[kKmMgG]?", value):
            self._say(directive, "", "not a size")
            return
        self.site["client-max-body-size"] = value
        self._say(directive, "nginx.client-max-body-size")

    def _timeout(self, directive: Directive) -> None:
        found = re.fullmatch(r"([0-9]{1,6})(s|m|h)?", directive.words[0] if directive.words else "")
        if not found:
            self._say(directive, "", _ASKS)
            return
        self.harakiri = max(self.harakiri, int(found[1]) * {"m": 60, "h": 3600}.get(found[2], 1))
        self._say(
            directive, "uwsgi.harakiri", "unless uWSGI has its own limit; nginx waits ten seconds longer"
        )

    def _pass(self, directive: Directive) -> None:
        asked = directive.words[0] if directive.words else ""
        name = re.sub(r"^(https?|uwsgi)://", "", asked).rstrip("/")
        for address in self.upstreams.get(name, [asked]):
            self.asks[places.address(address)] = _PASSES[directive.name]
        self._say(directive, "", _ASKS)

    def _location(self, directive: Directive, folder: str) -> None:
        by_name = {inner.name: inner for inner in directive.block}
        place = by_name.get("alias") or by_name.get("root")
        where = place.words[0] if place and place.words else folder
        kind, pattern = directive.words if len(directive.words) == 2 else ("", " ".join(directive.words))
        became = ""
        if by_name.keys() & _PASSES.keys():
            why = "the package's site sends all other requests to the app"
            if kind not in {"~", "~*"} and pattern[:1] != "@" and not self.at_root:
                self._warn(directive, f"the app was at {pattern}, and is now at /. Check its links.")
        elif place or (where and pattern != "/" and kind != "="):
            became, why = self._static(kind, pattern, where, alias="alias" in by_name)
        else:
            why = self._by_hand()
        self._say(directive, became, why)
        for inner in directive.block:
            if inner is place:
                self._say(inner, became, "" if became else why)
            else:
                self._server(inner, where)

    def _static(self, kind: str, pattern: str, where: str, *, alias: bool) -> tuple[str, str]:
        """Convert a location with files in the folder ``where``; return the key, and a reason."""
        urls = [pattern]
        if kind in {"~", "~*"}:
            found = re.fullmatch(r"\^?/(?:\(\?:|\()?([\w|-]+)\)?(/.*)?\$?", pattern)
            urls = [f"/{name}/" for name in found[1].split("|")][:_MANY] if found and not alias else []
        both = [
            places.static(
                self.root, self.static, url, where if alias else f"{where.rstrip('/')}/{url.strip('/')}"
            )
            for url in urls
        ]
        if not both:
            return "", f"'static' supports prefixes, not regular expressions; {self._by_hand()}"
        return max(became for became, _ in both), "; ".join(why for _, why in both)
