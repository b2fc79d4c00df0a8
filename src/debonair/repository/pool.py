"""The index data of one deb: its stanza of Packages, and its files for Contents; and its changelog.

All are made once, when the deb is published, and kept with the repository's state. An index is assembled
from them without the debs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair.deb import archive, deb822
from debonair.deb import stanza as control_file
from debonair.deb.decompression import gunzip
from debonair.deb.version import without_epoch
from debonair.errors import PackageError, RepositoryError

if TYPE_CHECKING:
    from debonair.deb.reader_pool import Pool

COMPONENT = "main"
FIRST = control_file.REQUIRED
_CHANGELOGS = ("usr/share/doc/{package}/changelog.Debian.gz", "usr/share/doc/{package}/changelog.gz")
"""The paths of a changelog in Policy (section 12.7); the first that exists counts."""
_CHANGELOG_PATTERNS = [name.replace(".", r"\.") for name in _CHANGELOGS]
LONGEST_CHANGELOG = 1 << 24
_LONGEST_NAME = 240
"""Bytes of a deb's file name: file systems allow 255, and a publisher appends to it while it writes."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OURS = frozenset(
    {"description", "filename", "size", "md5sum", "sha1", "sha256", "sha512", "phased-update-percentage"}
)
"""Fields that only a repository writes, in lower case because apt ignores the case."""
_LONGEST_STANZA = control_file.MOST - 64
"""The most bytes of a package's fields; an index may add the field Phased-Update-Percentage."""
FACTS = "state/debs/"
CHANGELOGS = "changelogs/"


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published deb."""

    package: str
    version: str
    architecture: str
    source: str
    """The name of its source package, by which the pool is sorted."""
    filename: str
    """Its path below the repository's root."""
    size: int
    """Bytes."""
    sha256: str
    synopsis: str
    location: str
    """Its name in Contents: ``web/guestbook``, or ``guestbook`` if it has no section."""
    stanza: str
    """Its fields in Packages, without Phased-Update-Percentage and without an empty line at the end."""
    paths: tuple[str, ...]
    """Its files and links, sorted, without a leading slash."""
    changelog: str = ""
    """The path of its changelog, below the repository's root; empty if it has none."""
    changelog_sha256: str = ""
    """Hash of its changelog; empty if it has none, or if an earlier Debonair published the deb."""

    @property
    def name(self) -> str:
        """The deb's file name."""
        return self.filename.rpartition("/")[2]


Read = Callable[[Path], tuple[Facts, bytes]]
"""From a deb's path to its facts, and the text of its changelog if it has one."""


def read(path: Path) -> tuple[Facts, bytes]:
    """Return the facts and the changelog of the deb at ``path``, as ``of``; this process reads it."""
    return of(path, archive.load(path))


def apart(pool: Pool) -> Read:
    """Return a function that reads the debs of strangers as ``read`` does, in the processes of ``pool``."""

    def read(path: Path) -> tuple[Facts, bytes]:
        data = archive.load(path)
        found, kept = pool.contents(path, data, _CHANGELOG_PATTERNS)
        return _made(path, data, found.fields, ((each[0], each[1]) for each in found.members), kept)

    return read


def of(path: Path, data: bytes) -> tuple[Facts, bytes]:
    """Return the facts of the deb whose bytes are ``data``, and the text of its changelog if it has one.

    Errors name ``path``. Raises ``PackageError`` if it is not a .deb that dpkg installs, or if an index
    cannot contain it.
    """
    deb = archive.parse(path, data, keep=lambda name: name.startswith("usr/share/doc/"))
    return _made(path, data, deb.fields, ((entry.path, entry.kind) for entry in deb.entries), deb.contents)


