"""Convert an existing nginx site to Debonair's settings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from debonair.init.imports import directives, nginx_guards, nginx_parameters, places
from debonair.init.imports.account import Imported
from debonair.init.imports.directives import Directive
from debonair.init.imports.nginx_account import ABOVE, WRITE, SiteAccount
from debonair.init.imports.nginx_backends import PASSES, Backends
from debonair.init.imports.nginx_names import Names, told
from debonair.project.settings import defaults

_MANY = 50
"""The most folders in one regular expression."""
_TLS = "the site on the Pi adds TLS"
_ASKS = "the package's site uses the app's own socket"
_PASSED = "the package's site already passes these values to the app"
_NO_SITE = "a setting for all of nginx, which Debian configures"
_DEBIAN = re.compile(
    "user|pid|daemon|env|events|include|load_module|default_type|error_log|access_log|server_tokens|sendfile"
    "|server_names_hash_.*|variables_hash_.*|types.*|tcp_.*|worker_.*|master_process|gzip.*|keepalive_.*"
    "|reset_timedout_connection|charset"
)
"""The directives outside of a server that are in Debian's nginx.conf, or tune it."""
_REASONS = {
    "index": "the app answers for every page",
    "root": "its locations were imported",
    "include uwsgi_params": _PASSED,
    "include proxy_params": _PASSED,
    "include fastcgi_params": _PASSED,
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


class _Reader(SiteAccount):
    """The settings of a site so far."""

    def __init__(self, path: Path, root: Path, found: Iterable[Directive]) -> None:
        super().__init__(path, root)
        every = [inner for directive in found for inner in directive.within()]
        servers = [directive for directive in every if directive.name == "server" and directive.block]
        apps = [server for server in servers if any(inner.name in PASSES for inner in server.within())]
        self.server = next(iter([*apps, *servers]), None)
        self.backends = Backends(self.server, every)
        self.names = Names(self.server)
        self.named: Directive | None = None
        """The last directive with names that do not include the Pi's own."""
        self.listens: list[str] = []
        self.site: dict[str, Any] = {}
        self.static: dict[str, str] = {}
        self.harakiri = 0
        self.asks: dict[str, str] = {}
        self.takers = {
            "listen": self._listen,
            "server_name": self._name,
            "client_max_body_size": self._size,
            "uwsgi_read_timeout": self._timeout,
            "proxy_read_timeout": self._timeout,
            **dict.fromkeys(PASSES, self._pass),
        }
        if len(apps) > 1:
            self.warnings.append(
                f"{path.name} has {len(apps)} servers that send requests to an app. A project is one app "
                f"with one site, so only the first was imported, from line {apps[0].line}."
            )

    def top(self, found: Iterable[Directive]) -> None:
        """Convert the directives outside of any server, which those of a server replace."""
        for directive in sorted(found, key=lambda one: one is self.server or one.name == "http"):
            if directive is self.server:
                folder = next(
                    (inner.words[0] for inner in directive.block if inner.name == "root" and inner.words),
                    "",
                )
                closed = nginx_guards.guards(directive.block)
                for inner in directive.block:
                    self._server(inner, folder, closed)
            elif directive.name == "http":
                self.top(directive.block)
            elif directive.name == "server":
                moves = (inner for inner in directive.within() if inner.name == "return")
                moved = any(inner.words[:1] in {("301",), ("302",)} for inner in moves)
                self.drop(
                    directive.block,
                    f"it redirects to HTTPS; {_TLS}" if moved else "it belongs to another site",
                )
            elif directive.name == "upstream":
                self.drop([directive, *directive.block], _ASKS)
            elif directive.name in self.takers:
                self._server(directive, "", {})
            elif _DEBIAN.fullmatch(directive.name):
                self.drop(directive.within(), _NO_SITE)
            else:
                self.drop(directive.within(), self.by_hand(ABOVE))

    def result(self) -> Imported:
        """Return all settings that were converted."""
        if self.listens and not set(self.listens) <= set(defaults()["nginx"]["listen"]):
            self.site["listen"] = self.listens
        if names := self.names.setting():
            self.site["server-name"] = names
        if self.named and not self.names.is_machines:
            self.warn(self.named, told(self.names.chosen))
        tables: dict[str, Mapping[str, Any]] = {
            "nginx": self.site,
            "static": self.static,
            "uwsgi": {"harakiri": self.harakiri} if self.harakiri else {},
        }
        settings: dict[str, Any] = {key: table for key, table in tables.items() if table}
        if secrets := self.secrets():
            settings["exclude"] = secrets
        return Imported(
            tuple(self.accounts),
            settings,
            tuple(dict.fromkeys([*self.warnings, *self.for_the_pi()])),
            asks=self.asks,
            when_served_by=self.when_served_by(),
        )

    def _server(self, directive: Directive, folder: str, closed: Mapping[str, Directive]) -> None:
        """Convert a directive of the site.

        ``folder`` is the root of its locations; ``closed`` are the directives that keep visitors out of it.
        """
        name = directive.name
        if name == "location":
            self._location(directive, folder, closed)
        elif taker := self.takers.get(name):
            taker(directive)
        elif name.startswith("ssl_") or name == "http2" or "letsencrypt" in directive.text:
            self._tls(directive)
        else:
            self._other(directive)

    def _other(self, directive: Directive) -> None:
        name = directive.name
        if self.in_location(directive):
            return
        included = f"include {posixpath.basename(directive.words[0])}" if directive.words else ""
        why = (
            _REASONS.get(name)
            or _REASONS.get(included)
            or (_ASKS if re.match("(uwsgi|proxy)_", name) else self.by_hand())
        )
        self.drop(directive.within(), why)
        for inner in directive.within():
            if inner.name != "return" and nginx_guards.closes(inner):
                self.warn(
                    inner,
                    f"'{nginx_parameters.shown(inner)}' restricted access, and nothing restricts it now. "
                    f"Write it {WRITE}.",
                )

    def _tls(self, directive: Directive) -> None:
        self.say(directive, "", _TLS)
        self.warnings.append(
            "The site used TLS. Add TLS on the Pi: run 'sudo certbot --nginx', or write your listen and "
            f"ssl lines {WRITE}."
        )

    def _listen(self, directive: Directive) -> None:
        address, *more = directive.words or ("",)
        if {"ssl", "quic"} & {*more} or re.search(r"(^|:)443$", address):
            self._tls(directive)
        elif "$" in address:
            self._by_other(directive)
        elif not re.fullmatch(r"((\*|0\.0\.0\.0|localhost|127\.0\.0\.1|\[::1?\]):)?[0-9]{1,5}", address):
            self.say(directive, "", "the address of one machine")
            self.warn(
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
            self.say(directive, "nginx.listen", why)

    def _name(self, directive: Directive) -> None:
        names = self.names.add(directive.words)
        if not names and any("$" in name and name != "$hostname" for name in directive.words):
            self._by_other(directive)
        elif not names:
            self.say(directive, "", "the default: the site answers to all names of a home network")
        elif self.names.is_machines:
            why = "with the names of a home network: the site also answered at the Pi's own address"
            self.say(directive, "nginx.server-name", why)
        else:
            self.say(directive, "nginx.server-name")
            self.named = directive

    def _size(self, directive: Directive) -> None:
        value = directive.words[0] if directive.words else ""
        if not re.fullmatch(r"[0-9]{1,12}[kKmMgG]?", value):
            self._by_other(directive)
            return
        self.site["client-max-body-size"] = value
        self.say(directive, "nginx.client-max-body-size")

    def _by_other(self, directive: Directive) -> None:
        """Account for a value that another program writes before nginx reads it."""
        self.say(directive, "", "not a value")
        key = {"listen": "listen", "server_name": "server-name"}.get(directive.name, "client-max-body-size")
        self.warn(
            directive,
            f"'{directive.text}' has no value that a setting can have, and was left out. Set it in the "
            f"table [nginx]: {key}",
        )

    def _timeout(self, directive: Directive) -> None:
        found = re.fullmatch(r"([0-9]{1,6})(s|m|h)?", directive.words[0] if directive.words else "")
        if not found:
            self.say(directive, "", _ASKS)
            return
        self.harakiri = max(self.harakiri, int(found[1]) * {"m": 60, "h": 3600}.get(found[2], 1))
        self.say(
            directive, "uwsgi.harakiri", "unless uWSGI has its own limit; nginx waits ten seconds longer"
        )

    def _pass(self, directive: Directive) -> None:
        for address in self.backends.read(directive).addresses:
            self.asks[address] = PASSES[directive.name]
        self.say(directive, "", _ASKS)

    def _location(self, directive: Directive, folder: str, outer: Mapping[str, Directive]) -> None:
        by_name = {inner.name: inner for inner in directive.block}
        place = by_name.get("alias") or by_name.get("root")
        where = place.words[0] if place and place.words else folder
        kind, pattern = directive.words if len(directive.words) == 2 else ("", " ".join(directive.words))
        closed = nginx_guards.guards(directive.block, outer)
        asked = next((inner for inner in directive.block if inner.name in PASSES), None)
        became = ""
        if asked and not self.backends.is_app(asked):
            self._elsewhere(directive, pattern, asked)
            return
        if asked:
            why = "the package's site sends all other requests to the app"
            self._path(directive, kind, pattern, asked)
        elif closed and (place or where) and pattern != "/":
            self._closed(directive, pattern, next(iter(closed.values())))
            return
        elif place or (where and pattern != "/" and kind != "="):
            became, why = self._static(directive, where, alias="alias" in by_name)
        else:
            why = self.by_hand()
        self.say(directive, became, why)
        for inner in directive.block:
            if inner is place:
                self.say(inner, became, "" if became else why)
            else:
                self._server(inner, where, closed)

    def _elsewhere(self, location: Directive, pattern: str, asked: Directive) -> None:
        """Account for a location whose requests another program answered."""
        self.drop(location.within(), self.by_hand())
        address = " and ".join(self.backends.read(asked).addresses)
        app = " and ".join(sorted(self.backends.app))
        self.warn(
            location,
            f"requests for {pattern} went to {address}, and not to the app at {app}. Now the app gets "
            f"them. To send them there again, write this location {WRITE}.",
        )

    def _closed(self, location: Directive, pattern: str, guard: Directive) -> None:
        """Account for a location with files that nginx did not give to everybody."""
        self.drop(location.within(), self.by_hand())
        self.warn(
            location,
            f"{pattern} was not open to all visitors ('{nginx_parameters.shown(guard)}'), but 'static' is, "
            "so it did not become 'static'. Now the app gets its requests, and nothing restricts them. To "
            f"serve or restrict it, write this location {WRITE}. The project's files are in "
            "/usr/lib/APP/current/app there.",
        )

    def _path(self, location: Directive, kind: str, pattern: str, asked: Directive) -> None:
        """Warn if the package's site does not pass the same path to the app."""
        if path := self.backends.moved(location, asked):
            also = self.backends.at_root and pattern[:1] != "@"
            keep = f"To keep {path}, write this location {WRITE}." if also else "Check its links."
            where = ("also at", "only at") if also else ("at", "at")
            self.warn(location, f"the app was {where[0]} {path}, and is now {where[1]} /. {keep}")
        elif not kind and pattern[:1] != "@" and pattern != "/" and not self.backends.at_root:
            self.warn(
                location,
                f"visitors reached the app at {pattern}. If it does not answer at /, set the page that "
                f'proves its health: health = "{pattern}"',
            )

    def _static(self, location: Directive, where: str, *, alias: bool) -> tuple[str, str]:
        """Convert a location with files in the folder ``where``; return the key, and a reason."""
        kind, pattern = location.words if len(location.words) == 2 else ("", " ".join(location.words))
        urls = [pattern]
        if kind in {"~", "~*"}:
            found = re.fullmatch(r"\^?/(?:\(\?:|\()?([\w|-]+)\)?(/.*)?\$?", pattern)
            urls = [f"/{name}/" for name in found[1].split("|")][:_MANY] if found and not alias else []
        both = [
            self._public(location, url, where if alias else f"{where.rstrip('/')}/{url.strip('/')}")
            for url in urls
        ]
        if not both:
            return "", f"'static' supports prefixes, not regular expressions; {self.by_hand()}"
        return max(became for became, _ in both), "; ".join(why for _, why in both)

    def _public(self, location: Directive, url: str, folder: str) -> tuple[str, str]:
        """Convert the ``folder`` at ``url``, unless a part of it was not public."""
        inner = nginx_guards.exception(self.server, url) if self.server else None
        if not inner:
            return places.static(self.root, self.static, url, folder)
        self.warn(
            location,
            f"a part of {url} was not open to all visitors (line {inner.line}), but all of "
            f"a 'static' folder is. It did not become 'static'. To serve it, write both locations {WRITE}.",
        )
        return "", self.by_hand()
