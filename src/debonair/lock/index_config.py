"""Where this machine gets Python distributions from, as its owner configured it.

uv reads its own configuration. Where that says nothing of an index, pip's is read and handed on, so
that a machine that is set up for either works (pip's documentation, 'Configuration').
"""

from __future__ import annotations

import configparser
import functools
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from debonair import target

_UV_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_CONFIG_FILE",
)
_UV_KEYS = ("index", "index-url", "extra-index-url", "find-links", "no-index")
_PIP_KEYS = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert")


@dataclass(frozen=True, slots=True)
class Index:
    """What pip's configuration says, as far as uv does not say it itself."""

    url: str = ""
    extra: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    alone: bool = False
    """No index at all, only ``links``."""
    trusted: tuple[str, ...] = ()
    certificate: str = ""
    """A file of the authorities to trust."""

    @property
    def has_local(self) -> bool:
        """Return whether a folder of this machine is among the extra places."""
        return any(_folder(place) for place in (*self.extra, *self.links))

    def options(self, *, local: bool) -> list[str]:
        """Return uv's options for it; the folders of this machine are left out unless ``local``.

        A lock is for every target and every machine. A folder holds what this machine needed, often for
        its own processor only, and uv would take a version from there with those few files alone.
        """
        kept = [place for place in self.extra if local or not _folder(place)]
        links = [place for place in self.links if local or self.alone or not _folder(place)]
        words = ["--default-index", self.url] if self.url else []
        for place in kept:
            words += ["--index", place]
        if kept:
            # As pip does: the best version of any index, not only of the first that has the name.
            words += ["--index-strategy", "unsafe-best-match"]
        for place in links:
            words += ["--find-links", place]
        for host in self.trusted:
            words += ["--allow-insecure-host", host]
        return [*words, "--no-index"] if self.alone else words


def of(environ: Mapping[str, str], root: Path, *, base: Path = Path("/")) -> Index:
    """Return what is to be handed to uv for the project in ``root``.

    ``environ`` is the environment; ``base`` is the root of the file system that is looked at.
    """
    said = _pip(environ, base)
    if any(environ.get(name) for name in _UV_VARIABLES) or any(
        map(_names_index, _uv_files(environ, root, base))
    ):
        return Index(certificate=said.get("cert", ""))
    return Index(
        url=said.get("index-url", ""),
        extra=tuple(
            place
            for place in said.get("extra-index-url", "").split()
            if _reachable(place) and place.rstrip("/") not in _apart()
        ),
        links=tuple(filter(_reachable, said.get("find-links", "").split())),
        alone=said.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        trusted=tuple(said.get("trusted-host", "").split()),
        certificate=said.get("cert", ""),
    )


def origin(url: str) -> str:
    """Return scheme, host and port of ``url``, as in ``https://index.example:443``; empty if it has none.

    Whoever listens on another port, or on the way to another scheme, is somebody else (RFC 6454).
    """
    try:
        address = urlsplit(url)
        port = address.port or {"https": 443, "http": 80}.get(address.scheme, 0)
    except ValueError:
        return ""
    return f"{address.scheme}://{address.hostname}:{port}" if address.hostname and port else ""


def credentials(environ: Mapping[str, str], *, base: Path = Path("/")) -> dict[str, tuple[str, str]]:
    """Return the name and password for each origin, from indexes configured with them in the address.

    uv writes addresses without them to a lock.
    """
    said = _pip(environ, base)
    places = [said.get(key, "") for key in ("index-url", "extra-index-url", "find-links")]
    places += [environ.get(name, "") for name in _UV_VARIABLES[:-1]]
    found = dict[str, tuple[str, str]]()
    for address in _addresses(places):
        if address.username and (place := origin(address.geturl())):
            found[place] = (unquote(address.username), unquote(address.password or ""))
    return found