def _made(
    path: Path,
    data: bytes,
    fields: Mapping[str, str],
    members: Iterable[tuple[str, str]],
    kept: Mapping[str, bytes],
) -> tuple[Facts, bytes]:
    """Return the facts of a deb from its ``fields``, ``members`` (path and kind) and ``kept`` files."""
    if bad := [name for name in FIRST if not _plain(fields.get(name, ""))]:
        raise PackageError(
            f"{path} has the {bad[0]} {fields.get(bad[0])!r}, which is not a valid file name.",
            hint="Inspect it: dpkg-deb --field " + str(path),
        )
    package, version = fields["Package"], fields["Version"]
    source, source_version = control_file.source_of(fields)
    source_version = without_epoch(source_version)
    if not _plain(source) or not _plain(source_version):
        raise PackageError(f"{path} has the Source {source!r}, which is not a valid folder name.")
    name = f"{package}_{without_epoch(version)}_{fields['Architecture']}.deb"
    if len(name) > _LONGEST_NAME:
        raise PackageError(
            f"{path} would get a name of {len(name)} characters in the pool; the limit is {_LONGEST_NAME}.",
            hint="Shorten its version.",
        )
    digest = hashlib.sha256(data).hexdigest()
    filename = f"pool/{initial(source)}/{source}/{name}"
    places = {"Filename": filename, "Size": str(len(data)), "SHA256": digest}
    order = {name: value for name, value in fields.items() if name.lower() not in _OURS}
    description = {"Description": fields["Description"]} if fields.get("Description") else {}
    listed = deb822.text({**order, **places, **description})
    if len(listed.encode()) > _LONGEST_STANZA:
        raise PackageError(
            f"{path} has fields of {len(listed.encode())} bytes; apt reads at most {_LONGEST_STANZA} for "
            "one package.",
            hint="Shorten its Description or its dependencies.",
        )
    section = fields.get("Section", "")
    changelog = _changelog(package, kept)
    facts = Facts(
        package=package,
        version=version,
        architecture=fields["Architecture"],
        source=source,
        filename=filename,
        size=len(data),
        sha256=digest,
        synopsis=fields.get("Description", "").partition("\n")[0],
        location=f"{section}/{package}" if section else package,
        stanza=listed,
        paths=tuple(sorted({_path(path, name) for name, kind in members if kind != "dir"})),
        # apt's name for it: apt.conf(5), Acquire::Changelogs
        changelog=f"{CHANGELOGS}{COMPONENT}/{initial(source)}/{source}/{source}_{source_version}"
        if changelog
        else "",
        changelog_sha256=hashlib.sha256(changelog).hexdigest() if changelog else "",
    )
    return facts, changelog


def load(path: Path, facts: Facts) -> bytes:
    """Return the bytes of the deb at ``path``, which has the facts ``facts``.

    Raises ``PackageError`` if it has changed since they were read.
    """
    data = archive.load(path)
    if hashlib.sha256(data).hexdigest() != facts.sha256:
        raise PackageError(f"{path} was changed while it was being published.", hint="Publish it again.")
    return data


def initial(source: str) -> str:
    """Return the folder of the pool that ``source`` is in: its first letter, ``libx`` for a library."""
    return source[:4] if source.startswith("lib") and len(source) > 3 else source[0]


def path_of(digest: str) -> str:
    """Return the path of the facts of the deb with that SHA256."""
    return f"{FACTS}{digest[:2]}/{digest}.json"


def stanza(facts: Facts, percent: int) -> str:
    """Return the stanza of Packages for a deb that ``percent`` of the machines may take, as a paragraph."""
    phased = f"Phased-Update-Percentage: {percent}\n" if percent < 100 else ""
    return f"{facts.stanza}{phased}\n"


def immutable(facts: Facts) -> RepositoryError:
    """Return the error to show if the pool has another file than this deb under its name."""
    return RepositoryError(
        f"The pool has a file {facts.filename} with other bytes. Published files never change.",
        hint="Raise the version and build it again. If a publisher left the file unfinished, 'debonair "
        "repo prune' removes it a day later.",
    )


def _changelog(package: str, kept: Mapping[str, bytes]) -> bytes:
    """Return the text of the changelog of ``package``; empty if it is damaged or too long."""
    for name in _CHANGELOGS:
        if data := kept.get(name.format(package=package)):
            return gunzip(data, LONGEST_CHANGELOG) or b""
    return b""


def _plain(value: str) -> bool:
    return (
        bool(value) and not value.startswith(".") and "/" not in value and not set(value) & set(" \n\t\\")
    )


def _path(deb: Path, name: str) -> str:
    """Return a path as text for JSON, which cannot contain bytes that are not UTF-8.

    Raises ``PackageError`` for a path that cannot be one line of a list.
    """
    if _CONTROL.search(name):
        raise PackageError(
            f"{deb} has a file named {name[-200:]!r}, which the list of files (Contents) cannot represent.",
            hint="Exclude the file, or rename it without control characters.",
        )
    return name.encode(errors="surrogateescape").decode(errors="replace")
