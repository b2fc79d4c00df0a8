"""The documents that a repository is built from: JSON below ``state/``, beside the files for clients.

Only ``state/head.json`` is ever replaced, and only by a writer who has read the one before. The
repository's keys sign it. It names a document for each suite by its hash; that document names the chunks,
these the facts of the debs, and these the debs. So nobody without a key can change an index. A change
writes only the documents that it changes, whatever the size of the repository.

Every document is read strictly: limited in size, with exactly the fields and types below.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from debonair.errors import RepositoryError
from debonair.host import decoder
from debonair.repository.channel import Line
from debonair.repository.excerpt import shown
from debonair.repository.fields import Digest, Fingerprint, Name, Text, Time, Url
from debonair.repository.storage.protocol import Storage, TooLarge, instead

T = TypeVar("T")

FORMAT = 2
"""The version of these documents; a head of a later version is refused."""
UNSIGNED = 1
"""The version with an unsigned head; ``takeover`` reads it, once."""
HEAD = "state/head.json"
OBJECTS = "state/objects/"
HEAD_MOST = 4 << 20
"""Most bytes of a head."""
MOST = 256 << 20
"""Most bytes of any other document; the facts of a deb with a million files are that large."""

_Suite = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9]{0,30}(-[a-z]{1,20})?\Z")]
_Index = Annotated[str, Meta(pattern=r"\Amain/(binary-[a-z0-9-]+/Packages|Contents-[a-z0-9-]+)(\.xz)?\Z")]
_ByHash = Annotated[str, Meta(pattern=r"\Amain/(binary-[a-z0-9-]+/)?by-hash/SHA256/[0-9a-f]{64}\Z")]
_Architecture = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{1,40}\Z")]
_Deb = Annotated[str, Meta(pattern=r"\Apool/[a-z0-9]{1,4}/[a-z0-9-]{2,60}/[a-z0-9.+_~-]{1,200}\.deb\Z")]
_Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
_Bytes = Annotated[int, Meta(ge=0, le=1 << 50)]
HistoryName = Annotated[str, Meta(pattern=r"\A([0-9]{6,10}-[0-9a-f]{64})?\Z")]
_Days = Annotated[int, Meta(ge=1, le=3650)]


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that signs the repository."""

    fingerprint: Fingerprint
    """Forty hexadecimal digits, upper case."""
    created: Time
    """When it started to sign, in seconds since the epoch."""
    public: Annotated[str, Meta(max_length=100_000, pattern=r"\A[\n\x20-\x7e]*\Z")]
    """The public key, ASCII-armored (RFC 9580)."""


class SuiteRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head's entry of a suite."""

    document: Digest
    """Hash of its ``Suite``."""
    inrelease: Digest
    """Hash of the InRelease that clients must see."""


class Bootstrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published bootstrap deb of a suite."""

    version: Text
    sha256: Digest
    filename: _Deb


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of a repository, or the names that lead to it."""

    format: int
    name: Name
    """Origin and Label of its Release files; it can never change."""
    generation: _Count
    """Number of changes so far."""
    history: HistoryName
    """Name of the newest entry of the history."""
    keys: Annotated[tuple[Key, ...], Meta(max_length=100)]
    """The keys that sign, the oldest first."""
    valid_days: _Days
    """Days for which a Release file is valid."""
    suites: Annotated[dict[_Suite, SuiteRef], Meta(max_length=1000)]
    url: Url = ""
    """Where clients read it; empty until it is known."""
    issue: _Count = 0
    """Number of bootstrap debs so far: their version."""
    bootstrap: dict[_Suite, Bootstrap] = {}
    """The newest bootstrap deb of each suite."""


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``state/head.json``: a head with its signature, because both must change at the same moment."""

    format: int
    signed: str
    """The head, as exactly the text that was signed."""
    signature: Annotated[str, Meta(max_length=100_000, pattern=r"\A[\n\x20-\x7e]*\Z")]
    """Detached signatures by the keys, ASCII-armored (RFC 9580)."""


class _Format(msgspec.Struct):
    format: int


class Sum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size in bytes and SHA256 of a file."""

    size: _Bytes
    sha256: Digest

    @classmethod
    def of(cls, data: bytes) -> Sum:
        """Return the size and hash of ``data``."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size of a chunk in one index: bytes of its text, and of its block in the ``.xz``."""

    plain: _Bytes
    data: _Bytes
    unpadded: _Bytes


