"""The versions of one package on one architecture in a channel, and their changes: values in, value out.

A channel lists the newest version that all machines may have. It also lists newer versions, which a share
of the machines gets first (``Phased-Update-Percentage``). Older versions stay known, for a rollback, until
they are pruned.
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
    """When it entered the channel, in seconds since the epoch."""
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = ALL
    """The share of machines that may take it."""
    halted: bool = False
    """No further machine takes it; machines that have it keep it."""
    withdrawn: bool = False
    """It was rolled back."""
    unlisted: Time | None = None
    """Since when the index does not name it; None while it does."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The versions of a package for one architecture in a channel, in the order of their arrival."""

    highest: Text
    """The highest version ever in the channel, including pruned ones."""
    entries: tuple[Entry, ...] = ()

    def find(self, version: str) -> Entry | None:
        """Return the entry of ``version``, if the channel has it."""
        return next((entry for entry in self.entries if entry.version == version), None)

    @property
    def listed(self) -> tuple[Entry, ...]:
        """Return the entries that the index names, the newest first."""
        found = []
        for entry in reversed(self.entries):
            if entry.withdrawn:
                continue
            found.append(entry)
            # If the index named an older version, machines with the halted one would go back to it: their
            # pin is above 1000. So the index names nothing else.
            if entry.percent == ALL or entry.halted:
                break
        return tuple(found)


def publish(
    line: Line | None, version: str, deb: str, facts: str, *, now: int, percent: int, where: str
) -> Line:
    """Return ``line`` with ``version`` as its newest: SHA256 of the deb, and of the document of its facts.

    ``where`` names package and channel for the error. Raises ``RepositoryError`` for a version that is not
    higher than all before it in the channel. Publishing the same bytes again changes nothing.
    """
    if line is None:
        return Line(version, (Entry(version, deb, facts, now, percent),))
    known = line.find(version)
    if known and known.deb == deb and not known.withdrawn:
        return line
    if known and known.deb != deb:
        raise RepositoryError(
            f"{where} already has version {version}, with other bytes. Published versions never change.",
            hint="Raise the version and build it again.",
        )
    if known:
        raise RepositoryError(
            f"{where} had version {version}, which was rolled back.",
            hint=f"Raise the version, or offer the old one again: debonair repo rollback APP {version}",
        )
    if order(version) <= order(line.highest):
        raise RepositoryError(
            f"{where} already had version {line.highest}, and {version} is not higher.",
            hint="Raise the version. To return to an older one: debonair repo rollback APP",
        )
    entries = (*line.entries, Entry(version, deb, facts, now, percent))
    return _dated(Line(version, entries), now)


def rollout(line: Line, version: str, *, percent: int, halted: bool, now: int, where: str) -> Line:
    """Return ``line`` with ``version`` offered to ``percent`` of the machines, or halted at its share.

    Raises ``RepositoryError`` if the index does not name that version.
    """
    entry = line.find(version)
    if entry is None or entry not in line.listed:
        raise RepositoryError(
            f"{where} does not offer version {version}.",
            hint="List the offered versions: debonair repo list",
        )
    changed = msgspec.structs.replace(entry, percent=percent, halted=halted)
    return _dated(_with(line, changed), now)


def rollback(line: Line, version: str, *, now: int, where: str) -> Line:
    """Return ``line`` offering ``version`` to all machines, and nothing newer.

    ``version`` may be one that was itself rolled back before. Raises ``RepositoryError`` if the channel no
    longer has it.
    """
    target = line.find(version)
    if target is None:
        known = ", ".join(entry.version for entry in line.entries) or "none"
        raise RepositoryError(
            f"{where} cannot return to version {version}; it has {known}.",
            hint="A pruned version must be built again, with a higher number.",
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
    """Return ``line`` without old versions, and those versions.

    Versions in the index stay, and so do the ``keep`` newest. Versions that the index named at or after
    ``before`` (seconds since the epoch) stay too, because a client may still need their debs.
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
    """Set ``now`` on the entries that the index no longer names, and clear it on those that it names."""
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
