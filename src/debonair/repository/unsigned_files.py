"""The files that no index names: the page, keys, bootstrap debs and changelogs; and unknown files.

The signed state determines the content of all files except the unknown ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from debonair.errors import RepositoryError
from debonair.repository import bootstrap, landing_page, pool, state
from debonair.repository.draft import Draft
from debonair.repository.signing import keyring
from debonair.repository.storage.protocol import UNFINISHED, Storage, TooLarge, instead

_NAMED = 20
"""Most places that a sentence names."""
_RENEW = "Write it again: debonair repo renew"
_SWEPT_FOLDERS = ("pool/", "state/", pool.CHANGELOGS)
"""Folders in which ``sweep`` finds the files that no document names."""


def root(draft: Draft) -> Iterator[str]:
    """Yield the defects of the files for browsers and new machines."""
    storage, head = draft.storage, draft.head
    if instead(storage, path := f"{bootstrap.package(head.name)}.gpg", keyring(head.keys)):
        yield f"{path} does not have the keys of the repository. {_RENEW}"
    for suite, each in sorted(head.bootstrap.items()):
        data = _read(storage, path := bootstrap.path(head.name, suite), bootstrap.MOST)
        if data is None or hashlib.sha256(data).hexdigest() != each.sha256:
            yield f"{path} is not the deb whose hash the state has. {_RENEW}"
    known = landing_page.decoded(_read(storage, landing_page.JSON, landing_page.MOST))
    if known is None or known.generation != head.generation:
        yield f"{landing_page.JSON} is not of the newest change. {_RENEW}"
    try:
        page = landing_page.files(draft, None)
    except RepositoryError:  # damage in the state is reported on its own
        return
    if (
        known
        and known.generation == head.generation
        and known != landing_page.decoded(page[landing_page.JSON])
    ):
        yield f"{landing_page.JSON} does not list what the suites offer. {_RENEW}"
    if instead(storage, landing_page.HTML, page[landing_page.HTML]):
        yield (
            f"{landing_page.HTML} is not the page that this Debonair makes of the newest state, and people "
            f"type the line on it as root. {_RENEW}"
        )


def changelog(storage: Storage, path: str, debs: Mapping[str, str]) -> Iterator[str]:
    """Yield the defect of a changelog, if any; ``debs`` has the path of a deb for each hash that is valid.

    An empty hash is unknown: then any changelog is valid.
    """
    data = _read(storage, path, pool.LONGEST_CHANGELOG)
    known = data is not None and ("" in debs or hashlib.sha256(data).hexdigest() in debs)
    if not known:
        deb = min(debs.values())
        defect = "is missing" if storage.size(path) is None else "is not the changelog of its package"
        yield f"{path} {defect}. To write it again, add the deb again ({deb})."


def unlisted(draft: Draft) -> list[str]:
    """Return a sentence about the files that are not the repository's own, if there are any."""
    head = draft.head
    known = {
        state.HEAD,
        ".lock",
        landing_page.HTML,
        landing_page.JSON,
        f"{bootstrap.package(head.name)}.gpg",
    }
    known |= {bootstrap.path(head.name, suite) for suite in head.bootstrap}
    for suite in map(draft.suite, draft.suites):
        folder = f"dists/{suite.name}/"
        known |= {folder + name for name in ("InRelease", "Release", "Release.gpg", *suite.files)}
    foreign: dict[str, list[str]] = {}
    for found in draft.storage.list(""):
        path = found.path
        if path not in known and not path.startswith(_SWEPT_FOLDERS) and not _swept(path, head):
            foreign.setdefault(_place(path), []).append(path)
    if not foreign:
        return []
    places = [
        paths[0] if len(paths) == 1 else f"{place} ({len(paths)} files)"
        for place, paths in sorted(foreign.items())
    ]
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    sentence = (
        f"Nothing signed names {', '.join(places[:_NAMED])}{more}, and clients can fetch it all the same. "
        "Remove it, unless you know who put it there."
    )
    return [sentence]


def _swept(path: str, head: state.Head) -> bool:
    """Return whether ``sweep`` removes the file at ``path`` if no document names it."""
    _, suite, *_ = [*path.split("/"), ""]
    by_hash = "/by-hash/" in path and path.startswith("dists/") and suite in head.suites
    return by_hash or path.rpartition("/")[2].startswith(UNFINISHED)


def _place(path: str) -> str:
    """Return ``path``, or for a file deep in a folder that folder."""
    first, _, rest = path.partition("/")
    second, deep, _ = rest.partition("/")
    return f"{first}/{second}/" if deep else path


def _read(storage: Storage, path: str, limit: int) -> bytes | None:
    """Return the file at ``path``, or None if it is missing or too large."""
    try:
        found = storage.read(path, limit)
    except TooLarge:
        return None
    return found.data if found else None
