"""A change in progress: one state that was read, and the differences of the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import msgspec

from debonair.errors import RepositoryError
from debonair.host import parallel
from debonair.repository import indices, state
from debonair.repository import pool as facts_of_debs
from debonair.repository.channel import Entry, Line
from debonair.repository.excerpt import shown
from debonair.repository.pool import Facts
from debonair.repository.state import Chunk, Head, Suite
from debonair.repository.storage.protocol import Conflict, Storage, instead

_DAY = 86400
_AHEAD = 300
"""Most seconds that a Date may be ahead before a publisher is warned: clocks differ a little."""
Lines = Mapping[str, Line]
"""The versions of a package in a channel, by architecture."""


class Draft:
    """The state of a repository with changes that are not visible to clients yet."""

    def __init__(self, storage: Storage, head: Head, now: int) -> None:
        self.storage = storage
        self.head = head
        """The head; replace it to change keys or the address."""
        self.now = now
        """The time of the change, in seconds since the epoch."""
        self.changed: dict[str, dict[str, Lines]] = {}
        """Lines by suite and package. A suite with a key here is signed again."""
        self._suites: dict[str, Suite] = {}
        self._chunks: dict[str, Chunk] = {}
        self._facts: dict[str, Facts] = {}

    def ensure(self, suites: Sequence[Suite]) -> list[str]:
        """Add those of ``suites`` that the repository does not have yet, empty; return their names."""
        missing = [suite for suite in suites if suite.name not in self.head.suites]
        for suite in missing:
            self._suites[suite.name] = suite
            self.touch(suite.name)
        return [suite.name for suite in missing]

    @property
    def suites(self) -> list[str]:
        """The names of all suites."""
        return sorted({*self.head.suites, *self._suites})

    def suite(self, name: str) -> Suite:
        """Return the suite ``name`` before the change. Raises ``RepositoryError`` if there is none."""
        if name not in self._suites:
            if name not in self.head.suites:
                raise RepositoryError(
                    f"The repository has no suite '{name}'.", hint=f"It has: {', '.join(self.suites)}."
                )
            self._suites[name] = state.load(self.storage, self.head.suites[name].document, Suite)
        return self._suites[name]

    def touch(self, suite: str) -> None:
        """Sign ``suite`` again even if nothing in it changes."""
        self.changed.setdefault(suite, {})

    def due(self) -> list[str]:
        """Return the suites whose Release must be signed again: half of its validity has passed."""
        soon = self.now + self.head.valid_days * _DAY // 2
        return [name for name in self.suites if self.suite(name).valid_until < soon]

    def date(self, name: str) -> int:
        """Return the Date of the suite ``name`` after the change.

        Clients ignore a Release that is not newer than theirs, also one of the same second.
        """
        before = self.suite(name).date
        return max(self.now, before + 1) if name in self.changed else before

    def ahead(self) -> dict[str, int]:
        """Return the suites that will have a Date in the future, which apt refuses, with that Date."""
        dates = {name: self.date(name) for name in self.suites}
        return {name: date for name, date in dates.items() if date > self.now + _AHEAD}

    def reset_date(self, name: str) -> None:
        """Date the suite ``name`` now, even if its Date before the change is later."""
        self._suites[name] = msgspec.structs.replace(self.suite(name), date=self.now - 1)
        self.touch(name)

    def lines(self, suite: str, package: str) -> Lines:
        """Return the versions of ``package`` in ``suite``, empty if it is not there."""
        if package in self.changed.get(suite, {}):
            return self.changed[suite][package]
        pieces = self.suite(suite).pieces
        if not pieces:
            return {}
        return self._chunk(pieces[indices.at(pieces, package)].document).packages.get(package, {})

    def put(self, suite: str, package: str, lines: Lines) -> None:
        """Set the ``lines`` of ``package`` in ``suite``; empty lines remove it."""
        if dict(lines) != dict(self.lines(suite, package)):
            self.changed.setdefault(suite, {})[package] = dict(lines)

    def packages(self, suite: str) -> Iterator[tuple[str, Lines]]:
        """Yield all packages of ``suite`` with their versions, by name; this reads every chunk."""
        found: dict[str, Lines] = {}
        chunks = [piece.document for piece in self.suite(suite).pieces]
        for chunk in parallel.each(self.storage.at_once, self._chunk, chunks, "State"):
            found.update(chunk.packages)
        found.update(self.changed.get(suite, {}))
        yield from ((name, found[name]) for name in sorted(found) if found[name])

    def facts(self, entry: Entry) -> Facts:
        """Return the facts of the deb of ``entry``.

        Raises ``RepositoryError`` if they are missing, or describe another deb.
        """
        if entry.facts not in self._facts:
            self._facts[entry.facts] = state.load(self.storage, entry.facts, Facts)
        found = self._facts[entry.facts]
        if (found.sha256, found.version) != (entry.deb, entry.version):
            raise RepositoryError(
                f"{state.object_path(entry.facts)} describes another deb than {shown(entry.version)}.",
                hint="Restore the repository from a backup.",
            )
        return found

    def know(self, facts: Facts) -> str:
        """Return the name of the document of ``facts``, which ``keep`` writes."""
        digest = hashlib.sha256(_encoded(facts)).hexdigest()
        self._facts[digest] = facts
        return digest

    def keep(self, facts: Facts, data: bytes, changelog: bytes) -> None:
        """Put a deb into the pool, with its changelog and its facts, before any document names them.

        If several debs have one source, the first provides the changelog. Raises ``RepositoryError`` if the
        pool has a file of that name with other bytes.
        """
        if not self.storage.add(facts.filename, data):
            other = instead(self.storage, facts.filename, data)
            if other is not None and other.tag is not None:
                raise facts_of_debs.immutable(facts)
        if changelog:
            self.storage.add(facts.changelog, changelog)
        self.state(facts)

    def state(self, facts: Facts) -> None:
        """Write the document of ``facts``, whose deb is in the pool."""
        state.put(self.storage, _encoded(facts))

    def restore(self, facts: Facts, data: bytes, changelog: bytes) -> list[str]:
        """Write a deb that the state names, and its changelog, again where they are missing or damaged.

        Return the paths that were written.
        """
        files = {facts.filename: data} | ({facts.changelog: changelog} if changelog else {})
        written = []
        for path, each in files.items():
            if (other := instead(self.storage, path, each)) is not None:
                with suppress(Conflict):  # another publisher has done it just now
                    self.storage.replace(path, each, other.tag)
                written.append(path)
        return written

    def _chunk(self, digest: str) -> Chunk:
        if digest not in self._chunks:
            self._chunks[digest] = state.load(self.storage, digest, Chunk)
        return self._chunks[digest]


def _encoded(facts: Facts) -> bytes:
    return msgspec.json.encode(facts, order="sorted")
