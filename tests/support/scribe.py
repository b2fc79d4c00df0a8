"""The signer in unit tests: a signature is a line that names the key and the time."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from debonair.errors import RepositoryError
from debonair.repository.signing import Signed
from debonair.repository.state import Key

_numbers = itertools.count(1)


class Scribe:
    """Signs with any number of keys."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home
        self.signed = 0
        self.made: list[str] = []

    def create(self, identity: str, *, now: int) -> Key:
        if self.home:
            self.home.mkdir(parents=True, exist_ok=True)
        self.made.append(f"{next(_numbers):040X}")
        return self.adopt(self.made[-1], now=now)

    def adopt(self, fingerprint: str, *, now: int) -> Key:
        body = base64.b64encode(fingerprint.encode()).decode()
        public = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\n{body}\n=AAAA\n-----END-----\n"
        return Key(fingerprint, now, public)

    def sign(self, text: str, fingerprints: Sequence[str], *, now: int) -> Signed:
        self.signed += 1
        seal = "".join(f"SIGNED {each} {now} {len(text)} {hash_of(text)}\n" for each in fingerprints)
        return Signed(f"{text}{seal}", seal)

    def seal(self, text: str, fingerprints: Sequence[str], *, now: int) -> str:
        self.signed += 1
        return "".join(f"SEALED {each} {now} {hash_of(text)}\n" for each in fingerprints)

    def fingerprints(self) -> tuple[str, ...]:
        return tuple(self.made)

    def signers(self, text: str, detached: str, keyring: bytes) -> tuple[str, ...]:
        found = re.findall(r"^SEALED (\S+) \d+ (\S+)$", detached, re.MULTILINE)
        return tuple(key for key, seal in found if seal == hash_of(text) and key.encode() in keyring)

    def opened(self, inline: str, keyring: bytes, fingerprints: Collection[str]) -> str | None:
        text, _, seal = inline.partition("SIGNED ")
        try:
            by = self.check(inline, f"SIGNED {seal}", text, keyring)
        except RepositoryError:
            return None
        return text if set(by) & set(fingerprints) else None

    def check(self, inline: str, detached: str, text: str, keyring: bytes) -> tuple[str, ...]:
        if not inline.endswith(detached):
            raise RepositoryError("no valid signature by the repository's keys (two of them)")
        found = re.findall(r"^SIGNED (\S+) \d+ \d+ (\S+)$", detached, re.MULTILINE)
        valid = tuple(key for key, seal in found if seal == hash_of(text) and key.encode() in keyring)
        if not valid:
            raise RepositoryError("no valid signature by the repository's keys (-)")
        return valid


def hash_of(text: str) -> str:
    return f"{sum(text.encode()) % 65536:04x}"
