"""Facts about other people's packages, as data in ``packaging/discovery.toml``."""

from __future__ import annotations

import tomllib
from functools import cache, cached_property

import msgspec

from debonair.host import decoder
from debonair.resources import resource


class Opens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module that accesses a part of the board."""

    opens: str
    """A value of the key ``hardware``."""
    debian: str
    """The module's package in Debian, or in Raspberry Pi OS."""
    name: str
    """The module's package on the package index, normalised (PEP 503)."""
    system: bool = False
    """True if only Debian's package can be installed."""
    replaces: tuple[str, ...] = ()
    """The packages of the package index with the same module that do not work, normalised."""
    through: str = ""
    """The module in the same table by which this one opens the board, if it needs one."""

    @property
    def left_out(self) -> frozenset[str]:
        """The packages of the package index that Debian's package takes the place of, normalised."""
        return frozenset((self.name, *self.replaces) if self.system else ())


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A need of a package of the index that Debian fulfils."""

    module: str
    """The module that the package contains."""
    debian: tuple[str, ...]


LEGACY_ZONES = "tzdata-legacy | base-files (<< 13)"
"""The relation to Debian's old names of time zones. Debian 12 has them in tzdata, and no tzdata-legacy."""


class Gone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module, or a name in one, that was removed."""

    since: str
    """The first Python without the module; empty if the module was a package's."""
    instead: str
    package: str = ""
    """The package on the index that has the same module; empty if no package has it."""


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Versions of a package that cannot be imported."""

    breaks: str
    """The broken versions (PEP 440)."""
    since: str = ""
    """The first Python that cannot import them."""
    beside: str = ""
    """The package whose current release is incompatible with these versions."""


class Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of application that uWSGI cannot serve."""

    what: str
    server: str = ""
    """The server in ``[servers]`` that serves it; empty if unknown."""
    listens: str = ""
    """The call that makes the app's own script listen on ``$SOCKET``; empty if unknown."""
    runs: str = ""
    """The command that serves it without such a script. ``MODULE``, ``NAME`` and ``VALUE`` are replaced."""
    lacks: str = ""
    """A sentence, without its full stop, that tells why nothing can serve it; empty for all others."""


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A server of applications that uWSGI cannot serve."""

    command: str
    """The command line without the application."""
    factory: str = ""
    """The option for the name of a factory; without it, the server calls ``main:create_app()`` itself."""
    comes_with: tuple[str, ...] = ()
    """The requirements that install it, normalised (PEP 503), some with an extra."""
    asgi: bool = True
    """False if it serves WSGI only."""


class Launch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A framework that starts a server by itself, so that it must be started in another way."""

    what: str
    modules: tuple[str, ...] = ()
    """The top-level modules that a script imports; empty if it is only the framework's name."""
    calls: tuple[str, ...] = ()
    """The ends of the full names of calls that start the server; empty if every script is served."""
    makes: str = ""
    """The full name of the call that creates the object to serve; empty if the script is run."""
    wsgi: bool = False
    """True if uWSGI serves it."""
    unguarded: bool = False
    """True if the call matters only where importing the module runs it."""
    scripts: tuple[str, ...] = ()
    """The usual names of its scripts, the most usual first."""


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]


class _Wrappers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    endings: tuple[str, ...]


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", dict=True):
    """The whole file; names are written in full, as in an import."""

    wsgi: dict[str, str]
    wsgi_methods: dict[str, str]
    wsgi_values: dict[str, str]
    wrappers: _Wrappers
    others: dict[str, Other]
    launches: dict[str, Launch]
    servers: dict[str, Server]
    live: dict[str, str]
    hardware: dict[str, Opens]
    programs: dict[str, Program]
    proc: _Names
    gone: dict[str, Gone]
    pins: dict[str, Pin]
    packages: dict[str, str]
    actions: dict[str, list[str]]
    """Words in the path of a page that name an action, under ``words``."""
    zones: dict[str, list[str]]
    """The names of time zones that only the package ``tzdata-legacy`` has, under ``legacy``."""

    @cached_property
    def exported(self) -> frozenset[str]:
        """The full names that decide what an application is, which a module may get by ``import *``."""
        calls = (call for each in self.launches.values() for call in (*each.calls, each.makes))
        return frozenset({*self.wsgi, *self.wsgi_values, *self.others, *calls})


@cache
def known() -> Known:
    """Return the contents of the file."""
    return decoder.converted(tomllib.loads(resource("packaging/discovery.toml").read_text()), Known)