def further(environ: Mapping[str, str], root: Path, *, base: Path = Path("/")) -> frozenset[str]:
    """Return the hosts of whatever this machine is configured for beside its one default index.

    What is fetched from there may be nobody else's business. The project is in ``root``.
    """
    said = _pip(environ, base)
    places = [said.get(key, "") for key in ("extra-index-url", "find-links")]
    places += [environ.get(name, "") for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")]
    files = [*_uv_files(environ, root, base), Path(environ.get("UV_CONFIG_FILE") or os.devnull)]
    places += [place for path in files for place in _beside(path)]
    return frozenset(address.hostname for address in _addresses(places) if address.hostname)


def _addresses(places: Iterable[str]) -> Iterator[SplitResult]:
    """Yield each address in ``places``, texts that may have several."""
    for place in " ".join(places).replace(",", " ").split():
        # uv allows a name before an address: UV_INDEX="internal=https://..."
        with suppress(ValueError):  # brackets that are no address, of which uv or pip says so
            yield urlsplit(place[place.find("=") + 1 :] if "=" in place.partition("://")[0] else place)


def certificate(environ: Mapping[str, str], *, base: Path = Path("/")) -> str:
    """Return the file of authorities that pip is told to trust, or an empty text."""
    return _pip(environ, base).get("cert", "")


def _pip(environ: Mapping[str, str], base: Path) -> dict[str, str]:
    """Return pip's settings by their long option names: files, then environment."""
    said = dict[str, str]()
    for path in _pip_files(environ, base):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself says what is wrong with it
        for section in ("global", "install"):
            if parser.has_section(section):
                said.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for key in _PIP_KEYS:
        if value := environ.get("PIP_" + key.upper().replace("-", "_")):
            said[key] = value
    return said


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
    for folder in (root, *root.parents):
        yield folder / "uv.toml"
        yield folder / "pyproject.toml"
    if config := _config(environ):
        yield config / "uv/uv.toml"
    yield base / "etc/xdg/uv/uv.toml"
    yield base / "etc/uv/uv.toml"


def _config(environ: Mapping[str, str]) -> Path | None:
    """Return the user's configuration folder (XDG Base Directory Specification)."""
    if chosen := environ.get("XDG_CONFIG_HOME"):
        return Path(chosen)
    return Path(home) / ".config" if (home := environ.get("HOME")) else None


def _names_index(path: Path) -> bool:
    """Return whether uv finds an index configured in ``path``."""
    return any(key in table for table in _uv_tables(path) for key in _UV_KEYS)


def _beside(path: Path) -> list[str]:
    """Return the indexes and lists of links that are configured for uv in ``path``, but for the default."""
    found = list[str]()
    for table in _uv_tables(path):
        for key in ("extra-index-url", "find-links"):
            listed = table.get(key, [])
            found += map(str, listed if isinstance(listed, list) else [listed])
        for entry in table.get("index", []):
            if isinstance(entry, dict) and not entry.get("default"):
                found.append(str(entry.get("url", "")))
    return found


def _uv_tables(path: Path) -> list[dict[str, Any]]:
    """Return the tables of uv's settings in ``path``; none if it cannot be read, which uv itself says."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        if path.name == "pyproject.toml":
            table = table.get("tool", {}).get("uv", {})
        return [part for part in (table, table.get("pip", {})) if isinstance(part, dict)]
    except (OSError, ValueError, AttributeError):
        return []


@functools.cache
def _apart() -> frozenset[str]:
    """Return the extra indexes of all targets, which Debonair asks itself, after the versions are decided.

    Raspberry Pi OS configures pip with one of them. As another index of uv's it would have a say in the
    versions, and hide the files that the primary index has for all other machines.
    """
    return frozenset(url for name in target.names() for url in target.load(name).extra_indexes)


def _folder(place: str) -> Path | None:
    """Return the folder of this machine that ``place`` is, or ``None`` for an address."""
    if place.startswith("file:"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(place)


def _reachable(place: str) -> bool:
    """Return whether ``place`` is an address, or a folder that exists."""
    folder = _folder(place)
    return folder is None or folder.exists()
