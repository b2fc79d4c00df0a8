"""The sources of Python distributions that the owner of this machine configured.

uv reads its own configuration. If that does not name an index, pip's configuration is passed to uv. So a
machine with a configuration for either works (pip's documentation, 'Configuration').
"""

from __future__ import annotations

import configparser
import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from debonair import target
from debonair.errors import ProjectError
from debonair.project import reader

_UV_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_CONFIG_FILE",
)
_UV_KEYS = ("index", "index-url", "extra-index-url", "find-links", "no-index")
_PLAIN = re.compile(r"[^\x00-\x20\x7f\\]+")
"""An address without blanks, control characters and backslashes."""
_LONGEST = 100  # characters of an address in a message
_PIP_KEYS = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert")


@dataclass(frozen=True, slots=True)
class Index:
    """The parts of pip's configuration that uv's own configuration does not set."""

    url: str = ""
    extra: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    alone: bool = False
    """True to use no index, only ``links``."""
    trusted: tuple[str, ...] = ()
    certificate: str = ""
    """The file of the certificate authorities to trust."""

    @property
    def has_local(self) -> bool:
        """Tell whether a folder of this machine is among the extra places."""
        return any(_folder(place) for place in (*self.extra, *self.links))

    def options(self, *, local: bool) -> list[str]:
        """Return the options for uv; folders of this machine are left out unless ``local``.

        A lock is for every target and every machine. But a folder contains the files that this machine
        needed, often for its own processor only. uv would choose a version that only this folder has.
        """
        kept = [place for place in self.extra if local or not _folder(place)]
        links = [place for place in self.links if local or self.alone or not _folder(place)]
        words = ["--default-index", self.url] if self.url else []
        for place in kept:
            words += ["--index", place]
        if kept:
            # Take the best version of any index, like pip, not only of the first that has the name.
            words += ["--index-strategy", "unsafe-best-match"]
        for place in links:
            words += ["--find-links", place]
        for host in self.trusted:
            words += ["--allow-insecure-host", host]
        return [*words, "--no-index"] if self.alone else words


def of(environ: Mapping[str, str], root: Path, *, base: Path = Path("/")) -> Index:
    """Return the configuration to pass to uv for the project in ``root``.

    ``environ`` is the environment; ``base`` is the root of the file system to read from.
    """
    settings = _pip(environ, base)
    if _configures_uv(environ, root, base):
        return Index(certificate=settings.get("cert", ""))
    return Index(
        url=settings.get("index-url", ""),
        extra=tuple(
            place
            for place in settings.get("extra-index-url", "").split()
            if _reachable(place) and place.rstrip("/") not in _apart()
        ),
        links=tuple(filter(_reachable, settings.get("find-links", "").split())),
        alone=settings.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        trusted=tuple(settings.get("trusted-host", "").split()),
        certificate=settings.get("cert", ""),
    )


def origin(url: str) -> str:
    """Return scheme, host and port of ``url``, as in ``https://index.example:443``; empty if it has none.

    A server on another port, or with another scheme, is a different server (RFC 6454).
    """
    try:
        address = urlsplit(url)
        port = address.port or {"https": 443, "http": 80}.get(address.scheme, 0)
    except ValueError:
        return ""
    return f"{address.scheme}://{address.hostname}:{port}" if address.hostname and port else ""


def unambiguous(url: str) -> SplitResult:
    """Return the parts of ``url``. Raises ``OSError`` if programs may read different servers in it.

    urllib's reading decides which password is sent, and urllib3's where it is sent to. They read some
    addresses differently, such as those with a backslash before an ``@`` (WHATWG URL).
    """
    from urllib3.exceptions import LocationParseError  # noqa: PLC0415 - slow to import
    from urllib3.util import parse_url  # noqa: PLC0415

    wrong = OSError(f"the address {_shown(url)} does not name one server")
    if not _PLAIN.fullmatch(url):
        raise wrong
    try:
        found, other = urlsplit(url), parse_url(url)
        hosts = {(found.hostname or "").strip("[]"), (other.host or "").strip("[]").lower()}
        if len(hosts) > 1 or found.port != other.port:
            raise wrong
    except (ValueError, LocationParseError):
        raise wrong from None
    return found


