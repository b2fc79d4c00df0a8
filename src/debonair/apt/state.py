"""The documents that a repository is made from: JSON below ``state/``, beside what clients read.

``state/head.json`` alone is ever replaced, and only by a writer who has read the one before. It names a
document for each suite by its hash; that names the chunks; and these the facts of the debs. So a change
writes the documents that it changes, whatever the size of the repository, and a reader of any head reads
one state and no mixture. Names of what never changes carry the SHA256 of its bytes.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

from debonair.apt.channel import Line
from debonair.apt.storage import Storage
from debonair.errors import RepositoryError

T = TypeVar("T")

FORMAT = 1
"""The version of these documents; a head of a later one is refused, not guessed at."""
HEAD = "state/head.json"
OBJECTS = "state/objects/"


class Key(msgspec.Struct, frozen=True):
    """A key that signs the repository."""

    fingerprint: str
    """Forty hexadecimal digits, upper case."""
    created: int
    """When it began to sign, in seconds since the epoch."""
    public: str
    """The public key, ASCII-armored (RFC 9580)."""


class SuiteRef(msgspec.Struct, frozen=True):
    """What the head says of a suite."""

    document: str
    """Hash of its ``Suite``."""
    inrelease: str
    """Hash of the InRelease that clients must see."""


class Bootstrap(msgspec.Struct, frozen=True):
    """A published bootstrap deb of a suite."""

    version: str
    sha256: str
    filename: str


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of a repository, or what leads to it."""

    format: int
    name: str
    """Origin and Label of its Release files; it can never change."""
    generation: int
    """How many changes there were."""
    history: str
    """Name of the newest entry of the history."""
    keys: tuple[Key, ...]
    """The keys that sign, the oldest first."""
    valid_days: int
    """For how many days a Release file is valid."""
    suites: dict[str, SuiteRef]
    url: str = ""
    """Where clients read it; empty until it is known."""
    issue: int = 0
    """How many bootstrap debs there were: their version."""
    bootstrap: dict[str, Bootstrap] = {}
    """The newest bootstrap deb of each suite."""


class Sum(msgspec.Struct, frozen=True):
    """Size in bytes and SHA256 of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Sum:
        """Return those of ``data``."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


class Part(msgspec.Struct, frozen=True):
    """What a chunk takes up in one index: bytes of its text, and of its block in the ``.xz``."""

    plain: int
    data: int
    unpadded: int


class Piece(msgspec.Struct, frozen=True):
    """A chunk's place in the indices of its suite."""

    first: str
    """The name of its first package."""
    document: str
    """Hash of its ``Chunk``."""
    packages: dict[str, Part]
    """Its part of the Packages of each architecture."""
    contents: dict[str, Part]
    """Its part of the Contents of each architecture."""


class Generation(msgspec.Struct, frozen=True):
    """By-hash files that no Release names since ``until``, kept for clients that read an older one."""

    until: int
    paths: tuple[str, ...]


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One suite: ``trixie`` is a channel of it, ``trixie-testing`` another."""

    name: str
    suite: str
    """The suite of Debian: ``trixie``."""
    channel: str
    """``stable`` or ``testing``."""
    debian_release: int
    architectures: tuple[str, ...]
    date: int = 0
    """Date of its Release, in seconds since the epoch."""
    valid_until: int = 0
    files: dict[str, Sum] = {}
    """What its Release lists, by path below the suite's folder."""
    pieces: tuple[Piece, ...] = ()
    release: str = ""
    """Hash of its Release, kept among the objects."""
    signature: str = ""
    """Hash of its Release.gpg."""
    inrelease: str = ""
    """Hash of its InRelease."""
    old: tuple[Generation, ...] = ()


class Chunk(msgspec.Struct, frozen=True):
    """Some packages of a suite, neighbours by name."""

    packages: dict[str, dict[str, Line]]
    """By package and by architecture."""


def encode(document: msgspec.Struct) -> bytes:
    """Return a document as JSON that a person can read, the same bytes every time."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def decode(data: bytes, kind: type[T], path: str) -> T:
    """Return the document ``data``, which was read from ``path``.

    Raises ``RepositoryError`` if it is none of this kind.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as damage:
        raise RepositoryError(
            f"{path} is not a document of a repository: {damage}.",
            hint="Restore it from a backup; 'debonair repo verify' says what else is damaged.",
        ) from damage


def object_path(digest: str) -> str:
    """Return where the object with the SHA256 ``digest`` is kept."""
    return f"{OBJECTS}{digest[:2]}/{digest}"


def put(storage: Storage, data: bytes) -> str:
    """Keep ``data`` under its hash, and return that."""
    digest = hashlib.sha256(data).hexdigest()
    storage.add(object_path(digest), data)
    return digest


def get(storage: Storage, digest: str) -> bytes:
    """Return what is kept under ``digest``. Raises ``RepositoryError`` if it is gone or has changed."""
    path = object_path(digest)
    if (found := storage.read(path)) is None:
        raise RepositoryError(
            f"{path} is missing in the repository.", hint="Restore it from a backup of the repository."
        )
    if hashlib.sha256(found.data).hexdigest() != digest:
        raise RepositoryError(
            f"{path} has other bytes than when it was written.",
            hint="Restore it from a backup of the repository; look at the disk.",
        )
    return found.data


def load(storage: Storage, digest: str, kind: type[T]) -> T:
    """Return the document that is kept under ``digest``; errors are those of ``get`` and ``decode``."""
    return decode(get(storage, digest), kind, object_path(digest))


def head(storage: Storage) -> tuple[Head, str]:
    """Return the head and its tag.

    Raises ``RepositoryError`` if there is no repository, or one of a later format.
    """
    found = storage.read(HEAD)
    if found is None:
        raise RepositoryError(
            f"There is no repository in {storage}: {HEAD} is missing.",
            hint="Name its folder with --repository, or make one: debonair repo init DIR --name NAME",
        )
    version = decode(found.data, dict, HEAD).get("format")
    if version != FORMAT:
        raise RepositoryError(
            f"{HEAD} has the format {version}, and this Debonair knows {FORMAT}.",
            hint="Use the Debonair that wrote it, or a later one.",
        )
    return decode(found.data, Head, HEAD), found.tag
