"""Find the locations of a site that nginx did not open to every visitor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from debonair.init.imports.directives import Directive
from debonair.init.imports.nginx_backends import PASSES

_GROUPS = {
    "allow": "address", "deny": "address", "auth_basic": "basic", "auth_request": "request",
    "auth_jwt": "jwt",
    "ssl_verify_client": "client", "internal": "internal", "return": "return", "if": "if",
}  # fmt: skip
"""The directives that keep visitors out. Those of one group replace those of the blocks around."""
_OWN = {"internal", "return", "if"}
"""The groups that nginx does not apply to the locations inside."""
_NONE: Mapping[str, Directive] = MappingProxyType({})
_REGEX = {"~", "~*"}


def guards(block: Iterable[Directive], outer: Mapping[str, Directive] = _NONE) -> dict[str, Directive]:
    """Return the directives that keep visitors out of ``block``, by group.

    ``outer`` are those of the block around it.
    """
    groups: dict[str, list[Directive]] = {}
    for directive in block:
        if group := _GROUPS.get(directive.name):
            groups.setdefault(group, []).append(directive)
    found = {group: guard for group, guard in outer.items() if group not in groups and group not in _OWN}
    closed = {group: next(filter(closes, those), None) for group, those in groups.items()}
    return found | {group: guard for group, guard in closed.items() if guard}


def closes(directive: Directive) -> bool:
    """Return whether ``directive`` keeps visitors out."""
    match directive.name:
        case "internal" | "deny":
            return True
        case "return":
            return bool(re.fullmatch("4[0-9]{2}", "".join(directive.words[:1])))
        case "if":
            return any(closes(inner) for inner in directive.block)
        case "allow":
            return False
        case name:
            return name in _GROUPS and directive.words[:1] != ("off",)


def exception(server: Directive, url: str) -> Directive | None:
    """Return a location of ``server`` below ``url`` that is not public, or None.

    Either nginx keeps visitors out of it, or it asks the app, which may do that.
    """
    for location in server.within():
        if location.name != "location" or not location.words or not _is_below(location, url):
            continue
        if guards(location.block) or any(inner.name in PASSES for inner in location.within()):
            return location
    return None


def _is_below(location: Directive, url: str) -> bool:
    pattern = location.words[-1]
    if len(location.words) > 1 and location.words[0] in _REGEX:
        return f"/{url.strip('/')}/" in pattern.replace("\\", "")
    return pattern.startswith(url) and pattern.rstrip("/") != url.rstrip("/")
