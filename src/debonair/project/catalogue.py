"""What is known of other people's code, as it stands in ``packaging/discovery.toml``."""

from __future__ import annotations

import tomllib
from functools import cache

import msgspec

from debonair.host import decoder
from debonair.resources import resource


class Opens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module that talks to a part of the board."""

    opens: str
    """A word of the key ``hardware``."""
    debian: str
    """Its package in Debian, or in Raspberry Pi OS."""
    name: str
    """Its name on the package index, normalised (PEP 503)."""


class Gone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module, or a name in one, that is no longer there."""

    since: str
    """The first Python without it; empty if it was a package's."""
    instead: str


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Versions of a package that cannot be imported."""

    breaks: str
    """Which (PEP 440)."""
    since: str = ""
    """The first Python that cannot."""
    beside: str = ""
    """The package that they do not go with in its current release."""


class Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What uWSGI cannot serve."""

    what: str
    server: str = ""
    """One of the servers, if it is known which serves it."""
    listens: str = ""
    """What makes its own script serve it on ``$SOCKET``, if that is known."""


class _Wrappers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    endings: tuple[str, ...]


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The whole file; names are in full, as they are imported."""

    wsgi: dict[str, str]
    wsgi_methods: dict[str, str]
    wsgi_values: dict[str, str]
    wrappers: _Wrappers
    others: dict[str, Other]
    servers: dict[str, str]
    hardware: dict[str, Opens]
    gone: dict[str, Gone]
    pins: dict[str, Pin]
    packages: dict[str, str]


@cache
def known() -> Known:
    """Return what is known."""
    return decoder.converted(tomllib.loads(resource("packaging/discovery.toml").read_text()), Known)
