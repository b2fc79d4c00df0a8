"""Changes of the versions in a repository.

Each function returns an edit, which ``publish`` applies. An edit depends only on the state that it
receives, and has no memory. If another publisher was faster, ``publish`` calls it again with the newer
state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from debonair.deb import deb822
from debonair.deb.version import order, release, without_release
from debonair.errors import RepositoryError
from debonair.host import parallel
from debonair.host.progress import warn
from debonair.repository import bootstrap as bootstrap_deb
from debonair.repository import channel, pool
from debonair.repository.channel import ALL, Entry, Line
from debonair.repository.draft import Draft, Lines
from debonair.repository.edits.bootstrap import bootstrap_for, noted, published
from debonair.repository.pool import Facts
from debonair.repository.publish import Edit
from debonair.repository.state import Suite

CHANNELS = ("stable", "testing")
_ROWS = 100
_REVISION = re.compile(r"-[^-]*$")


def suite_name(suite: str, chosen: str) -> str:
    """Return the name of a channel's suite: ``trixie``, ``trixie-testing``."""
    return suite if chosen == "stable" else f"{suite}-{chosen}"


def suites(debian: Mapping[str, tuple[int, tuple[str, ...]]]) -> list[Suite]:
    """Return empty suites for each channel of ``debian``: release number and architectures by name."""
    return [
        Suite(suite_name(name, chosen), name, chosen, release, architectures)
        for name, (release, architectures) in sorted(debian.items())
        for chosen in CHANNELS
    ]


def add(
    paths: Sequence[Path],
    known: Callable[[], Sequence[Suite]],
    *,
    channel_name: str,
    suite: str | None,
    percent: int,
    reader: pool.Read = pool.read,
    debian: Callable[[Collection[str]], Collection[str]] = lambda _: (),
) -> Edit:
    """Return the edit that publishes the debs at ``paths``: all of them, or none.

    Each goes to the suite that its version names (``+deb13``), or to ``suite``. If the repository does not
    have that suite, the suites that ``known`` returns are created. ``reader`` reads the debs;
    ``pool.apart`` is for debs of strangers. ``debian`` returns those of some names that Debian has a
    package of; a deb that replaces one is published with a warning.

    Raises ``PackageError`` for a file that is not a deb. The edit raises ``RepositoryError`` for one that
    has the name of the repository's own package.
    """
    read = [(*found, path) for found, path in zip(_read(paths, reader), paths, strict=True)]
    read.sort(key=lambda each: order(each[0].version))
    for line in _replaced([each for each, _, _ in read], debian):
        warn(line)
    destinations = {suite} if suite else {release(each.version) for each, _, _ in read} - {None}

    def edit(draft: Draft) -> list[str]:
        there = [draft.suite(name) for name in draft.suites]
        missing = destinations - {each.suite for each in there} - {each.debian_release for each in there}
        made = draft.ensure(known()) if missing else []
        releases: dict[int | None, str] = {
            each.debian_release: each.suite for each in map(draft.suite, draft.suites)
        }
        what, again = [], []
        for each, changelog, path in read:
            where = _suite_of(draft, each, suite or releases.get(release(each.version)), channel_name)
            if not any(known.deb == each.sha256 for known in _entries(draft, where, each)):
                _foreign(draft, each.package)
            if published(draft, where, each, percent):
                what.append(
                    f"{each.package} {each.version} {each.architecture} in {where}{_share(percent)}"
                )
            else:
                again.append((each, changelog, path))
                if noted(draft, where, each):
                    what.append(
                        f"{each.package} {each.version} {each.architecture} in {where}, its changelog"
                    )
        if what:

            def keep(deb: tuple[Facts, bytes, Path]) -> None:
                each, changelog, path = deb
                draft.keep(each, pool.load(path, each), changelog)

            # Only the debs that are being uploaded are in memory.
            parallel.each(draft.storage.at_once, keep, read, "Debs")
        for each, changelog, path in again:
            for written in draft.restore(each, pool.load(path, each), changelog):
                warn(f"{written} is damaged, and is written again.")
        return [*what, *bootstrap_for(draft, made)]

    return edit


