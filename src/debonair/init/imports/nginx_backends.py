"""Find the programs to which a site passed requests, and the app among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from debonair.init.imports import places
from debonair.init.imports.directives import Directive

PASSES = {"uwsgi_pass": "uwsgi", "proxy_pass": "http", "fastcgi_pass": "fastcgi", "scgi_pass": "scgi"}
_PASS = re.compile(r"((?:https?|uwsgi)://)?(unix:[^:\s]*|[^/\s]*):?(/\S*)?")
_LOGIN = re.compile(r"^[^/\s@]*@")
_PREFIXES = {"script-name", "x-script-name", "x-forwarded-prefix"}
"""The headers and variables that tell an app the path below which it is."""


@dataclass(frozen=True)
class Backend:
    """A program that answers requests."""

    addresses: tuple[str, ...]
    """Its addresses in a normal form; several belong to an upstream."""
    path: str
    """The path that replaces that of the location, if the directive names one."""


class Backends:
    """The backends of a site."""

    def __init__(self, server: Directive | None, every: Iterable[Directive]) -> None:
        self.upstreams: dict[str, list[str]] = {}
        self.values: dict[str, str] = {}
        for directive in every:
            if directive.name == "upstream" and directive.words:
                members = [inner for inner in directive.block if inner.name == "server" and inner.words]
                self.upstreams[directive.words[0]] = [member.words[0] for member in members]
            elif directive.name == "set" and len(directive.words) == 2:
                self.values[directive.words[0]] = directive.words[1]
        app = self._app(server) if server else None
        self.app = frozenset(self.read(app).addresses if app else ())
        """The addresses of the app."""
        self.at_root = bool(app and app in _root(server))
        """True if the app answers for the whole site."""

    def read(self, directive: Directive) -> Backend:
        """Return the backend of a directive such as ``proxy_pass``."""
        asked = directive.words[0] if directive.words else ""
        asked = re.sub(r"\$\w+", lambda found: self.values.get(found[0], found[0]), asked)
        found = _PASS.fullmatch(asked)
        name = _LOGIN.sub("", found[2] if found else asked)
        members = self.upstreams.get(name, [name])
        return Backend(
            tuple(_address(member, (found[1] or "") if found else "") for member in members),
            (found[3] or "") if found and directive.name == "proxy_pass" else "",
        )

    def is_app(self, directive: Directive) -> bool:
        """Return whether ``directive`` passes requests to the app, as far as nginx's variables allow."""
        addresses = self.read(directive).addresses
        return bool(self.app & set(addresses)) or any("$" in address for address in addresses)

    def moved(self, location: Directive, directive: Directive) -> str:
        """Return the path at which visitors reached the app, if the app saw another one; else nothing."""
        pattern = location.words[-1] if location.words else ""
        for inner in location.block:
            words = inner.words
            if inner.name in {"uwsgi_param", "proxy_set_header"} and len(words) > 1:
                name = words[0].lower().replace("_", "-").removeprefix("http-")
                if name in _PREFIXES and words[1].strip("/"):
                    return pattern if "$" in words[1] else words[1]
            elif (inner.name, words[-1:]) in {("rewrite", ("break",)), ("uwsgi_modifier1", ("30",))}:
                return pattern
        path = self.read(directive).path
        plain = len(location.words) == 1 and not pattern.startswith("@")
        return pattern if plain and path and path.rstrip("/") != pattern.rstrip("/") else ""

    def _app(self, server: Directive) -> Directive | None:
        """Return the directive that passes requests to the app: for all of the site, or else the first.

        uWSGI's protocol is only for apps, so it comes before HTTP.
        """
        passes = [inner for inner in server.within() if inner.name in PASSES and inner.words]
        kind = min((list(PASSES).index(inner.name) for inner in passes), default=0)
        passes = [inner for inner in passes if inner.name == list(PASSES)[kind]]
        root = _root(server)
        return next((inner for inner in passes if inner in root), next(iter(passes), None))


def _root(server: Directive | None) -> list[Directive]:
    """Return the directives that pass requests for any page, in the location / or a named one it uses."""
    locations = [inner for inner in server.within() if inner.name == "location"] if server else []
    root = [inner for inner in locations if inner.words[-1:] == ("/",) and inner.words[0] != "="]
    block = [*(root or [server] if server else [])]
    names = {word for outer in block for inner in _tries(outer) for word in inner.words if word[:1] == "@"}
    reached = [*root, *(inner for inner in locations if inner.words[-1:] and inner.words[-1] in names)]
    return [inner for location in reached for inner in location.block if inner.name in PASSES]


def _tries(block: Directive) -> Iterator[Directive]:
    return (inner for inner in block.block if inner.name in {"try_files", "error_page"})


def _address(text: str, scheme: str) -> str:
    found = places.address(text)
    is_port = bool(re.search(r":\d+$", found)) or ".sock" in found or text.startswith("unix:")
    return found if is_port or not scheme.startswith("http") else places.address(f"{text}:80")
