"""The keys of ``[tool.debonair]``: their types, their defaults, and the errors for wrong ones.

This module has the types, and ``packaging/defaults.toml`` the defaults. The JSON Schema for editors is
generated from both.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from debonair import target
from debonair.errors import ProjectError
from debonair.host import decoder
from debonair.host.terminal import line
from debonair.project import reader, unquoted
from debonair.project.pyproject import plain
from debonair.resources import resource

Option = bool | int | str
"""A value of a uWSGI option."""

LOOPS = frozenset({"gevent", "asyncio", "async"})
"""uWSGI's options with which a process answers many requests without threads; both together mix them up."""
PROCESSES = ("processes", "workers", "p")
"""The names of uWSGI's option for the number of web processes. uWSGI itself does not accept ``auto``."""


class Nginx(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The nginx site."""

    server_name: Annotated[
        str, Meta(description="nginx's server_name; empty: all names of a home network; '~.': every name")
    ]
    listen: Annotated[
        list[str], Meta(description="the values of nginx's listen, one per item", min_length=1)
    ]
    client_max_body_size: Annotated[str, Meta(description="maximum size of an upload, such as 10m")]


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The systemd unit."""

    memory_max: Annotated[
        str, Meta(description="memory limit of all the app's processes (MemoryMax), such as 200M")
    ]
    cpu_weight: Annotated[
        int,
        Meta(
            description="share of the CPU (CPUWeight); other services have 100; 0: not set", ge=0, le=10000
        ),
    ]
    network: Annotated[bool, Meta(description="whether the app can open network connections")]
    environment: Annotated[
        dict[str, str], Meta(description="variables for the app; do not put secrets here")
    ]
    proc: Annotated[
        Literal["pid", "all"],
        Meta(description="what the app sees in /proc (ProcSubset): its own processes, or the machine too"),
    ]


class Worker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A command that runs for as long as the app does."""

    command: Annotated[
        str, Meta(description="a command line that runs in the app's environment", min_length=1)
    ]


class Timer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A command that runs now and then."""

    command: Annotated[
        str, Meta(description="a command line that runs in the app's environment", min_length=1)
    ]
    calendar: Annotated[
        str, Meta(description="when it runs, in the format of systemd.time(7), such as daily", min_length=1)
    ]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The whole table."""

    package: Annotated[
        str, Meta(description="name of the Debian package [default: [project].name in lower case]")
    ]
    version: Annotated[str, Meta(description="version of the app (PEP 440) [default: [project].version]")]
    from_pypi: Annotated[
        str, Meta(description="package the application from the package index, such as isso==0.13")
    ]
    wsgi: Annotated[str, Meta(description="the WSGI application: module:callable, or module:factory()")]
    server: Annotated[
        Literal["uwsgi", "command"],
        Meta(description="the web server of the app: uWSGI, or the app's own 'command'"),
    ]
    command: Annotated[
        str, Meta(description="command line of the app's own web server, which listens on $SOCKET")
    ]
    install: Annotated[
        Literal["", "files", "wheel"],
        Meta(description="install the app's files as they are, or the wheel that its build backend builds"),
    ]
    targets: Annotated[
        list[str], Meta(description="targets to build for; see 'debonair targets'", min_length=1)
    ]
    maintainer: Annotated[
        str, Meta(description="maintainer, as Name <mail> [default: the first of [project].authors]")
    ]
    description: Annotated[str, Meta(description="one line about the app [default: [project].description]")]
    requirements: Annotated[
        list[str],
        Meta(description="Python packages that the app needs in addition to those that its files list"),
    ]
    depends: Annotated[list[str], Meta(description="additional Debian packages that the app needs")]
    system_site_packages: Annotated[
        bool, Meta(description="whether the app can import Debian's Python packages")
    ]
    sdists: Annotated[
        Literal["pure", "allow"],
        Meta(
            description="packages without a wheel: build only pure Python, or also compile for the target"
        ),
    ]
    build_depends: Annotated[
        dict[str, list[str]],
        Meta(description="Debian packages needed to build a Python package, by its name"),
    ]
    hardware: Annotated[
        list[Literal["gpio", "i2c", "spi", "uart", "camera", "video", "audio", "usb"]],
        Meta(description="hardware of the board that the app opens"),
    ]
    waive: Annotated[
        list[str],
        Meta(
            description="Python packages to accept although their compiled files may not run on the target"
        ),
    ]
    piwheels: Annotated[
        bool,
        Meta(description="for 32-bit targets, use wheels of piwheels.org if the index has no wheel"),
    ]
    health: Annotated[
        str, Meta(description="path of the health page; a status below 400 means that the app is healthy")
    ]
    health_timeout: Annotated[
        int, Meta(description="seconds that a new release has to become healthy", ge=1)
    ]
    migrate: Annotated[str, Meta(description="command that prepares the data for a release")]
    migrate_timeout: Annotated[int, Meta(description="seconds that 'migrate' may take", ge=1)]
    emperor: Annotated[
        Literal["own", "system"],
        Meta(description="run the app in its own emperor, or in that of Debian's package uwsgi-emperor"),
    ]
    sleep_after: Annotated[
        str, Meta(description="stop the app after this time without a request, such as 15min")
    ]
    keep_releases: Annotated[int, Meta(description="number of releases to keep on the Pi", ge=1)]
    collect: Annotated[
        str,
        Meta(description="command to run at build time, whose files are packaged, such as collectstatic"),
    ]
    include: Annotated[list[str], Meta(description="files to package, as patterns of .gitignore")]
    exclude: Annotated[
        list[str],
        Meta(description="files to leave out in addition to the default, as patterns of .gitignore"),
    ]
    writable: Annotated[
        list[str], Meta(description="files and folders beside the code that the app writes to")
    ]
    static: Annotated[dict[str, str], Meta(description="folders that nginx serves, by URL prefix")]
    uwsgi: Annotated[
        dict[str, Option | list[Option]], Meta(description="options of uWSGI; processes may be auto")
    ]
    nginx: Nginx
    service: Service
    workers: Annotated[dict[str, str | Worker], Meta(description="commands that run permanently, by name")]
    timers: Annotated[dict[str, Timer], Meta(description="commands that run on a schedule, by name")]


@cache
def defaults() -> dict[str, Any]:
    """Return the defaults from ``packaging/defaults.toml``."""
    return tomllib.loads(resource("packaging/defaults.toml").read_text())


def usual_suite() -> str:
    """Return the suite of a build without a named target."""
    return target.load(defaults()["targets"][0]).suite


def read(table: Mapping[str, Any], *, file: Path, prefix: str) -> Settings:
    """Return the settings of ``table``, which was read from ``file``, over the defaults.

    ``prefix`` is the table's name in that file: ``tool.debonair``, or empty. The user's values in
    ``[uwsgi]`` and ``exclude`` are added to the defaults; all others replace them. Raises ``ProjectError``
    for a wrong type, and for an unknown key, with the key that was probably meant.
    """
    base = defaults()
    for path in _unknown(table, base):
        _refuse_unknown(path, file, prefix)
    merged: dict[str, Any] = {}
    for key, default in base.items():
        value = table.get(key, default)
        if isinstance(default, dict) and isinstance(value, Mapping):
            value = {**default, **value}
            if key == "uwsgi" and LOOPS & value.keys() and "threads" not in table[key]:
                del value["threads"]
        elif key == "exclude" and isinstance(value, list):
            value = default if value is default else [*default, *value]
        merged[key] = value
    for key, text in _texts(table):
        if why := _control(key, text):
            raise ProjectError(
                f"{file.name}: '{_dotted(prefix, key)}' {why}.", hint="Write it on one line, without it."
            )
    try:
        return decoder.converted(merged, Settings)
    except msgspec.ValidationError as wrong:
        message, _, where = str(wrong).partition(" - at `$")
        key = where.rstrip("`").lstrip(".")
        raise ProjectError(
            f"{file.name}: '{_dotted(prefix, key)}' is wrong: {plain(message)}.",
            hint=("" if _is_choice(key) else unquoted.hint(message, key, table, file))
            or "'debonair schema' lists the keys and their types.",
        ) from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a debonair.toml, and of ``[tool.debonair]``, with the defaults."""
    found = msgspec.json.schema(Settings)
    for definition, values in (
        ("Settings", defaults()),
        ("Nginx", defaults()["nginx"]),
        ("Service", defaults()["service"]),
    ):
        table = found["$defs"][definition]
        del table["required"]
        for key, value in table["properties"].items():
            value["default"] = values[key]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Debonair", **found}


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in ``value``, and every name, with the key that leads to it."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{key}.{name}".lstrip("."), name
            yield from _texts(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)


def _control(key: str, text: str) -> str:
    """Return why ``text`` may not be a setting; a systemd unit, for one, is made of lines."""
    if key == "description":  # its lines are joined
        return ""
    return reader.control(re.sub(r"[\n\t]", "", text) if key == "collect" else text)


def _is_choice(key: str) -> bool:
    """Tell whether ``key`` has only a few possible values."""
    return "Literal" in Settings.__annotations__.get(key.partition("[")[0].replace("-", "_"), "")


def _unknown(table: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if key not in base:
            yield (key,)
        elif key in {"nginx", "service"} and isinstance(value, Mapping):
            yield from ((key, inner) for inner in value if inner not in base[key])


def _refuse_unknown(path: tuple[str, ...], file: Path, prefix: str) -> None:
    base = defaults()
    known: set[tuple[str, ...]] = {(key,) for key in base}
    known |= {(key, inner) for key in ("nginx", "service", "uwsgi") for inner in base[key]}
    by_text = {".".join(key): key for key in sorted(known)}
    # Suggest the right name in another table, or else a similar name.
    close = [text for text, key in by_text.items() if key[-1] == path[-1].replace("_", "-")][:1]
    close = close or difflib.get_close_matches(".".join(path), by_text, n=1, cutoff=0.6)
    raise ProjectError(
        f"{file.name}: there is no key '{_dotted(prefix, '.'.join(path))}'.",
        hint=f"Did you mean '{_dotted(prefix, close[0])}'?"
        if close
        else "'debonair schema' lists the keys. Options of uWSGI itself go under [uwsgi].",
    )


def _dotted(prefix: str, key: str) -> str:
    return line(".".join(part for part in (prefix, key) if part))
