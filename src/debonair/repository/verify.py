"""A check of a published repository: defects that a client would refuse, or that a publisher cannot repair.

It reads everything, so it takes as long as reading the pool.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Collection, Iterator, Mapping

from debonair.deb import deb822
from debonair.errors import RepositoryError
from debonair.host import parallel
from debonair.repository import history, indices, release, state, unsigned_files
from debonair.repository.channel import Entry, Line
from debonair.repository.draft import Draft
from debonair.repository.pool import COMPONENT, Facts
from debonair.repository.signing import Signer, keyring
from debonair.repository.state import Chunk, Suite, Sum
from debonair.repository.storage.protocol import Storage, TooLarge

_DAY = 86400
_NAMED = 20
"""Most apps that a sentence names."""


def verify(draft: Draft, signer: Signer) -> list[str]:
    """Return the defects of the repository that ``draft`` reads, a sentence each."""
    found: list[str] = []
    pool: dict[str, Sum] = {}
    changelogs: dict[str, dict[str, str]] = {}
    for name in draft.suites:
        found += _state(draft, name, pool, changelogs)
        found += _suite(draft, name, signer, pool)
    debs = sorted(pool.items())
    for problems in parallel.each(
        draft.storage.at_once, lambda deb: [*_file(draft.storage, *deb)], debs, "Pool"
    ):
        found += problems
    for problems in parallel.each(
        draft.storage.at_once,
        lambda known: [*unsigned_files.changelog(draft.storage, *known)],
        sorted(changelogs.items()),
        "Changelogs",
    ):
        found += problems
    found += _history(draft)
    found += unsigned_files.root(draft)
    return found


def without_deb_for_the_next_release(draft: Draft, releases: Collection[int]) -> list[str]:
    """Return a sentence for each suite with apps that have no deb in the suite after it.

    That is the suite of the next of ``releases``, numbers of Debian's, in the same channel. An upgrade of
    Debian removes an app without a deb there, because its Python is gone.
    """
    found = []
    suites = [draft.suite(name) for name in draft.suites]
    for suite in suites:
        later = [
            other
            for other in suites
            if other.channel == suite.channel
            and other.debian_release > suite.debian_release
            and other.debian_release in releases
        ]
        if not later:
            continue
        following = min(later, key=lambda other: other.debian_release)
        lacking = []
        for package, lines in draft.packages(suite.name):
            there = _offered(draft.lines(following.name, package))
            if missing := [] if "all" in there else sorted(_offered(lines) - there):
                lacking.append(f"{package} ({', '.join(missing)})")
        if lacking:
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            found.append(
                f"{suite.name} has apps without a deb in {following.name}: "
                f"{', '.join(lacking[:_NAMED])}{more}. Publish those debs before a machine is upgraded to "
                f"Debian {following.debian_release}: its upgrade would remove the apps."
            )
    return found


def _offered(lines: Mapping[str, Line]) -> set[str]:
    """Return the architectures for which a package is offered."""
    return {architecture for architecture, line in lines.items() if line.listed}


def _suite(draft: Draft, name: str, signer: Signer, pool: dict[str, Sum]) -> Iterator[str]:
    """Yield the defects that a client of the suite would meet; add the files of its indices to ``pool``."""
    folder = f"dists/{name}/"
    storage = draft.storage
    texts = {}
    for path in ("InRelease", "Release", "Release.gpg"):
        try:
            stored = storage.read(folder + path, release.MOST)
        except TooLarge as large:
            yield large.message
            return
        if stored is None:
            yield f"{folder}{path} is missing."
            return
        texts[path] = stored.data.decode(errors="replace")
    text = texts["Release"]
    try:
        signers = signer.check(texts["InRelease"], texts["Release.gpg"], text, keyring(draft.head.keys))
    except RepositoryError as refused:
        yield f"{folder}InRelease: {refused.message}"
        return
    missing = {key.fingerprint for key in draft.head.keys} - set(signers)
    if missing:
        yield f"{folder}InRelease is not signed by {', '.join(sorted(missing))}."
    if text.strip() not in texts["InRelease"]:
        yield f"{folder}InRelease and {folder}Release have different contents."
    shown = hashlib.sha256(texts["InRelease"].encode()).hexdigest()
    if shown != draft.head.suites[name].inrelease:
        yield f"{folder}InRelease does not belong to the newest change. Sign it again: debonair repo renew"
    yield from _release(draft, folder, text, name)
    listed = release.sums(text, f"{folder}Release")
    for path in listed:
        yield from _index(storage, folder, path, listed, pool)


def _release(draft: Draft, folder: str, text: str, name: str) -> Iterator[str]:
    fields = deb822.fields(text)
    expected = {
        "Origin": draft.head.name,
        "Suite": name,
        "Codename": name,
        "Acquire-By-Hash": "yes",
        "Architectures": " ".join(draft.suite(name).architectures),
    }
    for key, value in expected.items():
        if fields.get(key) != value:
            yield f"{folder}Release: {key} is '{fields.get(key)}', but must be '{value}'."
    try:
        date, until = (release.seconds(fields.get(key, "")) for key in ("Date", "Valid-Until"))
    except ValueError as bad:
        yield f"{folder}Release: Date or Valid-Until is not valid: {bad}."
        return
    if date > draft.now + 10:
        yield (
            f"{folder}Release: Date is {date - draft.now} s in the future; apt accepts at most 10. If the "
            "time here is right: debonair repo renew --reset-date"
        )
    if until < draft.now:
        yield f"{folder}Release expired on {fields['Valid-Until']}. Renew it: debonair repo renew"
    elif until < draft.now + draft.head.valid_days * _DAY // 4:
        yield f"{folder}Release expires on {fields['Valid-Until']}. Renew it: debonair repo renew"


def _index(
    storage: Storage, folder: str, path: str, listed: Mapping[str, Sum], pool: dict[str, Sum]
) -> Iterator[str]:
    """Yield the defects of a file that a Release lists, under both of its names."""
    expected = listed[path]
    if path.startswith(f"{COMPONENT}/Contents-") and not path.endswith(".xz"):
        return  # it is not kept: the decompressed .xz is compared below
    problems = [
        *_file(storage, folder + path, expected),
        *_file(storage, folder + indices.by_hash(path, expected.sha256), expected),
    ]
    yield from problems
    if problems or (data := state.intact(storage, folder + path, expected)) is None:
        return
    if path.endswith(".xz"):
        if Sum.of(lzma.decompress(data)) != listed.get(path.removesuffix(".xz")):
            yield f"{folder}{path} does not match the Release, which lists the uncompressed file."
    elif path.endswith("/Packages"):
        for fields in deb822.paragraphs(data.decode()):
            pool[fields["Filename"]] = Sum(int(fields["Size"]), fields["SHA256"])


def _state(
    draft: Draft, name: str, pool: dict[str, Sum], changelogs: dict[str, dict[str, str]]
) -> Iterator[str]:
    """Yield the documents behind a suite that are missing or altered.

    Add its debs to ``pool``, and to ``changelogs`` the path of each deb by path and hash of its changelog.
    """
    ref = draft.head.suites[name]
    try:
        suite = state.load(draft.storage, ref.document, Suite)
    except RepositoryError as damage:
        yield damage.message
        return
    for digest in (suite.release, suite.signature, suite.inrelease):
        try:
            state.get(draft.storage, digest)
        except RepositoryError as damage:
            yield damage.message
    for piece in suite.pieces:
        try:
            chunk = state.load(draft.storage, piece.document, Chunk)
        except RepositoryError as damage:
            yield damage.message
            continue
        lines = (line for lines in chunk.packages.values() for line in lines.values())
        debs = [entry for line in lines for entry in line.entries]
        for each in parallel.each(draft.storage.at_once, lambda deb: _known(draft, deb), debs, "Facts"):
            if isinstance(each, str):
                yield each
                continue
            pool[each.filename] = Sum(each.size, each.sha256)
            if each.changelog:
                changelogs.setdefault(each.changelog, {})[each.changelog_sha256] = each.filename


def _known(draft: Draft, entry: Entry) -> Facts | str:
    """Return the facts of a deb, or what is wrong with them."""
    try:
        return draft.facts(entry)
    except RepositoryError as damage:
        return damage.message


def _history(draft: Draft) -> Iterator[str]:
    try:
        number = draft.head.generation
        for change in history.read(draft.storage, draft.head.history):
            if change.generation != number:
                yield f"The history has change {change.generation} in place of change {number}."
                return
            number -= 1
    except RepositoryError as damage:
        yield damage.message


def _file(storage: Storage, path: str, expected: Sum) -> Iterator[str]:
    try:
        stored = storage.read(path, expected.size)
    except TooLarge:
        yield f"{path} has more than the {expected.size} bytes that are signed for."
        return
    if stored is None:
        yield f"{path} is missing."
    elif len(stored.data) != expected.size:
        yield f"{path} has {len(stored.data)} bytes, but the signed size is {expected.size}."
    elif Sum.of(stored.data) != expected:
        yield f"{path} was changed: its bytes are not the signed ones."
