"""What one channel offers of one package on one architecture, and how that changes: values in, value out.

A channel lists the newest version that all may have, and beside it those newer ones that a share of the
machines takes first (``Phased-Update-Percentage``). The others are known still, to go back to, until they
are pruned.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from debonair.deb.version import order
from debonair.errors import RepositoryError
from debonair.repository.fields import Digest, Text, Time

ALL = 100


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version in a channel."""

    version: Text
    deb: Digest
    """SHA256 of the deb."""
    facts: Digest
    """SHA256 of its ``Facts``, which are kept among the objects."""
    added: Time
    """When the channel got it, in seconds since the epoch."""
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = ALL
    """The share of machines that may take it."""
    halted: bool = False
    """No further machine takes it; those that have it keep it."""
    withdrawn: bool = False
    """It was rolled back."""
    unlisted: Time | None = None
    """Since when the index does not name it; None while it does."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The versions of a package for one architecture in a channel, in the order in which it got them."""

    highest: Text
    """The highest version that there ever was, pruned ones counted."""
    entries: tuple[Entry, ...] = ()

    def find(self, version: str) -> Entry | None:
        """Return the entry of ``version``, if the channel has it."""
        return next((entry for entry in self.entries if entry.version == version), None)

    @property
    def listed(self) -> tuple[Entry, ...]:
        """What the index names, the newest first."""
        found = []
        for entry in reversed(self.entries):
            if entry.withdrawn:
                continue
            found.append(entry)
            # A machine that has what was halted would go back if the index named an older one: the pin
            # above 1000 knows no other way to keep it there than to name nothing else.
            if entry.percent == ALL or entry.halted:
                break
        return tuple(found)


def publish(
    line: Line | None, version: str, deb: str, facts: str, *, now: int, percent: int, where: str
) -> Line:
    """Return ``line`` with ``version`` as its newest: SHA256 of the deb, and of the document of its facts.

    ``where`` names package and channel for the error. Raises ``RepositoryError`` for a version that is
    not higher than what the channel has had. The same bytes once more change nothing.
    """
    if line is None:
        return Line(version, (Entry(version, deb, facts, now, percent),))
    known = line.find(version)
    if known and known.deb == deb and not known.withdrawn:
        return line
    if known and known.deb != deb:
        raise RepositoryError(
            f"{where} has version {version} already, with other bytes: what is published never changes.",
            hint="Raise the version and build it again.",
        )
    if known:
        raise RepositoryError(
            f"{where} had version {version}, and it was rolled back.",
            hint=f"Raise the version, or take it up again: debonair repo rollback APP {version}",
        )
    if order(version) <= order(line.highest):
        raise RepositoryError(
            f"{where} has had version {line.highest}, and {version} is not higher.",
            hint="Raise the version; to go back to an older one: debonair repo rollback",
        )
    entries = (*line.entries, Entry(version, deb, facts, now, percent))
    return _dated(Line(version, entries), now)


def rollout(line: Line, version: str, *, percent: int, halted: bool, now: int, where: str) -> Line:
    """Return ``line`` with ``version`` offered to ``percent`` of the machines, or halted at what it is.

    Raises ``RepositoryError`` if the index does not name that version.
    """
    entry = line.find(version)
    if entry is None or entry not in line.listed:
        raise RepositoryError(
            f"{where} does not offer version {version}.",
            hint="'debonair repo list' shows what is offered.",
        )
    changed = msgspec.structs.replace(entry, percent=percent, halted=halted)
    return _dated(_with(line, changed), now)


def rollback(line: Line, version: str, *, now: int, where: str) -> Line:
    """Return ``line`` offering ``version`` to all, and nothing newer.

    ``version`` may itself be one that was rolled back before. Raises ``RepositoryError`` if the channel
    has it no more.
    """
    target = line.find(version)
    if target is None:
        known = ", ".join(entry.version for entry in line.entries) or "none"
        raise RepositoryError(
            f"{where} has no version {version} to go back to; it has {known}.",
            hint="A version that was pruned must be built again, with a higher version.",
        )
    entries = []
    newer = False
    for entry in line.entries:
        if entry is target:
            newer = True
            entries.append(
                msgspec.structs.replace(entry, percent=ALL, halted=False, withdrawn=False, unlisted=None)
            )
        else:
            entries.append(msgspec.structs.replace(entry, withdrawn=True) if newer else entry)
    return _dated(Line(line.highest, tuple(entries)), now)


def previous(line: Line) -> str | None:
    """Return the version before the newest that is offered, or None if there is none."""
    kept = [entry for entry in line.entries if not entry.withdrawn]
    return kept[-2].version if len(kept) > 1 else None


def prune(line: Line, *, keep: int, before: int) -> tuple[Line, tuple[Entry, ...]]:
    """Return ``line`` without old versions, and those.

    What the index names stays, and so do the ``keep`` newest, and whatever it named at or after
    ``before`` (seconds since the epoch): a client may need its deb still.
    """
    newest = set(line.entries[-keep:]) if keep else set()
    gone = tuple(
        entry
        for entry in line.entries
        if entry.unlisted is not None and entry.unlisted < before and entry not in newest
    )
    return Line(line.highest, tuple(entry for entry in line.entries if entry not in gone)), gone


def _with(line: Line, changed: Entry) -> Line:
    entries = tuple(changed if entry.version == changed.version else entry for entry in line.entries)
    return Line(line.highest, entries)


def _dated(line: Line, now: int) -> Line:
    """Note ``now`` on the entries that the index names no more, and on the others that it does."""
    listed = {entry.version for entry in line.listed}
    entries = tuple(
        msgspec.structs.replace(
            entry,
            unlisted=None
            if entry.version in listed
            else entry.unlisted
            if entry.unlisted is not None
            else now,
        )
        for entry in line.entries
    )
    return Line(line.highest, entries)
