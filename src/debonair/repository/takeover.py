"""A repository of the previous version, with an unsigned state: taken over once, on purpose.

Its indices are signed, and the state must agree with them exactly: Packages and Contents are built from the
state and compared with the signed ones. A version that no index offers any more is kept, for a rollback, if
an older index names it that still exists and is signed. Its facts are read from the deb itself. All other
versions are dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from debonair.deb import deb822
from debonair.deb.version import order
from debonair.errors import Error, RepositoryError
from debonair.repository import bootstrap as bootstrap_deb
from debonair.repository import history, indices, pool, release, state
from debonair.repository.channel import Entry, Line
from debonair.repository.draft import Draft
from debonair.repository.edits import bootstrap
from debonair.repository.excerpt import shown
from debonair.repository.fields import Digest, Text, Time
from debonair.repository.pool import Facts
from debonair.repository.publish import Repository
from debonair.repository.signing import Signer, keyring
from debonair.repository.state import HEAD, Head, Key, Suite, Sum
from debonair.repository.storage.protocol import Storage, is_inside

_DEB_MOST = 4 << 30
"""Most bytes of a deb whose size no signature states."""
_SUMS = b"\nSHA256:\n"
_DAY = 86400


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version in a channel, in the old format."""

    version: Text
    deb: Digest
    added: Time
    percent: int = 100
    halted: bool = False
    withdrawn: bool = False
    unlisted: Time | None = None


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    highest: Text
    entries: tuple[_Entry, ...] = ()


class _Chunk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    packages: dict[Text, dict[Text, _Line]]


class _Signed(msgspec.Struct, frozen=True):
    """An index that the keys have signed."""

    suite: str
    fields: Mapping[str, str]
    sums: Mapping[str, Sum]


def take_over(repository: Repository, name: str, signer: Signer, *, now: int) -> list[str]:
    """Sign the state of ``repository``, which must be ``name``, and pin it; return what was done.

    Raises what ``draft`` raises, with nothing changed, and if the place is pinned already.
    """
    if (pin := repository.trust.pins.load(repository.trust.place)) is not None:
        raise RepositoryError(
            f"This machine has seen a signed state of '{pin.name}' in {repository.storage}.",
            hint="A state without a signature is older. Restore the repository from a backup.",
        )
    made, tag, what = draft(repository.storage, name, signer, now=now)
    repository.commit(made, tag, "trust", what)
    return what


def draft(storage: Storage, name: str, signer: Signer, *, now: int) -> tuple[Draft, str, list[str]]:
    """Return the state of the repository ``name`` to sign, the tag of its head, and what was done.

    Raises ``RepositoryError`` if it is another repository, or differs from the signed indices.
    """
    found = storage.read(HEAD, state.HEAD_MOST)
    if found is None:
        raise RepositoryError(f"There is no repository in {storage}: {HEAD} is missing.")
    if state.version(found.data) != state.UNSIGNED:
        raise RepositoryError(
            f"The state of the repository in {storage} is already signed: you do not need to take it over.",
            hint=f"Trust it on this machine: debonair repo trust --name {name}",
        )
    old = state.decode(found.data, Head, HEAD)
    if old.name != name:
        raise RepositoryError(f"{HEAD} in {storage} is the head of '{old.name}', not of '{name}'.")
    keys = tuple(_find_key(key, signer, name) for key in old.keys)
    if not keys or not old.suites:
        raise RepositoryError(f"{HEAD} in {storage} has no key, or no suite.")
    taken = _Taking(storage, signer, keys, now)
    shown_ = {each: taken.signed(each) for each in sorted(old.suites)}
    chained = history.is_whole(storage, old.history, old.generation)
    head = Head(
        state.FORMAT,
        name,
        old.generation if chained else 0,
        old.history if chained else "",
        keys,
        max(1, *(_days(each) for each in shown_.values())),
        {},
        url=_url(next(iter(shown_.values()))),
    )
    made = Draft(storage, head, now)
    what = ["taken over from an earlier Debonair" + (f", after change {old.generation}" if chained else "")]
    for suite, each in shown_.items():
        before = state.load(storage, old.suites[suite].document, Suite)
        if before.suite not in old.suites or not _is_of(before, each):
            raise _forged(f"The state of {suite} is not that of a suite of this repository")
        what += taken.suite(made, before, each)
    if not chained:
        what.append("the history was changed, and starts again")
    made.head = msgspec.structs.replace(made.head, issue=_issue(made))
    what += bootstrap.bootstrap(made)
    return made, found.tag, what