def _shown(url: str) -> str:
    """Return ``url`` for a message: without control characters, and without what may be a password."""
    return repr(re.sub(r"//.*@", "//", url)[:_LONGEST])


def credentials(environ: Mapping[str, str], *, base: Path = Path("/")) -> dict[str, tuple[str, str]]:
    """Return the name and password for each origin, from the addresses of the configured indexes.

    uv writes the addresses to a lock without them.
    """
    settings = _pip(environ, base)
    places = [settings.get(key, "") for key in ("index-url", "extra-index-url", "find-links")]
    places += [environ.get(name, "") for name in _UV_VARIABLES[:-1]]
    found = dict[str, tuple[str, str]]()
    for address in _addresses(places):
        if address.username and (place := origin(address.geturl())):
            found[place] = (unquote(address.username), unquote(address.password or ""))
    return found


def further(environ: Mapping[str, str], root: Path, *, base: Path = Path("/")) -> frozenset[str]:
    """Return the hosts of all configured places except the default index.

    Their files may be private. The project is in ``root``.
    """
    settings = _pip(environ, base)
    places = [settings.get(key, "") for key in ("extra-index-url", "find-links")]
    places += [environ.get(name, "") for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")]
    files = [*_uv_files(environ, root, base), Path(environ.get("UV_CONFIG_FILE") or os.devnull)]
    keys = ("extra-index-url", "find-links")
    places += [place for path in files for place in _listed(path, keys, without="default")]
    return frozenset(address.hostname for address in _addresses(places) if address.hostname)


def addresses(environ: Mapping[str, str], root: Path, *, base: Path = Path("/")) -> frozenset[str]:
    """Return the places in which a package without a place of its own is searched, as of ``address``.

    The project is in ``root``.
    """
    keys = ("index-url", "extra-index-url", "find-links")
    if _configures_uv(environ, root, base):
        places = [environ.get(name, "") for name in _UV_VARIABLES[:-1]]
        files = [*_uv_files(environ, root, base), Path(environ.get("UV_CONFIG_FILE") or os.devnull)]
        places += [place for path in files for place in _listed(path, keys, without="explicit")]
    else:
        settings = _pip(environ, base)
        places = [settings.get(key, "") for key in keys]
    return frozenset(address(found.geturl()) for found in _addresses(places))


def address(url: str) -> str:
    """Return ``url`` without its name and password, and without a final slash."""
    with suppress(ValueError):  # brackets that are not an address
        parts = urlsplit(url)
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return url.rstrip("/")


def _addresses(places: Iterable[str]) -> Iterator[SplitResult]:
    """Yield each address in ``places``, texts that may contain several."""
    for place in " ".join(places).replace(",", " ").split():
        # uv allows a name before an address: UV_INDEX="internal=https://..."
        with suppress(ValueError):  # brackets that are not an address: uv or pip reports them
            yield urlsplit(place[place.find("=") + 1 :] if "=" in place.partition("://")[0] else place)


def certificate(environ: Mapping[str, str], *, base: Path = Path("/")) -> str:
    """Return the file of the certificate authorities that pip trusts, or an empty text."""
    return _pip(environ, base).get("cert", "")


def _pip(environ: Mapping[str, str], base: Path) -> dict[str, str]:
    """Return pip's settings by their long option names: files, then environment."""
    settings = dict[str, str]()
    for path in _pip_files(environ, base):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself reports what is wrong with it
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for key in _PIP_KEYS:
        if value := environ.get("PIP_" + key.upper().replace("-", "_")):
            settings[key] = value
    return settings


def _pip_files(environ: Mapping[str, str], base: Path) -> Iterator[Path]:
    """Yield the files that pip would read, the strongest last."""
    chosen = environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return
    for folder in reversed(environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)):
        yield base / folder.lstrip("/") / "pip/pip.conf"
    yield base / "etc/pip.conf"
    if home := environ.get("HOME"):
        yield Path(home) / ".pip/pip.conf"
    if config := _config(environ):
        yield config / "pip/pip.conf"
    yield base / sys.prefix.lstrip("/") / "pip.conf"
    if chosen:
        yield Path(chosen)


