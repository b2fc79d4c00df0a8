"""Add wheels from the targets' extra indexes for packages that have no wheel on the primary index.

An extra index never decides a version. It is asked only for wheels of a version that was resolved without
it, and only if a target has no other wheel. Such wheels are locked by their hash and with their origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from debonair.errors import LockError, MachineError, ProjectError
from debonair.host import decoder
from debonair.host.interruption import threads
from debonair.host.progress import say, warn
from debonair.lock import freshness, index_config, pylock
from debonair.lock.download import Get, over_http, reason, status
from debonair.lock.model import File, Locked
from debonair.project import reader

if TYPE_CHECKING:
    from packaging.tags import Tag

    from debonair.target import Target

Needs = dict[int, frozenset["Tag"]]
"""The tags of the wheels that a package lacks, by its position in the lock."""
Found = dict[int, list[File]]
"""The wheels that were found for a package, by its position in the lock."""

_VARIABLE = "DEBONAIR_PIWHEELS"
_OFF = ("0", "no", "off", "false")
_PATIENCE = 3.0  # seconds without receiving a byte; short, so that an unreachable index causes no long wait
_AT_ONCE = 8
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_WHEEL = re.compile(r"[A-Za-z0-9._+!-]+\.whl")
_ADDRESS = re.compile(r"https?://[!-~]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class _Json(msgspec.Struct, frozen=True):
    """A file on a page of an index in JSON (PEP 691)."""

    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int = 0
    yanked: bool | str = False


class _Page(msgspec.Struct, frozen=True):
    files: tuple[_Json, ...] = ()


def complete(
    data: bytes, path: Path, targets: Sequence[Target], environ: Mapping[str, str], get: Get | None = None
) -> tuple[bytes, dict[str, tuple[str, ...]]]:
    """Return ``data``, a ``pylock.toml`` as uv wrote it, with the wheels that the extra indexes have.

    Also return the names of the added files, by the address of their index. ``path`` is the path of the
    lock. If an index cannot be reached, a message reports that, and the wheels that the previous lock has
    from it stay. ``environ`` has the configuration of indexes and may turn the extra ones off; ``get``
    replaces the network in tests. Raises ``LockError`` if ``data`` has a file without a hash, and
    ``MachineError`` if the value of DEBONAIR_PIWHEELS is invalid.
    """
    packages = pylock.read(data, path).packages
    private = index_config.further(environ, path.parent)
    added: list[dict[str, File]] = [{} for _ in packages]
    for address, needs in lacking(packages, targets, private).items():
        for number, files in _ask(address, packages, needs, path=path, environ=environ, get=get).items():
            added[number] = {**{file.filename: file for file in files}, **added[number]}
    wheels = [sorted(files.values(), key=lambda file: file.filename) for files in added]
    origins = dict[str, tuple[str, ...]]()
    for file in (file for files in wheels for file in files):
        origins[file.index] = (*origins.get(file.index, ()), file.filename)
    return pylock.extended(data, wheels), origins


def lacking(
    packages: Sequence[Locked], targets: Iterable[Target], private: frozenset[str] = frozenset()
) -> dict[str, Needs]:
    """Return the packages to request from each extra index, by its address.

    These are the packages that one of ``targets`` needs without having a wheel for it, compiled or pure. A
    package is left out if its address was given, or if a file of it is on this machine or a host in
    ``private``. Nobody else should learn such a name, and another file of that name would be the wrong one.
    """
    found = dict[str, Needs]()
    for target in targets:
        tags = frozenset(target.tags())
        compiled = frozenset(tag for tag in tags if tag.platform != "any")
        for number, package in enumerate(packages):
            hosts = {urlsplit(file.url).hostname for file in package.files}
            if not hosts or None in hosts or hosts & private or package.is_direct:
                continue
            if not freshness.applies(package.marker, target.markers()):
                continue
            if any(_parsed(file.filename)[2] & tags for file in package.wheels):
                continue
            for address in target.extra_indexes:
                needs = found.setdefault(address, {})
                needs[number] = needs.get(number, frozenset()) | compiled
    return found


def wheels(page: bytes, address: str) -> Iterator[File]:
    """Yield the wheels on ``page``, the page of one distribution at ``address``.

    The page is HTML or JSON (PEP 503, PEP 691). Wheels without a sha256 and yanked wheels (PEP 592) are
    left out.
    """
    if page.lstrip()[:1] == b"{":
        listed = decoder.json(page, _Page).files
    else:
        links = _Links()
        links.feed(page.decode("utf-8", "replace"))
        listed = tuple(links.found)
    for file in listed:
        sha256 = file.hashes.get("sha256", "").lower()
        url = urljoin(address, file.url)
        if (
            file.yanked is False
            and _WHEEL.fullmatch(file.filename)
            and _ADDRESS.fullmatch(url)
            and _SHA256.fullmatch(sha256)
        ):
            yield File(file.filename, sha256, url, file.size)


class _Links(HTMLParser):
    """Collects the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found = list[_Json]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an anchor; PEP 503 puts the hash into the fragment of its address."""
        attributes = dict(attrs)
        if tag != "a" or not (href := attributes.get("href")):
            return
        url, fragment = urldefrag(href)
        kind, _, value = fragment.partition("=")
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        self.found.append(_Json(name, url, {kind: value}, yanked="data-yanked" in attributes))


def _ask(
    address: str,
    packages: Sequence[Locked],
    needs: Needs,
    *,
    path: Path,
    environ: Mapping[str, str],
    get: Get | None,
) -> Found:
    """Return the wheels of the extra index at ``address``, or those that the lock at ``path`` has."""

    def names(numbers: Iterable[int]) -> str:
        return ", ".join(f"{packages[number].name} {packages[number].version}" for number in numbers)

    chosen = environ.get(_VARIABLE) or address
    host = urlsplit(chosen).hostname
    if chosen.lower() in _OFF:
        why = f"{urlsplit(address).hostname} is not queried, because {_VARIABLE} is '{chosen}'"
    elif not _ADDRESS.fullmatch(chosen):
        raise MachineError(
            f"{_VARIABLE} is '{chosen}', which is neither the address of an index nor 'off'.",
            hint=f"Set it: {_VARIABLE}={address}, or {_VARIABLE}=off",
        )
    else:
        get = get or over_http(environ, timeout=_PATIENCE, retries=0, accept=_ACCEPT)
        try:
            found = _asked(chosen.rstrip("/"), packages, needs, get)
        except (OSError, ValueError) as wrong:
            why = f"{host} could not be queried ({reason(wrong)})"
        else:
            if found:
                say(f"{host} provides wheels of {names(found)} for targets that had no wheel.")
            return found
    found = _before(path, packages, needs)
    kept = f"; the lock keeps its files from there: {names(found)}" if found else ""
    lost = [number for number in needs if number not in found]
    warn(f"{why}{kept}{f'; some targets have no wheel of {names(lost)}' if lost else ''}.")
    return found


def _asked(address: str, packages: Sequence[Locked], needs: Needs, get: Get) -> Found:
    """Return the wheels from the index at ``address``.

    Raises ``OSError`` if a page cannot be fetched, and ``ValueError`` if one cannot be read. After the
    first failure, no other page is requested.
    """
    pages = {number: f"{address}/{canonicalize_name(packages[number].name)}/" for number in needs}
    with threads(_AT_ONCE) as pool:
        asked = {page: pool.submit(_page, page, get) for page in dict.fromkeys(pages.values())}
        try:
            there = {page: list(wheels(answer.result(), page)) for page, answer in asked.items()}
        except (OSError, ValueError):
            pool.shutdown(cancel_futures=True)
            raise
    found = {
        number: _fitting(packages[number], there[pages[number]], tags) for number, tags in needs.items()
    }
    return {
        number: [msgspec.structs.replace(file, index=address) for file in files]
        for number, files in found.items()
        if files
    }


def _page(address: str, get: Get) -> bytes:
    """Return the page at ``address``; empty if the index does not have the distribution."""
    try:
        with get(address) as pieces:
            return b"".join(pieces)
    except OSError as wrong:
        if status(wrong) in (404, 410):
            return b""
        raise


def _before(path: Path, packages: Sequence[Locked], needs: Needs) -> Found:
    """Return the wheels of the locked versions that the lock at ``path`` has from extra indexes."""
    try:
        data = reader.data(path, path.parent, most=reader.MOST_OF_A_LOCK)
        old = pylock.read(data, path).packages
    except (ProjectError, LockError):
        return {}
    files = [file for package in old for file in package.wheels if file.index]
    found = {number: _fitting(packages[number], files, tags) for number, tags in needs.items()}
    return {number: files for number, files in found.items() if files}


def _fitting(package: Locked, files: Iterable[File], tags: frozenset[Tag]) -> list[File]:
    """Return those of ``files`` that have exactly the version of ``package`` and one of ``tags``.

    A file is left out if ``package`` already has one of that name.
    """
    names = {file.filename for file in package.files}
    identity = (canonicalize_name(package.name), Version(package.version))
    return [
        file
        for file in files
        if file.filename not in names
        and _parsed(file.filename)[:2] == identity
        and _parsed(file.filename)[2] & tags
    ]


def _parsed(filename: str) -> tuple[str, Version | None, frozenset[Tag]]:
    """Return the name, version and tags of a wheel; no tags if ``filename`` is not the name of a wheel."""
    try:
        name, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return "", None, frozenset()
    return name, version, frozenset(tags)