class _Taking:
    """The reading of one repository."""

    def __init__(self, storage: Storage, signer: Signer, keys: Sequence[Key], now: int) -> None:
        self.storage, self.signer, self.now = storage, signer, now
        self.ring = keyring(keys)
        self.fingerprints = {key.fingerprint for key in keys}
        self._debs: set[tuple[str, str, str, str]] | None = None

    def signed(self, suite: str) -> _Signed:
        """Return the indices that clients see. Raises ``RepositoryError`` if they are not signed."""
        path = f"dists/{suite}/InRelease"
        found = self.storage.read(path, release.MOST)
        opened = self._opened(found.data) if found else None
        if opened is None:
            raise RepositoryError(
                f"{path} is missing, or not signed by the repository's keys.",
                hint="Sign it again with the Debonair that made it: debonair repo renew",
            )
        if opened.suite != suite or opened.fields.get("Codename") != suite:
            raise RepositoryError(f"{path} belongs to {shown(opened.suite)}: someone has put it there.")
        return opened

    def suite(self, made: Draft, before: Suite, signed: _Signed) -> list[str]:
        """Put the signed part of a suite into ``made``; return a line for each version that is dropped."""
        try:
            date, until = (release.seconds(signed.fields[key]) for key in ("Date", "Valid-Until"))
        except (KeyError, ValueError):
            raise RepositoryError(f"dists/{signed.suite}/InRelease has no Date or Valid-Until.") from None
        files = {path: each for path, each in signed.sums.items() if path in before.files}
        fresh = msgspec.structs.replace(before, pieces=(), files=files, date=date, valid_until=until)
        made.ensure([fresh])
        lines: dict[str, dict[str, Line]] = {}
        gone = []
        for piece in before.pieces:
            chunk = state.load(self.storage, piece.document, _Chunk)
            if not chunk.packages or chunk.packages.keys() & lines.keys():
                raise _forged(f"The state of {signed.suite} has an empty chunk, or lists a package twice")
            for package, known in chunk.packages.items():
                lines[package] = {}
                for architecture, line in known.items():
                    kept, lost = self._line(made, package, architecture, line)
                    lines[package] |= {architecture: kept} if kept else {}
                    gone += [
                        f"{package} {each} {architecture} in {signed.suite} is dropped: no remaining "
                        "signed index lists it"
                        for each in lost
                    ]
        for package, changed in lines.items():
            made.put(signed.suite, package, changed)
        self._compare(fresh, made, signed)
        return gone

    def _compare(self, suite: Suite, made: Draft, signed: _Signed) -> None:
        built = indices.build(suite, made.changed[suite.name], self.storage, made.facts)
        for path in sorted({*built.sums, *signed.sums}):
            if not path.endswith(".xz") and built.sums.get(path) != signed.sums.get(path):
                raise _forged(f"The state contradicts the signed dists/{suite.name}/{shown(path)}")

    def _line(
        self, made: Draft, package: str, architecture: str, line: _Line
    ) -> tuple[Line | None, list[str]]:
        """Return a line with the trusted entries, and the versions of the others."""
        if len({each.version for each in line.entries}) < len(line.entries):
            raise _forged(f"The state of {shown(package)} ({architecture}) lists a version twice")
        entries, lost = [], []
        # its listed versions are compared later, with the whole index
        names = {
            each.version for each in Line("", tuple(_entry(each, "0" * 64) for each in line.entries)).listed
        }
        for each in line.entries:
            known = (
                self._listed(each) if each.version in names else self._unlisted(package, architecture, each)
            )
            if known is None or (known.package, known.architecture) != (package, architecture):
                lost.append(each.version)
                continue
            digest = made.know(known)
            made.state(known)
            entries.append(_entry(each, digest))
        if not entries:
            return None, lost
        highest = max((each.version for each in entries), key=order)
        return Line(highest, tuple(entries)), lost

    def _listed(self, entry: _Entry) -> Facts:
        """Return the facts of a deb that an index names; they are compared with the index later."""
        path = pool.path_of(entry.deb)
        if (found := self.storage.read(path, state.MOST)) is None:
            raise RepositoryError(f"{path} is missing.", hint="Restore it from a backup of the repository.")
        known = state.decode(found.data, Facts, path)
        stanza = f"\n{known.stanza}"
        says = {
            "Package": known.package,
            "Version": known.version,
            "Architecture": known.architecture,
            "Filename": known.filename,
            "Size": str(known.size),
            "SHA256": known.sha256,
        }
        fits = all(f"\n{key}: {value}\n" in stanza for key, value in says.items())
        paths = [known.filename, *([known.changelog] if known.changelog else [])]
        inside = all(is_inside(each) and each.startswith(("pool/", pool.CHANGELOGS)) for each in paths)
        if not fits or not inside or (known.sha256, known.version) != (entry.deb, entry.version):
            raise _forged(f"{path} contradicts itself")
        return msgspec.structs.replace(known, changelog_sha256="")  # no index states it

    def _unlisted(self, package: str, architecture: str, entry: _Entry) -> Facts | None:
        """Return the facts of a deb that only an older index names, if the deb exists."""
        if (package, entry.version, architecture, entry.deb) not in self._ever():
            return None
        path = pool.path_of(entry.deb)
        found = self.storage.read(path, state.MOST)
        try:
            claimed = state.decode(found.data, Facts, path).filename if found else ""
            deb = self.storage.read(claimed, _DEB_MOST) if is_inside(claimed) else None
            if deb is None or hashlib.sha256(deb.data).hexdigest() != entry.deb:
                return None
            known, _ = pool.of(Path(claimed), deb.data)
        except Error:
            return None
        return known if known.version == entry.version and known.filename == claimed else None

    def _ever(self) -> set[tuple[str, str, str, str]]:
        """Return the debs of all signed indices that exist: package, version, architecture, SHA256."""
        if self._debs is None:
            self._debs = set()
            for found in self.storage.list(state.OBJECTS):
                if found.size > release.MOST:
                    continue
                stored = self.storage.read(found.path, release.MOST)
                opened = self._opened(stored.data) if stored and _SUMS in stored.data else None
                if opened is not None:
                    self._debs.update(self._named(opened))
        return self._debs

    def _named(self, signed: _Signed) -> Iterator[tuple[str, str, str, str]]:
        for path, expected in signed.sums.items():
            kept = f"dists/{signed.suite}/{indices.by_hash(path, expected.sha256)}"
            if not path.endswith("/Packages") or not is_inside(kept):
                continue
            found = state.intact(self.storage, kept, expected) or b""
            for fields in deb822.paragraphs(found.decode(errors="replace")):
                if all(key in fields for key in (*pool.FIRST, "SHA256")):
                    yield (fields["Package"], fields["Version"], fields["Architecture"], fields["SHA256"])

    def _opened(self, data: bytes) -> _Signed | None:
        """Return the text of an InRelease, or None if none of the keys has signed it."""
        text = self.signer.opened(data.decode(errors="replace"), self.ring, self.fingerprints)
        if text is None:
            return None
        fields = deb822.fields(text)
        return _Signed(fields.get("Suite", ""), fields, release.sums(text, "InRelease"))


