"""The files of a repository that no document names: found, and removed when they are old enough.

A publisher writes files before it commits, so a young file without a name may get one in a moment. Removed
files are at least a day older than that.
"""

from __future__ import annotations

from collections.abc import Iterator

from debonair.host import parallel
from debonair.repository import history, indices, pool, state
from debonair.repository.draft import Draft
from debonair.repository.storage.protocol import UNFINISHED, Found

DAY = 86400
_FOLDERS = ("pool/", pool.CHANGELOGS, pool.FACTS, state.OBJECTS, history.FOLDER)


def unnamed(draft: Draft) -> Iterator[Found]:
    """Yield the files of the pool and of the state that the newest state does not name.

    In the suites, these are by-hash files of a generation that is not kept, and unfinished files.
    """
    named = _named(draft)
    for folder in _FOLDERS:
        for found in draft.storage.list(folder):
            if found.path not in named:
                yield found
    for found in draft.storage.list("dists/"):
        unfinished = found.path.rpartition("/")[2].startswith(UNFINISHED)
        if unfinished or ("/by-hash/" in found.path and found.path not in named):
            yield found


def sweep(draft: Draft, *, older_than: int) -> list[Found]:
    """Remove and return files that no document names and that are old enough.

    They are older than ``older_than`` seconds, and at least a day.

    The age of a deb is that of its upload, even if it was offered until a moment ago. ``channel.prune``
    protects such a deb, because its version stays in the state.
    """
    horizon = draft.now - max(older_than, DAY)
    gone = [found for found in unnamed(draft) if found.modified < horizon]
    parallel.each(draft.storage.at_once, draft.storage.remove, [found.path for found in gone], "Removing")
    return gone


def _named(draft: Draft) -> set[str]:
    named: set[str] = set()
    for ref in draft.head.suites.values():
        named.add(state.object_path(ref.document))
    for suite in map(draft.suite, draft.suites):
        named |= {state.object_path(each) for each in (suite.release, suite.signature, suite.inrelease)}
        by_hash = indices.named(suite).union(*(each.paths for each in suite.old))
        named |= {f"dists/{suite.name}/{path}" for path in by_hash}
        named |= {state.object_path(piece.document) for piece in suite.pieces}
        lines = (line for _, lines in draft.packages(suite.name) for line in lines.values())
        debs = {entry.facts: entry for line in lines for entry in line.entries}
        known = parallel.each(draft.storage.at_once, draft.facts, list(debs.values()), "Facts")
        named |= {state.object_path(each) for each in debs}
        named |= {each.filename for each in known} | {each.changelog for each in known}
    name = draft.head.history
    changes = history.read(draft.storage, name)
    while name:
        named.add(f"{history.FOLDER}{name}.json")
        name = next(changes).previous
    return named
