"""The landing page: ``index.html`` for people and ``index.json`` for programs, with the offered versions.

The JSON is updated from the previous one and the history since then, so that only changes are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from debonair.errors import RepositoryError
from debonair.host import decoder
from debonair.repository import bootstrap as bootstrap_deb
from debonair.repository import history
from debonair.repository.draft import Draft
from debonair.repository.fields import Time
from debonair.template import page

JSON = "index.json"
MOST = 256 << 20
"""Most bytes that it may have."""
HTML = "index.html"
_SHOWN = 500
"""Most packages that the page shows, the latest changes first; the JSON has all."""
_FOLLOWED = 100
"""Most changes that are followed; if there are more, the JSON is built from nothing."""


class Offer(msgspec.Struct, frozen=True):
    """A version that a suite offers."""

    version: str
    architecture: str
    size: int
    date: Time
    filename: str
    percent: int = 100
    halted: bool = False


class App(msgspec.Struct, frozen=True):
    """A package with the versions that each suite offers."""

    synopsis: str
    suites: dict[str, tuple[Offer, ...]]
    date: Time
    """When it changed last, in seconds since the epoch."""


class Index(msgspec.Struct, frozen=True):
    """The content of ``index.json``."""

    name: str
    url: str
    generation: int
    date: Time
    fingerprints: tuple[str, ...]
    bootstrap: str
    """The line to type on a new machine; empty if there is none."""
    packages: dict[str, App]


def files(draft: Draft, known: bytes | None) -> dict[str, bytes]:
    """Return the files of the page for the state that ``draft`` reads, by path, the JSON last.

    ``known`` is the existing JSON, if any. If it describes exactly this state, there is nothing to write.
    """
    before = decoded(known)
    if before is not None and before.generation == draft.head.generation:
        return {}
    found = Index(
        name=draft.head.name,
        url=draft.head.url,
        generation=draft.head.generation,
        date=_date(draft),
        fingerprints=tuple(key.fingerprint for key in draft.head.keys),
        bootstrap=bootstrap_deb.line(draft.head),
        packages=packages(draft, before),
    )
    return {HTML: html(found).encode(), JSON: msgspec.json.encode(found, order="sorted") + b"\n"}


def html(index: Index) -> str:
    """Return the page of ``index``."""
    recent = sorted(index.packages.items(), key=lambda item: (-item[1].date, item[0]))[:_SHOWN]
    left = len(index.packages) - len(recent)

    def place(item: tuple[str, App]) -> tuple[bool, str]:
        """Order by name; packages that belong to the repository itself come last."""
        return item[0] == bootstrap_deb.package(index.name), item[0]

    values = {
        "index": index,
        "json": JSON,
        "packages": sorted(recent, key=place),
        "left": left,
        "fingerprints": [_spaced(each) for each in index.fingerprints],
        "day": _day,
        "size": _size,
    }
    return page("packaging/repo/index.html.in", values)


def packages(draft: Draft, before: Index | None = None) -> dict[str, App]:
    """Return the offered versions by package: from ``before`` and later changes, or from nothing."""
    changed = _changed(draft, before)
    suites = draft.suites
    if before is None or changed is None:
        changed = {name for suite in suites for name, _ in draft.packages(suite)}
        found: dict[str, App] = {}
    else:
        found = dict(before.packages)
    for name in sorted(changed):
        if app := _app(draft, suites, name):
            found[name] = app
        else:
            found.pop(name, None)
    return found


def _changed(draft: Draft, before: Index | None) -> set[str] | None:
    """Return the packages that changed since ``before``, or None if that is not known."""
    if before is None or not 0 < draft.head.generation - before.generation <= _FOLLOWED:
        return None
    found: set[str] = set()
    try:
        for change in history.read(draft.storage, draft.head.history):
            if change.generation == before.generation:
                return found
            found.update(change.packages)
    except RepositoryError:
        return None
    return None


def _app(draft: Draft, suites: Sequence[str], name: str) -> App | None:
    offered: dict[str, tuple[Offer, ...]] = {}
    synopsis = ""
    for suite in suites:
        offers = []
        for architecture, line in sorted(draft.lines(suite, name).items()):
            for entry in line.listed:
                facts = draft.facts(entry)
                synopsis = synopsis or facts.synopsis
                offers.append(
                    Offer(
                        entry.version,
                        architecture,
                        facts.size,
                        entry.added,
                        facts.filename,
                        entry.percent,
                        entry.halted,
                    )
                )
        if offers:
            offered[suite] = tuple(offers)
    dates = [offer.date for offers in offered.values() for offer in offers]
    return App(synopsis, offered, max(dates)) if offered else None


def decoded(known: bytes | None) -> Index | None:
    """Return the ``index.json`` whose bytes are ``known``, or None if it is not valid."""
    if known is None:
        return None
    try:
        return decoder.json(known, Index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _date(draft: Draft) -> int:
    return next(iter(history.read(draft.storage, draft.head.history))).date


def _spaced(fingerprint: str) -> str:
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _size(count: int) -> str:
    return f"{count / 1000:.0f} kB" if count < 999_500 else f"{count / 1e6:.1f} MB"


def as_table(packages: Mapping[str, App]) -> list[tuple[str, str, str, str, str]]:
    """Return rows for people: package, suite, version, architecture, and the share that may take it."""
    return [
        (
            name,
            suite,
            offer.version,
            offer.architecture,
            "halted" if offer.halted else f"{offer.percent} %",
        )
        for name, app in packages.items()
        for suite, offers in app.suites.items()
        for offer in offers
    ]