def promote(app: str, version: str, *, source: str, to: str, suite: str | None, percent: int) -> Edit:
    """Return the edit that also offers ``version`` of ``app`` in ``to``, in every suite that has it."""

    def edit(draft: Draft) -> list[str]:
        what = []
        _foreign(draft, app)
        for name, lines in _having(draft, app, channel_name=source, suite=suite):
            goal = suite_name(draft.suite(name).suite, to)
            target = dict(draft.lines(goal, app))
            for architecture, line in lines.items():
                entry = next((each for each in line.listed if same(each.version, version)), None)
                if entry is None:
                    continue
                changed = channel.publish(
                    target.get(architecture),
                    entry.version,
                    entry.deb,
                    entry.facts,
                    now=draft.now,
                    percent=percent,
                    where=f"{app} ({architecture}) in {goal}",
                )
                what.append(f"{app} {entry.version} {architecture} from {name} to {goal}{_share(percent)}")
                target[architecture] = changed
            draft.put(goal, app, target)
        _found(what, f"The channel '{source}' does not offer version {version} of {app}.")
        return what if draft.changed else []

    return edit


def rollout(app: str, version: str, *, percent: int | None, channel_name: str, suite: str | None) -> Edit:
    """Return the edit that offers ``version`` to ``percent`` of the machines; None halts it."""

    def edit(draft: Draft) -> list[str]:
        what = []
        for name, lines in _having(draft, app, channel_name=channel_name, suite=suite):
            changed = dict(lines)
            for architecture, line in lines.items():
                entry = next((each for each in line.listed if same(each.version, version)), None)
                if entry is None:
                    continue
                share = entry.percent if percent is None else percent
                changed[architecture] = channel.rollout(
                    line,
                    entry.version,
                    percent=share,
                    halted=percent is None,
                    now=draft.now,
                    where=f"{app} ({architecture}) in {name}",
                )
                shown = "halted" if percent is None else f"{percent} %"
                what.append(f"{app} {entry.version} {architecture} in {name}: {shown}")
            draft.put(name, app, changed)
        _found(what, f"The channel '{channel_name}' does not offer version {version} of {app}.")
        return what if draft.changed else []

    return edit


def rollback(app: str, version: str | None, *, channel_name: str, suite: str | None) -> Edit:
    """Return the edit that goes back to ``version``, or to the one before the offered one."""

    def edit(draft: Draft) -> list[str]:
        what, known = [], set()
        for name, lines in _having(draft, app, channel_name=channel_name, suite=suite):
            changed = dict(lines)
            for architecture, line in lines.items():
                known |= {each.version for each in line.entries}
                where = f"{app} ({architecture}) in {name}"
                goal = _goal(line, version)
                if goal is None:
                    continue
                changed[architecture] = channel.rollback(line, goal, now=draft.now, where=where)
                what.append(f"{app} returned to {goal} {architecture} in {name}")
            draft.put(name, app, changed)
        _found(
            what,
            f"{app} cannot return to version {version}, because the channel does not have it."
            if version
            else f"{app} has no version before the offered one.",
            f"The channel '{channel_name}' has: {', '.join(sorted(known, key=order))}.",
        )
        return what if draft.changed else []

    return edit


def prune(*, keep: int, older_than: int) -> Edit:
    """Return the edit that forgets versions that no index has named for ``older_than`` seconds.

    The ``keep`` newest of each channel stay. ``sweep.sweep`` removes their debs.
    """

    def edit(draft: Draft) -> list[str]:
        what = []
        for name in draft.suites:
            for package, lines in list(draft.packages(name)):
                changed: dict[str, Line] = {}
                for architecture, line in lines.items():
                    changed[architecture], gone = channel.prune(
                        line, keep=keep, before=draft.now - older_than
                    )
                    what += [f"{package} {each.version} {architecture} in {name}" for each in gone]
                draft.put(name, package, changed)
        return what

    return edit


def same(version: str, asked: str) -> bool:
    """Return whether ``asked`` is ``version``: in full, without ``+deb13``, or without revision too."""
    plain = without_release(version)
    return asked in {version, plain, _REVISION.sub("", plain)}


