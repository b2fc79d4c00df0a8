"""A change of a repository, from reading one state to what clients see of the next.

1. What never changes is written: debs, facts, chunks, by-hash files, signatures, an entry of the history.
2. ``state/head.json`` is replaced, if it is still the one that was read. That is the commit. A publisher
   that finds another one begins again from that: nobody's work is lost.
3. What clients ask for by a fixed name is replaced, InRelease last: until then they see the suite as it
   was, all of it, as its by-hash files stay for ``KEPT`` days after.

Before 2 a publisher may die, and nothing has happened. After it the next one, whoever that is, does step 3.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Sequence

import msgspec

from debonair.errors import RepositoryError
from debonair.host import parallel
from debonair.repository import bootstrap, history, indices, landing_page, release, state
from debonair.repository.draft import Draft
from debonair.repository.pool import COMPONENT
from debonair.repository.signing import BACK, Signer
from debonair.repository.signing import keyring as keyring_of
from debonair.repository.state import Generation, Head, Suite, SuiteRef
from debonair.repository.storage.protocol import Conflict, Storage, Stored
from debonair.repository.trust import Trust, gone

DAY = 86400
KEPT = 7
"""For how many days a by-hash file stays after the last Release that names it: a proxy may hold that."""
_KEPT_AT_LEAST = 3
"""How many generations of them stay, however old."""
_TRIES = 40
_AHEAD = 5
"""How many seconds a Date may be ahead after many changes in a row: apt bears ten."""

Edit = Callable[[Draft], Sequence[str]]
"""Changes a draft; returns a line for each thing it has changed, which the history keeps."""


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
        """``signer`` is asked for with the name that is pinned; ``clock`` gives seconds since the epoch."""
        self.storage = storage
        self.trust = trust
        self._signer = signer
        self._clock = clock
        self._who = who
        self._pause = pause

    def draft(self) -> Draft:
        """Return the newest state, to be read."""
        head, _ = self.trust.head()
        return Draft(self.storage, head, self._clock())

    def create(self, head: Head, edit: Edit) -> None:
        """Make the repository from ``head``, which no suite is named in, and the first ``edit``.

        Raises ``RepositoryError`` if there is one already, or was one.
        """
        there = RepositoryError(
            f"There is a repository in {self.storage} already.",
            hint="Name another folder; a repository keeps its name, and 'debonair repo list' shows it.",
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
        """Make ``draft`` the state, if the head has ``tag`` still, and show all of it to clients.

        Raises ``RepositoryError`` if it has another.
        """
        try:
            self._commit(draft, tag, verb, what)
        except Conflict:
            raise _crowded() from None
        self.settle(anew=True)

    def change(self, verb: str, edit: Edit) -> Sequence[str]:
        """Carry ``edit`` out and show it to clients; return what it says it has changed.

        Raises what ``edit`` raises, with nothing changed; ``RepositoryError`` if others never end.
        """
        for _ in range(_TRIES):
            head, tag = self.trust.head()
            draft = Draft(self.storage, head, self._clock())
            what = edit(draft)
            if what:
                try:
                    self._commit(draft, tag, verb, what)
                except Conflict:
                    self._pause(random.uniform(0.01, 0.1))  # noqa: S311 - who waits longer is no secret
                    continue
            # Nobody signs the page, and it is made from the one before: now and then from nothing.
            self.settle(anew=verb == "renew")
            return what
        raise _crowded()

    def settle(self, *, anew: bool = False) -> None:
        """Let clients see the newest state, if they do not yet; ``anew`` makes the page from nothing.

        A publisher may have died before it came to that, or be at it now: whoever comes last finds the
        newest head.
        """
        for number in range(_TRIES):
            head, _ = self.trust.head()
            try:
                for name, ref in sorted(head.suites.items()):
                    # Who was slower than another may have written over what that one has shown.
                    self._show(head, name, ref, again=number > 0)
                self._show_root(head, anew=anew)
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
        """Return ``suite`` with the changes of ``draft``: indices made and kept, Release signed."""
        built = indices.build(suite, draft.changed[suite.name], self.storage, draft.facts)
        folder = f"dists/{suite.name}/"

        def keep(file: tuple[str, bytes]) -> None:
            path, data = file
            kept = folder + indices.by_hash(path, built.sums[path].sha256)
            there = None if self.storage.add(kept, data) else self.storage.read(kept)
            if there is not None and there.data != data:  # a disk has damaged it
                self.storage.replace(kept, data, there.tag)

        parallel.each(self.storage.at_once, keep, list(built.files.items()), "Indices")
        # Clients ignore a Release that is older than the one they have, and so is one of the same second.
        date = max(draft.now, suite.date + 1)
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

        Where that is there already, so are the others, and they are only looked at if ``again`` is set.
        """
        folder = f"dists/{name}/"
        shown = self.storage.read(f"{folder}InRelease")
        current = shown is not None and hashlib.sha256(shown.data).hexdigest() == ref.inrelease
        if current and not again:
            return
        suite = state.load(self.storage, ref.document, Suite)
        kept = self._read(
            [folder + indices.by_hash(path, each.sha256) for path, each in suite.files.items()]
        )
        files = {
            folder + path: each.data
            for path, each in zip(suite.files, kept, strict=True)
            if each is not None
        }
        files[f"{folder}Release"] = state.get(self.storage, suite.release)
        files[f"{folder}Release.gpg"] = state.get(self.storage, suite.signature)
        self._replace(head, files)
        if current:
            return
        inrelease = state.get(self.storage, suite.inrelease)
        tag = shown.tag if shown else None
        self._newest(head)
        self.storage.replace(f"{folder}InRelease", inrelease, tag)
        self._forget(suite, head)

    def _show_root(self, head: Head, *, anew: bool) -> None:
        """Replace what a browser and a new machine ask for: the page, the key, the bootstrap debs."""
        files = {f"{bootstrap.package(head.name)}.gpg": keyring_of(head.keys)}
        for name, each in head.bootstrap.items():
            deb = self.storage.read(each.filename)
            if deb is not None and hashlib.sha256(deb.data).hexdigest() == each.sha256:
                files[bootstrap.path(head.name, name)] = deb.data
        known = None if anew else self.storage.read(landing_page.JSON, landing_page.MOST)
        draft = Draft(self.storage, head, self._clock())
        files |= landing_page.files(draft, known.data if known else None)
        self._replace(head, files)

    def _replace(self, head: Head, files: dict[str, bytes]) -> None:
        """Write ``files`` by their fixed names, those that differ, unless there is a newer head by then."""
        before = self._read(list(files))
        self._newest(head)  # after the tags were read: what a newer head shows has another tag
        differing = [
            (path, data, old.tag if old else None)
            for (path, data), old in zip(files.items(), before, strict=True)
            if old is None or old.data != data
        ]
        parallel.each(self.storage.at_once, lambda file: self.storage.replace(*file), differing, "Indices")

    def _read(self, paths: Sequence[str]) -> list[Stored | None]:
        return parallel.each(self.storage.at_once, self.storage.read, paths, "Indices")

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
            self._newest(head)  # a newer one may have come back to them; what is left then is swept
        for path in gone:
            self.storage.remove(f"dists/{suite.name}/{path}")


def _generations(suite: Suite, built: indices.Built, now: int) -> tuple[Generation, ...]:
    """Return what is kept of older generations: those that ``_forget`` removed last time are left out."""
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
    """Return when to sign: a little before now, and not before there was a key."""
    return max(now - BACK, *(key.created for key in head.keys))


def _crowded() -> RepositoryError:
    return RepositoryError(
        f"Others have published {_TRIES} times meanwhile.", hint="Nothing was changed; try it again."
    )
