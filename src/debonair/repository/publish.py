"""A change of a repository, from reading one state to showing the next to clients.

1. Write the files that never change: debs, facts, chunks, by-hash files, signatures, an entry of the
history. 2. Replace ``state/head.json``, if it is still the one that was read. That is the commit. A
publisher that finds another one starts again from that one, so that nobody's work is lost. 3. Replace the
files that clients request by a fixed name, InRelease last. Until then they see the whole suite before the
change, because its by-hash files stay for another ``KEPT`` days.

If a publisher dies before step 2, nothing has happened. If it dies later, the next publisher does step 3.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Sequence

import msgspec

from debonair.errors import RepositoryError
from debonair.host import parallel
from debonair.host.progress import warn
from debonair.repository import bootstrap, history, indices, landing_page, release, state
from debonair.repository.draft import Draft
from debonair.repository.pool import COMPONENT
from debonair.repository.signing import BACK, Signer
from debonair.repository.signing import keyring as keyring_of
from debonair.repository.state import Generation, Head, Suite, SuiteRef
from debonair.repository.storage.protocol import Conflict, Storage, TooLarge, instead
from debonair.repository.storage.unchanged import Unchanged
from debonair.repository.trust import Trust, gone

DAY = 86400
KEPT = 7
"""Days to keep a by-hash file after the last Release that names it: a proxy may have an old Release."""
_KEPT_AT_LEAST = 3
"""Number of generations whose by-hash files are kept, whatever their age."""
_TRIES = 40
_AHEAD = 5
"""Most seconds that a Date may be ahead after many changes in a row: apt tolerates ten."""

Edit = Callable[[Draft], Sequence[str]]
"""Changes a draft; returns a line for each change, which the history keeps."""


class Repository:
    """A repository that can be changed."""

    def __init__(
        self,
        storage: Storage,
        signer: Callable[[str], Signer],
        trust: Trust,
        *,
        clock: Callable[[], int],
        who: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """``signer`` receives the pinned name; ``clock`` returns seconds since the epoch."""
        self.storage = storage
        self.trust = trust
        self._signer = signer
        self._clock = clock
        self._who = who
        self._pause = pause

    def draft(self) -> Draft:
        """Return the newest state, for reading."""
        head, _ = self.trust.head()
        return Draft(self.storage, head, self._clock())

    def create(self, head: Head, edit: Edit) -> None:
        """Create the repository from ``head``, which names no suite, and the first ``edit``.

        Raises ``RepositoryError`` if there is one already, or was one.
        """
        there = RepositoryError(
            f"There is already a repository in {self.storage}.",
            hint="Choose another folder. Inspect the existing repository: debonair repo list",
        )
        if self.storage.read(state.HEAD, state.HEAD_MOST) is not None:
            raise there
        if (pin := self.trust.pins.load(self.trust.place)) is not None:
            raise gone(self.storage, pin)
        draft = Draft(self.storage, head, self._clock())
        try:
            self._commit(draft, None, "init", edit(draft))
        except Conflict:
            raise there from None
        self.settle()

    def commit(self, draft: Draft, tag: str, verb: str, what: Sequence[str]) -> None:
        """Make ``draft`` the state, if the head still has ``tag``, and show all of it to clients.

        Raises ``RepositoryError`` if the head has another tag.
        """
        try:
            self._commit(draft, tag, verb, what)
        except Conflict:
            raise _crowded() from None
        self.settle(rebuild=True)
        _warn_of_future(draft)

    def change(self, verb: str, edit: Edit) -> Sequence[str]:
        """Apply ``edit`` and show the result to clients; return the lines that it returns.

        Raises what ``edit`` raises, with nothing changed. Raises ``RepositoryError`` if other publishers
        never stop making changes.
        """
        for _ in range(_TRIES):
            head, tag = self.trust.head()
            draft = Draft(self.storage, head, self._clock())
            what = edit(draft)
            if what:
                try:
                    self._commit(draft, tag, verb, what)
                except Conflict:
                    self._pause(random.uniform(0.01, 0.1))  # noqa: S311 - the waiting time is not a secret
                    continue
            # The page is not signed, and built from the one before: from time to time it is built from
            # nothing.
            self.settle(rebuild=verb == "renew")
            _warn_of_future(draft)
            return what
        raise _crowded()

    def rehearse(self, edit: Edit) -> tuple[Draft, Sequence[str]]:
        """Return the state that ``edit`` would lead to, and its lines; nothing is written.

        Raises what ``edit`` raises.
        """
        head, _ = self.trust.head()
        draft = Draft(Unchanged(self.storage), head, self._clock())
        return draft, edit(draft)

    def settle(self, *, rebuild: bool = False) -> None:
        """Show clients the newest state, if they do not see it yet; ``rebuild`` ignores the previous page.

        A publisher may have died before this step, or be in it now. The last one finds the newest head.
        """
        for number in range(_TRIES):
            head, _ = self.trust.head()
            try:
                for name, ref in sorted(head.suites.items()):
                    # A slower publisher may have overwritten the files of a faster one.
                    self._show(head, name, ref, again=number > 0)
                self._show_root(head, rebuild=rebuild)
            except Conflict:
                self._pause(random.uniform(0.01, 0.1))  # noqa: S311 - as above
                continue
            return
        raise _crowded()

    def _commit(self, draft: Draft, tag: str | None, verb: str, what: Sequence[str]) -> None:
        signer = self._signer(draft.head.name)
        for name in draft.due():
            draft.touch(name)
        refs = dict(draft.head.suites)
        for name in sorted(draft.changed):
            suite = self._built(draft, draft.suite(name), signer)
            document = state.put(self.storage, state.encode(suite))
            refs[name] = SuiteRef(document, suite.inrelease)
        number = draft.head.generation + 1
        packages = sorted({name for changed in draft.changed.values() for name in changed})
        change = history.Change(
            number,
            draft.now,
            self._who,
            verb,
            tuple(what),
            packages=tuple(packages),
            previous=draft.head.history,
        )
        entry = history.write(self.storage, change)
        head = msgspec.structs.replace(
            draft.head, format=state.FORMAT, generation=number, history=entry, suites=refs
        )
        signed = state.encode(head).decode()
        fingerprints = [key.fingerprint for key in head.keys]
        sealed = signer.seal(signed, fingerprints, now=_when(head, draft.now))
        self.storage.replace(state.HEAD, state.seal(signed, sealed), tag)
        self.trust.wrote(head, signed)

    def _built(self, draft: Draft, suite: Suite, signer: Signer) -> Suite:
        """Return ``suite`` with the changes of ``draft``: indices built and kept, Release signed."""
        built = indices.build(suite, draft.changed[suite.name], self.storage, draft.facts)
        folder = f"dists/{suite.name}/"

        def keep(file: tuple[str, bytes]) -> None:
            path, data = file
            kept = folder + indices.by_hash(path, built.sums[path].sha256)
            other = None if self.storage.add(kept, data) else instead(self.storage, kept, data)
            if other is not None:  # a disk has damaged it
                self.storage.replace(kept, data, other.tag)

        parallel.each(self.storage.at_once, keep, list(built.files.items()), "Indices")
        date = draft.date(suite.name)
        if date - draft.now > _AHEAD:
            self._pause(min(date - draft.now - _AHEAD, 1))
        valid_until = date + draft.head.valid_days * DAY
        text = release.text(
            name=draft.head.name,
            url=draft.head.url,
            suite=suite.name,
            architectures=suite.architectures,
            component=COMPONENT,
            date=date,
            valid_until=valid_until,
            files=built.sums,
        )
        fingerprints = [key.fingerprint for key in draft.head.keys]
        signed = signer.sign(text, fingerprints, now=_when(draft.head, draft.now))
        return msgspec.structs.replace(
            suite,
            date=date,
            valid_until=valid_until,
            files=built.sums,
            pieces=built.pieces,
            release=state.put(self.storage, text.encode()),
            signature=state.put(self.storage, signed.detached.encode()),
            inrelease=state.put(self.storage, signed.inline.encode()),
            old=_generations(suite, built, draft.now),
        )

    def _show(self, head: Head, name: str, ref: SuiteRef, *, again: bool) -> None:
        """Replace the files of a suite that have fixed names, InRelease last.

        If InRelease is there already, so are the others; they are only checked if ``again`` is set.
        """
        folder = f"dists/{name}/"
        try:
            shown = self.storage.read(f"{folder}InRelease", release.MOST)
            tag = shown.tag if shown else None
        except TooLarge as large:
            shown, tag = None, large.tag
        current = shown is not None and hashlib.sha256(shown.data).hexdigest() == ref.inrelease
        if current and not again:
            return
        suite = state.load(self.storage, ref.document, Suite)
        kept = parallel.each(
            self.storage.at_once,
            lambda file: state.intact(
                self.storage, folder + indices.by_hash(file[0], file[1].sha256), file[1]
            ),
            list(suite.files.items()),
            "Indices",
        )
        files = {
            folder + path: data for path, data in zip(suite.files, kept, strict=True) if data is not None
        }
        files[f"{folder}Release"] = state.get(self.storage, suite.release)
        files[f"{folder}Release.gpg"] = state.get(self.storage, suite.signature)
        self._replace(head, files)
        if current:
            return
        inrelease = state.get(self.storage, suite.inrelease)
        self._newest(head)
        self.storage.replace(f"{folder}InRelease", inrelease, tag)
        self._forget(suite, head)

    def _show_root(self, head: Head, *, rebuild: bool) -> None:
        """Replace the files for browsers and new machines: the page, the key, the bootstrap debs."""
        files = {f"{bootstrap.package(head.name)}.gpg": keyring_of(head.keys)}
        for name, each in head.bootstrap.items():
            if (deb := bootstrap.find(self.storage, head, name)) is not None:
                files[bootstrap.path(head.name, name)] = deb
                if rebuild:  # a renewal repairs the pool, too
                    files[each.filename] = deb
        known = None if rebuild else self._page()
        draft = Draft(self.storage, head, self._clock())
        files |= landing_page.files(draft, known)
        self._replace(head, files)

    def _replace(self, head: Head, files: dict[str, bytes]) -> None:
        """Write those of ``files`` that differ, by their fixed names, unless the head is newer by then."""
        before = parallel.each(
            self.storage.at_once, lambda file: instead(self.storage, *file), list(files.items()), "Indices"
        )
        self._newest(head)  # after the tags were read: files of a newer head have another tag
        differing = [
            (path, data, other.tag)
            for (path, data), other in zip(files.items(), before, strict=True)
            if other is not None
        ]
        parallel.each(self.storage.at_once, lambda file: self.storage.replace(*file), differing, "Indices")

    def _page(self) -> bytes | None:
        """Return the JSON of the page, or None if no file there can be a page."""
        try:
            found = self.storage.read(landing_page.JSON, landing_page.MOST)
        except TooLarge:
            return None
        return found.data if found else None

    def _newest(self, head: Head) -> None:
        if self.trust.head()[0].generation != head.generation:
            raise Conflict(state.HEAD)

    def _forget(self, suite: Suite, head: Head) -> None:
        """Remove by-hash files that no Release of the last ``KEPT`` days names."""
        kept = indices.named(suite).union(*(each.paths for each in suite.old[-_KEPT_AT_LEAST:]))
        horizon = suite.date - KEPT * DAY
        kept = kept.union(*(each.paths for each in suite.old if each.until >= horizon))
        gone = sorted({path for each in suite.old for path in each.paths} - kept)
        if gone:
            self._newest(head)  # a newer head may use them again; later, a sweep removes what is left
        for path in gone:
            self.storage.remove(f"dists/{suite.name}/{path}")


def _generations(suite: Suite, built: indices.Built, now: int) -> tuple[Generation, ...]:
    """Return the older generations to keep, without those that ``_forget`` removed last time."""
    horizon = suite.date - KEPT * DAY
    old = [
        each
        for number, each in enumerate(suite.old)
        if each.until >= horizon or number >= len(suite.old) - _KEPT_AT_LEAST
    ]
    if gone := indices.named(suite) - {
        indices.by_hash(path, each.sha256) for path, each in built.sums.items()
    }:
        old.append(Generation(now, tuple(sorted(gone))))
    return tuple(old)


def _when(head: Head, now: int) -> int:
    """Return the time of the signature: a little before now, and not before the key was created."""
    return max(now - BACK, *(key.created for key in head.keys))


def _warn_of_future(draft: Draft) -> None:
    """Print a warning if apt refuses suites of ``draft``, because a publisher's clock was ahead."""
    if ahead := draft.ahead():
        until = release.stamp(max(ahead.values()))
        warn(
            f"Warning: {', '.join(ahead)}: the index is dated {until}, but the time here is "
            f"{release.stamp(draft.now)}. apt refuses it until that date. If the time here is right, "
            "type: debonair repo renew --reset-date"
        )


def _crowded() -> RepositoryError:
    return RepositoryError(
        f"Other publishers changed the repository {_TRIES} times during this command.",
        hint="Nothing was changed. Run the command again.",
    )