def _read(paths: Sequence[Path], reader: pool.Read) -> list[tuple[Facts, bytes]]:
    """Return the facts and changelogs of the debs at ``paths``; each task reads some of very many."""
    size = len(paths) // _ROWS + 1
    rows = [paths[at : at + size] for at in range(0, len(paths), size)]
    read = parallel.each(parallel.CORES, lambda row: [reader(path) for path in row], rows, "Reading")
    return [each for row in read for each in row]


def _replaced(debs: Sequence[Facts], debian: Callable[[Collection[str]], Collection[str]]) -> Iterator[str]:
    """Yield a sentence for each deb that takes the place of a package of Debian, or cannot be removed."""
    fields = {
        each: {key.lower(): text for key, text in deb822.fields(each.stanza).items()} for each in debs
    }
    provided = {
        each: {word.split()[0] for word in known.get("provides", "").split(",") if word.strip()}
        for each, known in fields.items()
    }
    names = {each.package for each in debs}.union(*provided.values())
    theirs = set(debian(sorted(names)))
    for each, known in fields.items():
        if each.package in theirs:
            yield (
                f"{each.name}: Debian has a package '{each.package}' too. Every machine of this repository "
                "takes this one in its place, whatever their versions are."
            )
        elif alike := sorted(provided[each] & theirs):
            yield f"{each.name} stands in for Debian's {', '.join(alike)}, because it provides that name."
        if any(known.get(key, "") == "yes" for key in ("essential", "protected", "important")):
            yield f"{each.name} calls itself essential: apt does not remove it from a machine."


def _entries(draft: Draft, where: str, each: Facts) -> Sequence[Entry]:
    """Return the versions of a deb's package and architecture in a suite."""
    line = draft.lines(where, each.package).get(each.architecture)
    return line.entries if line else ()


def _foreign(draft: Draft, package: str) -> None:
    """Raise ``RepositoryError`` if ``package`` is the repository's own, which carries its keys."""
    if package == bootstrap_deb.package(draft.head.name):
        raise RepositoryError(
            f"{package} is the package that installs this repository's keys on the machines, "
            "and only the repository itself makes it.",
            hint="Give your package another name. A new key: debonair repo rotate-key; "
            "a new address: debonair repo bootstrap --url URL",
        )


def _suite_of(draft: Draft, each: Facts, suite: str | None, channel_name: str) -> str:
    """Return the suite of the repository for a deb: the channel's one of Debian's ``suite``."""
    if suite is None:
        newest = max(map(draft.suite, draft.suites), key=lambda known: known.debian_release)
        raise RepositoryError(
            f"{each.name}: its version {each.version} does not name a suite (as in "
            f"+deb{newest.debian_release}).",
            hint=f"Name the suite: --suite {newest.suite}",
        )
    name = suite_name(suite, channel_name)
    known = draft.suite(name).architectures
    if each.architecture not in {*known, "all"}:
        raise RepositoryError(
            f"{each.name} is for {each.architecture}, but {name} is only for: {', '.join(known)}.",
            hint="Build it for one of these.",
        )
    return name


def _having(draft: Draft, app: str, *, channel_name: str, suite: str | None) -> list[tuple[str, Lines]]:
    """Return the suites of a channel that have ``app``, with its lines.

    Raises ``RepositoryError`` if no suite has it.
    """
    names = [name for name in draft.suites if draft.suite(name).channel == channel_name]
    if suite is not None:
        names = [draft.suite(suite_name(suite, channel_name)).name]
    found = [(name, lines) for name in names if (lines := draft.lines(name, app))]
    _found(found, f"No suite of the channel '{channel_name}' has a package {app}.")
    return found


def _goal(line: Line, version: str | None) -> str | None:
    """Return the requested version of ``line``, or None if it does not have it."""
    if version is None:
        return channel.previous(line)
    return next((each.version for each in line.entries if same(each.version, version)), None)


def _found(what: Sequence[object], message: str, hint: str = "") -> None:
    if not what:
        raise RepositoryError(message, hint or "List the offered versions: debonair repo list")


def _share(percent: int) -> str:
    return "" if percent == ALL else f", for {percent} %"