def _find_key(key: Key, signer: Signer, name: str) -> Key:
    """Return ``key`` as this publisher has it. Raises ``RepositoryError`` if there is no such key here."""
    try:
        return signer.adopt(key.fingerprint, now=key.created)
    except RepositoryError as absent:
        raise RepositoryError(
            f"The state of '{name}' names the key {key.fingerprint}, which you do not have.",
            hint="Take the repository over on the machine with its keys. If the key is not yours, someone "
            "else has written the state.",
        ) from absent


def _entry(each: _Entry, digest: str) -> Entry:
    return Entry(
        each.version,
        each.deb,
        digest,
        each.added,
        min(max(each.percent, 0), 100),
        each.halted,
        each.withdrawn,
        each.unlisted,
    )


def _days(signed: _Signed) -> int:
    try:
        date, until = (release.seconds(signed.fields[key]) for key in ("Date", "Valid-Until"))
    except (KeyError, ValueError):
        return 1
    return min((until - date) // _DAY, 3650)


def _url(signed: _Signed) -> str:
    """Return where clients read it, from the signed address of its changelogs."""
    return signed.fields.get("Changelogs", "").partition(f"/{pool.CHANGELOGS}")[0]


def _is_of(before: Suite, signed: _Signed) -> bool:
    """Return whether the unsigned fields of a suite fit the name and architectures that are signed."""
    suite, _, channel = signed.suite.partition("-")
    says = (before.name, before.suite, before.channel, " ".join(before.architectures))
    return says == (signed.suite, suite, channel or "stable", signed.fields.get("Architectures"))


def _issue(made: Draft) -> int:
    """Return the number of the newest bootstrap deb in the signed indices; 0 without one.

    Raises ``RepositoryError`` if its version names another Debian than the state of its suite.
    """
    numbers = [0]
    for suite in map(made.suite, made.suites):
        for line in made.lines(suite.name, bootstrap_deb.package(made.head.name)).values():
            for entry in line.entries:
                found = re.fullmatch(rf"(\d{{1,9}})\+deb{suite.debian_release}", entry.version)
                if found is None:
                    raise _forged(f"The state of {suite.name} names another release of Debian")
                numbers.append(int(found[1]))
    return max(numbers)


def _forged(problem: str) -> RepositoryError:
    return RepositoryError(
        f"{problem}: someone else may have written it.",
        hint="Restore state/ from a backup that you trust, then take the repository over again.",
    )