class Piece(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chunk's place in the indices of its suite."""

    first: Text
    """The name of its first package."""
    document: Digest
    """Hash of its ``Chunk``."""
    packages: dict[_Architecture, Part]
    """Its part of the Packages of each architecture."""
    contents: dict[_Architecture, Part]
    """Its part of the Contents of each architecture."""


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By-hash files that no Release names since ``until``, kept for clients with an older one."""

    until: Time
    paths: tuple[_ByHash, ...]


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One suite: ``trixie`` is a channel of it, ``trixie-testing`` another."""

    name: _Suite
    suite: _Suite
    """The suite of Debian: ``trixie``."""
    channel: Annotated[str, Meta(pattern=r"\A[a-z]{1,20}\Z")]
    """``stable`` or ``testing``."""
    debian_release: Annotated[int, Meta(ge=1, le=1000)]
    architectures: tuple[_Architecture, ...]
    date: Time = 0
    """Date of its Release, in seconds since the epoch."""
    valid_until: Time = 0
    files: dict[_Index, Sum] = {}
    """The files that its Release lists, by path below the suite's folder."""
    pieces: tuple[Piece, ...] = ()
    release: str = ""
    """Hash of its Release, kept among the objects."""
    signature: str = ""
    """Hash of its Release.gpg."""
    inrelease: str = ""
    """Hash of its InRelease."""
    old: tuple[Generation, ...] = ()


class Chunk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some packages of a suite, neighbours by name."""

    packages: dict[Text, dict[_Architecture, Line]]
    """By package and by architecture."""


def encode(document: msgspec.Struct) -> bytes:
    """Return a document as JSON that a person can read, the same bytes every time.

    Raises ``RepositoryError`` if ``decode`` would refuse it: once signed, it would lock out its own writer.
    """
    try:
        data = msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"
        decoder.json(data, type(document))
    except (msgspec.DecodeError, UnicodeEncodeError) as refused:
        raise RepositoryError(
            f"The next {type(document).__name__} of the repository would not be valid: "
            f"{shown(str(refused))}.",
            hint="The repository was not changed. Report this as a defect of Debonair.",
        ) from refused
    return data


def decode(data: bytes, kind: type[T], path: str) -> T:
    """Return the document ``data``, which was read from ``path``.

    Raises ``RepositoryError`` if it is not a document of this kind.
    """
    try:
        return decoder.json(data, kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as damage:
        problem = "it is nested too deeply" if isinstance(damage, RecursionError) else shown(str(damage))
        raise RepositoryError(
            f"{shown(path)} is not a valid document of a repository: {problem}.",
            hint="Restore it from a backup. List all damage: debonair repo verify",
        ) from damage


def object_path(digest: str) -> str:
    """Return the path of the object with the SHA256 ``digest``."""
    return f"{OBJECTS}{digest[:2]}/{digest}"


def put(storage: Storage, data: bytes) -> str:
    """Store ``data`` under its hash, and return the hash.

    A file of somebody else under this name is overwritten. Raises ``RepositoryError`` if ``data`` is too
    large for readers.
    """
    digest = hashlib.sha256(data).hexdigest()
    path = object_path(digest)
    if len(data) > MOST:
        raise RepositoryError(
            f"A document of the repository would have {len(data)} bytes; the limit is {MOST}.",
            hint="Split it: the deb has millions of files, or the package thousands of versions.",
        )
    if not storage.add(path, data) and (other := instead(storage, path, data)):
        storage.replace(path, data, other.tag)
    return digest


def get(storage: Storage, digest: str) -> bytes:
    """Return the data stored under ``digest``. Raises ``RepositoryError`` if it is missing or damaged."""
    path = object_path(digest)
    if (found := storage.read(path, MOST)) is None:
        raise RepositoryError(
            f"{path} is missing from the repository.", hint="Restore it from a backup of the repository."
        )
    if hashlib.sha256(found.data).hexdigest() != digest:
        raise RepositoryError(
            f"{path} was changed: its bytes are not those that were written.",
            hint="Restore it from a backup of the repository. Check the disk, and who has write access.",
        )
    return found.data


def intact(storage: Storage, path: str, expected: Sum) -> bytes | None:
    """Return the file at ``path``, or None if it is missing or not the ``expected`` one."""
    try:
        found = storage.read(path, expected.size)
    except TooLarge:
        return None
    return found.data if found and Sum.of(found.data) == expected else None


def load(storage: Storage, digest: str, kind: type[T]) -> T:
    """Return the document stored under ``digest``; errors are those of ``get`` and ``decode``."""
    return decode(get(storage, digest), kind, object_path(digest))


def seal(signed: str, signature: str) -> bytes:
    """Return the bytes of ``state/head.json``.

    Raises ``RepositoryError`` if it is too large for readers.
    """
    data = encode(Sealed(FORMAT, signed, signature))
    if len(data) > HEAD_MOST:
        raise RepositoryError(
            f"{HEAD} would have {len(data)} bytes; the limit is {HEAD_MOST}.",
            hint="Sign with fewer or smaller keys: debonair repo rotate-key --finish",
        )
    return data


def version(data: bytes) -> int:
    """Return the format of a head. Raises ``RepositoryError`` for an unknown later one."""
    found = decode(data, _Format, HEAD).format
    if found not in (UNSIGNED, FORMAT):
        raise RepositoryError(
            f"{HEAD} has the format {found}, but this Debonair supports only {FORMAT}.",
            hint="Use the Debonair that wrote it, or a newer one.",
        )
    return found