def _uv_files(environ: Mapping[str, str], root: Path, base: Path) -> Iterator[Path]:
    """Yield the files that uv would read."""
    yield from _of_project(root)
    if config := _config(environ):
        yield config / "uv/uv.toml"
    yield base / "etc/xdg/uv/uv.toml"
    yield base / "etc/uv/uv.toml"


def own_choices(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return variables that make uv ignore what the project in ``root`` decides for its author's machine.

    A project that somebody else wrote could name any folder for uv's cache. It could make uv run a program
    that knows the author's passwords. The author's variables and own configuration files are respected.
    """
    found = dict[str, str]()
    tables = [table for path in _of_project(root) for table in _uv_tables(path)]
    if "UV_CACHE_DIR" not in environ and any("cache-dir" in table for table in tables):
        home = Path(environ.get("HOME") or "/")
        found["UV_CACHE_DIR"] = str(Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "uv")
    if "UV_KEYRING_PROVIDER" not in environ and any("keyring-provider" in table for table in tables):
        found["UV_KEYRING_PROVIDER"] = "disabled"
    return found


def _of_project(root: Path) -> Iterator[Path]:
    """Yield the files in which uv reads the settings of a project."""
    for folder in (root, *root.parents):
        yield folder / "uv.toml"
        yield folder / "pyproject.toml"


def _config(environ: Mapping[str, str]) -> Path | None:
    """Return the user's configuration folder (XDG Base Directory Specification)."""
    if chosen := environ.get("XDG_CONFIG_HOME"):
        return Path(chosen)
    return Path(home) / ".config" if (home := environ.get("HOME")) else None


def _configures_uv(environ: Mapping[str, str], root: Path, base: Path) -> bool:
    """Return whether uv's own settings name an index, so that uv gets none of pip's."""
    return any(environ.get(name) for name in _UV_VARIABLES) or any(
        key in table
        for path in _uv_files(environ, root, base)
        for table in _uv_tables(path)
        for key in _UV_KEYS
    )


def _listed(path: Path, keys: Iterable[str], *, without: str) -> list[str]:
    """Return the places in ``keys`` of ``path``, uv's settings, and its indexes.

    Indexes that have the option ``without``, such as ``default``, are left out.
    """
    found = list[str]()
    for table in _uv_tables(path):
        for key in keys:
            listed = table.get(key, [])
            found += map(str, listed if isinstance(listed, list) else [listed])
        for entry in table.get("index", []):
            if isinstance(entry, dict) and not entry.get(without):
                found.append(str(entry.get("url", "")))
    return found


def _uv_tables(path: Path) -> list[dict[str, Any]]:
    """Return the tables of uv's settings in ``path``; empty if uv cannot read it either."""
    try:
        table = reader.toml(path)
    except ProjectError:
        if path.is_fifo():  # uv would wait for it
            raise
        return []
    try:
        if path.name == "pyproject.toml":
            table = table.get("tool", {}).get("uv", {})
        return [part for part in (table, table.get("pip", {})) if isinstance(part, dict)]
    except AttributeError:
        return []


@functools.cache
def _apart() -> frozenset[str]:
    """Return the extra indexes of all targets, which Debonair itself uses after the versions are resolved.

    Raspberry Pi OS configures pip with one of them. As an index of uv's, it would influence the versions.
    It would also hide the files that the primary index has for all other machines.
    """
    return frozenset(url for name in target.names() for url in target.load(name).extra_indexes)


def _folder(place: str) -> Path | None:
    """Return the folder of this machine that ``place`` names, or ``None`` for an address."""
    if place.startswith("file:"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(place)


def _reachable(place: str) -> bool:
    """Tell whether ``place`` is an address, or a folder that exists."""
    folder = _folder(place)
    return folder is None or folder.exists()
