"""The decision whether this machine may sign on the state in a storage, at each reading of the head.

The head must be signed by a key that the pin of its place names, and have the name in the pin. It must be
the state that the pin has seen, or one that its history leads to from there. So write access to a storage
can delete and delay, and nothing else: an older state, a branch of it, and another repository are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from debonair.errors import RepositoryError
from debonair.repository import history, state
from debonair.repository.excerpt import shown
from debonair.repository.pins import Pin, Pins
from debonair.repository.release import stamp
from debonair.repository.signing import keyring
from debonair.repository.state import HEAD, Head, Key, Sealed
from debonair.repository.storage.protocol import Storage, Stored

Signers = Callable[[str, str, bytes], tuple[str, ...]]
"""Returns which keys of a keyring signed a text, by its detached signatures: ``Signer.signers``."""


class Trust:
    """One publisher's trust in the repository in one place."""

    def __init__(self, storage: Storage, place: str, pins: Pins, signers: Signers) -> None:
        self.storage, self.place = storage, place
        self.pins = pins
        self._signers = signers
        self._known: dict[str, Head] = {}
        """Heads whose signature was checked, by the hash of their bytes."""

    def pin(self) -> Pin:
        """Return the pin of the place. Raises ``RepositoryError`` if there is none."""
        if (pin := self.pins.load(self.place)) is None:
            data = self._stored().data
            if state.version(data) == state.UNSIGNED:
                raise _unsigned(self.storage, "NAME")
            raise RepositoryError(
                f"This machine does not trust the repository in {self.storage} yet.",
                hint="If it is yours, trust it once: debonair repo trust --name NAME",
            )
        return pin

    def head(self) -> tuple[Head, str]:
        """Return the newest head, and its tag. Raises ``RepositoryError`` if it cannot be trusted."""
        pin = self.pin()
        found = self._stored(pin)
        head, digest = self._authentic(found.data, pin)
        if head.generation < pin.generation:
            raise RepositoryError(
                f"{HEAD} in {self.storage} has change {head.generation}, but this machine has already seen "
                f"change {pin.generation}: someone has put an old state there.",
                hint="If you restored it from a backup: debonair repo trust --restored",
            )
        if head.generation == pin.generation:
            if digest != pin.head:
                raise self._branch(pin.generation)
            return head, found.tag
        self._follows(head, pin)
        self.pins.save(_pin(self.place, head, digest))
        return head, found.tag

    def wrote(self, head: Head, signed: str) -> None:
        """Remember a head that this publisher has written itself."""
        self.pins.save(_pin(self.place, head, _digest(signed)))

    def known(self) -> bool:
        """Return whether there is a pin of the place."""
        return self.pins.load(self.place) is not None

    def first(self, name: str, fingerprints: Sequence[str], *, now: int, old: bool) -> Pin:
        """Pin the state in the place now, if it is the repository ``name``, by one of ``fingerprints``.

        Raises ``RepositoryError`` if it is not. Raises it also if clients no longer accept the state at
        ``now``, unless ``old`` is set. An existing pin is replaced.
        """
        data = self._stored().data
        if state.version(data) == state.UNSIGNED:
            raise _unsigned(self.storage, name)
        sealed = state.decode(data, Sealed, HEAD)
        claimed = state.decode(sealed.signed.encode(errors="replace"), Head, HEAD)
        keys = tuple(key for key in claimed.keys if key.fingerprint in fingerprints)
        if not keys:
            raise RepositoryError(
                f"{HEAD} in {self.storage} names no key that you trust for '{name}': "
                f"{', '.join(fingerprints) or 'there is none'}.",
                hint="Copy the folder with its keys to this machine, or name a trusted key: --key "
                "FINGERPRINT",
            )
        head = self._checked(data, name, keys)
        until = max((self._until(head, each) for each in head.suites), default=now)
        if until < now and not old:
            raise RepositoryError(
                f"The state in {self.storage} expired on {stamp(until)}, so it may be old.",
                hint="If there is no newer state: debonair repo trust --restored",
            )
        return self.pins.save(_pin(self.place, head, _digest(sealed.signed)), lower=True)

    def _stored(self, pin: Pin | None = None) -> Stored:
        found = self.storage.read(HEAD, state.HEAD_MOST)
        if found is None and pin is not None:
            raise gone(self.storage, pin)
        if found is None:
            raise RepositoryError(
                f"There is no repository in {self.storage}: {HEAD} is missing.",
                hint="Name the repository's folder with --repository, or create a repository: debonair "
                "repo init DIR --name NAME",
            )
        return found

    def _authentic(self, data: bytes, pin: Pin) -> tuple[Head, str]:
        """Return the head whose bytes are ``data``, and the hash of its signed text."""
        mark = hashlib.sha256(data).hexdigest()
        if mark not in self._known:
            self._known[mark] = self._checked(data, pin.name, pin.keys)
        return self._known[mark], _digest(state.decode(data, Sealed, HEAD).signed)

    def _checked(self, data: bytes, name: str, keys: Sequence[Key]) -> Head:
        """Return the head whose bytes are ``data``, if one of ``keys`` has signed it, with ``name``."""
        fingerprints = {key.fingerprint for key in keys}
        refused = RepositoryError(
            f"{HEAD} is not signed by a key that this machine trusts for '{name}': "
            f"{', '.join(sorted(fingerprints))}.",
            hint="Someone else has written it: restore it from a backup. If its key was rotated while this "
            "machine was off: debonair repo trust --key FINGERPRINT",
        )
        if state.version(data) == state.UNSIGNED:
            raise refused
        sealed = state.decode(data, Sealed, HEAD)
        try:
            text = sealed.signed.encode()
        except UnicodeEncodeError:
            raise refused from None
        if not fingerprints & set(self._signers(sealed.signed, sealed.signature, keyring(keys))):
            raise refused
        head = state.decode(text, Head, HEAD)
        if head.name != name:
            raise RepositoryError(
                f"{HEAD} in {self.storage} is the head of '{head.name}', but this machine knows the "
                f"repository there as '{name}'.",
                hint="Someone has put another repository there. Restore it from a backup.",
            )
        return head

    def _follows(self, head: Head, pin: Pin) -> None:
        """Raise ``RepositoryError`` unless the history of ``head`` leads to the state in the pin."""
        number = head.generation
        for name, change in history.named(self.storage, head.history):
            if change.generation != number or number < pin.generation:
                break
            if number == pin.generation:
                if name == pin.history:
                    return
                break
            number -= 1
        raise self._branch(pin.generation)

    def _branch(self, generation: int) -> RepositoryError:
        return RepositoryError(
            f"{HEAD} in {self.storage} has another change {generation} than this machine has seen: two "
            "publishers saw different states.",
            hint="Compare 'debonair repo history' on both machines. If the state there is right: debonair "
            "repo trust --restored",
        )

    def _until(self, head: Head, suite: str) -> int:
        return state.load(self.storage, head.suites[suite].document, state.Suite).valid_until


def gone(storage: Storage, pin: Pin) -> RepositoryError:
    """Return the error to show for a repository that has disappeared."""
    return RepositoryError(
        f"{HEAD} is missing from {storage}, but this machine has seen change {pin.generation} of "
        f"'{pin.name}' there.",
        hint="Restore it from a backup. To start a new repository there: debonair repo trust --forget",
    )


def _unsigned(storage: Storage, name: str) -> RepositoryError:
    return RepositoryError(
        f"The repository in {storage} was made by an earlier Debonair, and its state is not signed.",
        hint=f"If it is yours, take it over once: debonair repo trust --name {name} --take-over",
    )


def seen(pin: Pin) -> str:
    """Return a line that describes the pinned state."""
    keys = ", ".join(key.fingerprint for key in pin.keys)
    return f"{shown(pin.place)}: repository '{pin.name}', change {pin.generation}, signed by {keys}"


def _pin(place: str, head: Head, digest: str) -> Pin:
    return Pin(place, head.name, head.keys, head.generation, head.history, digest)


def _digest(signed: str) -> str:
    return hashlib.sha256(signed.encode(errors="replace")).hexdigest()
