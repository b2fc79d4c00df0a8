"""Judge the directives by which a site told an app about requests, or changed how they reach it."""

from __future__ import annotations

import re
import tomllib
from functools import cache

from debonair.init.imports import variables
from debonair.init.imports.directives import Directive
from debonair.resources import resource

_SAME = {
    "host", "connection", "upgrade", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "x-real-ip",
}  # fmt: skip
"""Headers that the package's site sets itself."""
_UNNEEDED = ("scheme", "address", "place", "proxy")
"""The groups of nginx-sites/headers.toml that tell an app the same in another way."""
_UWSGI = re.compile(
    "UWSGI_|SCRIPT_NAME$|X_FORWARDED_PREFIX$|HTTP_CONTENT_|CONTENT_|HTTP_(UPGRADE|CONNECTION)$"
)
_TUNING = re.compile(
    r"(?:uwsgi|proxy)_(buffering|request_buffering|buffers|buffer_size|busy_buffers_size|ignore_client_abort"
    r"|intercept_errors|next_upstream\w*|cache\w*|no_cache|hide_header|pass_header|ignore_headers|limit_rate"
    r"|max_temp_file_size|force_ranges|store\w*|pass_request_headers|pass_request_body)"
)
_LOGIN = re.compile(r"//[^/\s:@]*:[^/\s@]+@")
_CREDENTIALS = {"authorization", "proxy-authorization", "cookie"}
_ASSIGNS = {"set", "add_header", "uwsgi_param", "fastcgi_param", "scgi_param", "proxy_set_header"}


@cache
def _known() -> frozenset[str]:
    """Return the variables and headers that a site need not set, in lower case."""
    names = re.findall(
        r"^uwsgi_param (\w+)", resource("nginx-sites/uwsgi_params.in").read_text(), re.MULTILINE
    )
    groups: dict[str, list[str]] = tomllib.loads(resource("nginx-sites/headers.toml").read_text())
    headers = {name.lower() for group in _UNNEEDED for name in groups[group]}
    return frozenset({name.lower() for name in names} | headers | _SAME)


def lines(directive: Directive) -> tuple[str, str]:
    """Return ``directive`` as a line for the app's location on the Pi.

    The first form is for an app that uWSGI serves, the second for an app with its own web server. Both are
    empty if the package's site does not need the directive.
    """
    text = shown(directive)
    if directive.name in {"uwsgi_param", "proxy_set_header"} and len(directive.words) > 1:
        name = directive.words[0]
        header = (
            name.removeprefix("HTTP_").replace("_", "-").title() if "_" in name or name.isupper() else name
        )
        variable = name if directive.name == "uwsgi_param" else f"HTTP_{name.upper().replace('-', '_')}"
        if {name.lower(), header.lower(), variable.lower()} & _known() or _UWSGI.match(variable):
            return "", ""
        value = text.split(None, 2)[2]
        return f"uwsgi_param {variable} {value};", f"proxy_set_header {header} {value};"
    found = _TUNING.fullmatch(directive.name)
    if not found or directive.words == ("on",):
        return "", ""
    rest = text.removeprefix(directive.name)
    return f"uwsgi_{found[1]}{rest};", f"proxy_{found[1]}{rest};"


def shown(directive: Directive) -> str:
    """Return the text of ``directive`` without the values of secrets."""
    text, words = directive.text, directive.words
    if directive.name in _ASSIGNS and len(words) > 1:
        text = _without(text, words[0], words[1])
    elif directive.name == "if" and len(words) > 1:
        name = re.sub(r"^\(?\$(http|arg|cookie)?_?", "", words[0])
        text = _without(text, name, words[-1].rstrip(")"))
    return _LOGIN.sub("//...@", text)


def _without(text: str, name: str, value: str) -> str:
    plain = re.sub(r"\W", "_", name).strip("_") or "_"
    secret = name.lower() in _CREDENTIALS or variables.judge(plain, value).secret
    if not value or not secret or re.fullmatch(r"\$\w+|\$\{\w+\}", value):
        return text
    return text.replace(value, "...") if value in text else f"{text.split(None, 1)[0]} {name} ..."
