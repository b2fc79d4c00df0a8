"""What the indices say of one deb: its stanza of Packages, and its files for Contents; and its changelog.

All are made once, when the deb is published, and kept beside the repository's state; an index is put
together from them without the debs.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import msgspec

from debonair.deb import archive
from debonair.deb.version import without_epoch
from debonair.errors import PackageError, RepositoryError

COMPONENT = "main"
FIRST = ("Package", "Version", "Architecture")
_CHANGELOGS = ("/changelog.Debian.gz", "/changelog.gz")
_OURS = frozenset(
    {"description", "filename", "size", "md5sum", "sha1", "sha256", "sha512", "phased-update-percentage"}
)
"""Fields that are ours to write, in lower case: to apt they are the same in any."""
FACTS = "state/debs/"
CHANGELOGS = "changelogs/"


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published deb."""

    package: str
    version: str
    architecture: str
    source: str
    """The name of its source package, which the pool is sorted by."""
    filename: str
    """Its path below the repository's root."""
    size: int
    """Bytes."""
    sha256: str
    synopsis: str
    location: str
    """What Contents calls it: ``web/guestbook``, or ``guestbook`` if it has no section."""
    stanza: str
    """Its fields in Packages, without Phased-Update-Percentage, with no empty line behind."""
    paths: tuple[str, ...]
    """Its files and links, sorted, without a leading slash."""
    changelog: str = ""
    """Where its changelog is kept, below the repository's root; empty if it has none."""

    @property
    def name(self) -> str:
        """The deb's file name."""
        return self.filename.rpartition("/")[2]


def read(path: Path) -> tuple[Facts, bytes]:
    """Return the facts and the changelog of the deb at ``path``, as ``of``; it must be readable, too."""
    return of(path, archive.load(path))


def of(path: Path, data: bytes) -> tuple[Facts, bytes]:
    """Return the facts of the deb whose bytes are ``data``, and the text of its changelog if it has one.

    Errors name ``path``. Raises ``PackageError`` if it is not a .deb, or if its control file says what an
    index cannot carry.
    """
    deb = archive.parse(path, data, keep=_is_changelog)
    fields = deb.fields
    if bad := [name for name in FIRST if not _plain(fields[name])]:
        raise PackageError(
            f"{path} has a {bad[0]} '{fields[bad[0]]}' in its control file, which cannot be a file's name.",
            hint="Look at it with: dpkg-deb --field " + str(path),
        )
    source, _, other = fields.get("Source", fields["Package"]).partition(" ")
    source_version = without_epoch(other.strip("()") or fields["Version"])
    if not _plain(source) or not _plain(source_version):
        raise PackageError(f"{path} has a Source '{source}', which cannot be a folder's name.")
    name = f"{fields['Package']}_{without_epoch(fields['Version'])}_{fields['Architecture']}.deb"
    digest = hashlib.sha256(data).hexdigest()
    filename = f"pool/{initial(source)}/{source}/{name}"
    places = {"Filename": filename, "Size": str(len(data)), "SHA256": digest}
    order = {name: value for name, value in fields.items() if name.lower() not in _OURS}
    description = {"Description": fields["Description"]} if fields.get("Description") else {}
    stanza = "".join(_field(*pair) for pair in {**order, **places, **description}.items())
    section = fields.get("Section", "")
    changelog = _changelog(deb, fields["Package"])
    facts = Facts(
        package=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        source=source,
        filename=filename,
        size=len(data),
        sha256=digest,
        synopsis=fields.get("Description", "").partition("\n")[0],
        location=f"{section}/{fields['Package']}" if section else fields["Package"],
        stanza=stanza,
        paths=tuple(sorted(_text(entry.path) for entry in deb.entries if entry.kind != "dir")),
        # what apt calls it: apt.conf(5), Acquire::Changelogs
        changelog=f"{CHANGELOGS}{COMPONENT}/{initial(source)}/{source}/{source}_{source_version}"
        if changelog
        else "",
    )
    return facts, changelog


def load(path: Path, facts: Facts) -> bytes:
    """Return the bytes of the deb at ``path``, of which ``facts`` are.

    Raises ``PackageError`` if it was written anew since these were read.
    """
    data = archive.load(path)
    if hashlib.sha256(data).hexdigest() != facts.sha256:
        raise PackageError(f"{path} was changed while it was published.", hint="Publish it again.")
    return data


def initial(source: str) -> str:
    """Return the folder of the pool that ``source`` is in: its first letter, ``libx`` for a library."""
    return source[:4] if source.startswith("lib") and len(source) > 3 else source[0]


def path_of(digest: str) -> str:
    """Return where the facts of the deb with that SHA256 are kept."""
    return f"{FACTS}{digest[:2]}/{digest}.json"


def stanza(facts: Facts, percent: int) -> str:
    """Return the stanza of Packages for a deb that ``percent`` of the machines may take, as a paragraph."""
    phased = f"Phased-Update-Percentage: {percent}\n" if percent < 100 else ""
    return f"{facts.stanza}{phased}\n"


def immutable(known: bytes, facts: Facts) -> None:
    """Raise ``RepositoryError`` if the pool's file, whose bytes are ``known``, is not this very deb."""
    if hashlib.sha256(known).hexdigest() != facts.sha256:
        raise RepositoryError(
            f"The pool has a file {facts.filename} with other bytes: what is published never changes.",
            hint="Raise the version and build it again. A file that a publisher left unfinished is removed "
            "by 'debonair repo prune' a day later.",
        )


def _is_changelog(path: str) -> bool:
    """Tell whether a file is a changelog (Policy section 12.7), though perhaps another package's."""
    return path.startswith("usr/share/doc/") and path.endswith(_CHANGELOGS)


def _changelog(deb: archive.Deb, package: str) -> bytes:
    """Return the text of the changelog of ``package``; what cannot be unpacked is none."""
    found = (deb.contents.get(f"usr/share/doc/{package}{name}") for name in _CHANGELOGS)
    try:
        return gzip.decompress(next(filter(None, found), b""))
    except (OSError, EOFError, zlib.error):
        return b""


def _plain(value: str) -> bool:
    return (
        bool(value) and not value.startswith(".") and "/" not in value and not set(value) & set(" \n\t\\")
    )


def _field(name: str, value: str) -> str:
    """Return a field, the further lines of its value indented (Policy section 5.1)."""
    return f"{name}: " + value.replace("\n", "\n ") + "\n"


def _text(path: str) -> str:
    """Return a path as text for JSON, which carries no bytes that are not UTF-8."""
    return path.encode(errors="surrogateescape").decode(errors="replace")
