"""The suites of a repository, its address, and the bootstrap deb of each suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from debonair.repository import bootstrap as bootstrap_deb
from debonair.repository import channel, pool
from debonair.repository.channel import ALL
from debonair.repository.draft import Draft
from debonair.repository.pool import Facts
from debonair.repository.publish import Edit
from debonair.repository.state import Bootstrap, Suite


def make_suites(known: Sequence[Suite]) -> Edit:
    """Return the edit that creates all suites, and the bootstrap deb if the address is known."""

    def edit(draft: Draft) -> list[str]:
        return bootstrap_for(draft, draft.ensure(known))

    return edit


def set_address(url: str) -> Edit:
    """Return the edit that publishes the repository's address to clients, with a new bootstrap deb."""

    def edit(draft: Draft) -> list[str]:
        if draft.head.url == url and draft.head.bootstrap:
            return []
        draft.head = msgspec.structs.replace(draft.head, url=url)
        return [f"read at {url}", *bootstrap(draft)]

    return edit


def bootstrap(draft: Draft) -> list[str]:
    """Publish the next bootstrap deb in every suite, if the address is known."""
    if not draft.head.url:
        return []
    issue = draft.head.issue + 1
    name = bootstrap_deb.package(draft.head.name)
    # A publisher that died may have left one of that number in the pool, with a key that was never used.
    while any(
        draft.storage.size(f"pool/{pool.initial(name)}/{name}/{name}_{version}_all.deb") is not None
        for version in (f"{issue}+deb{draft.suite(each).debian_release}" for each in draft.suites)
    ):
        issue += 1
    made: dict[str, Bootstrap] = {}
    known: dict[str, Facts] = {}
    every = [draft.suite(each) for each in draft.suites]
    what = []
    for name in draft.suites:
        suite = draft.suite(name)
        version = f"{issue}+deb{suite.debian_release}"
        if suite.suite not in made:
            deb = bootstrap_deb.deb(draft.head, every, suite.suite, version, now=draft.now)
            each, changelog = pool.of(Path(bootstrap_deb.path(draft.head.name, suite.suite)), deb)
            draft.keep(each, deb, changelog)
            known[suite.suite] = each
            made[suite.suite] = Bootstrap(version, each.sha256, each.filename)
            what.append(f"{each.package} {version}")
        published(draft, name, known[suite.suite], ALL)
    draft.head = msgspec.structs.replace(draft.head, issue=issue, bootstrap=made)
    return what


def lost(draft: Draft) -> bool:
    """Return whether a bootstrap deb is neither in the pool nor where new machines fetch it."""
    head = draft.head
    return any(bootstrap_deb.find(draft.storage, head, suite) is None for suite in head.bootstrap)


def bootstrap_for(draft: Draft, made: Sequence[str]) -> list[str]:
    """Publish the next bootstrap deb if suites were ``made``, because their machines need one too."""
    return [*(f"{name}, new" for name in made), *(bootstrap(draft) if made else [])]


def published(draft: Draft, where: str, each: Facts, percent: int) -> bool:
    """Put a deb into a suite; return whether that changed anything."""
    before = draft.lines(where, each.package)
    line = channel.publish(
        before.get(each.architecture),
        each.version,
        each.sha256,
        draft.know(each),
        now=draft.now,
        percent=percent,
        where=f"{each.package} ({each.architecture}) in {where}",
    )
    if line is before.get(each.architecture):
        return False
    draft.put(where, each.package, {**before, each.architecture: line})
    return True


def noted(draft: Draft, where: str, each: Facts) -> bool:
    """Note the hash of a published deb's changelog; return whether an earlier Debonair had left it out."""
    before = draft.lines(where, each.package)
    line = before[each.architecture]
    known = line.find(each.version)
    if known is None or (old := draft.facts(known)).changelog_sha256 or not each.changelog_sha256:
        return False
    if msgspec.structs.replace(old, changelog_sha256=each.changelog_sha256) != each:
        return False
    changed = msgspec.structs.replace(known, facts=draft.know(each))
    entries = tuple(changed if entry is known else entry for entry in line.entries)
    line = msgspec.structs.replace(line, entries=entries)
    draft.put(where, each.package, {**before, each.architecture: line})
    return True
