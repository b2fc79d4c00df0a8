"""The signatures of a repository: OpenPGP by GnuPG, verified as apt does it (apt-secure(8)).

The keys are in a home of their own in the author's configuration, never in the repository. They are
Ed25519, which every apt since Debian 9 supports. Ed25519 gives the same signature for the same text, key
and time. But gpg does not freeze its second, and may date a signature a second later.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from debonair.errors import RepositoryError
from debonair.host import interruption, run
from debonair.repository.excerpt import shown
from debonair.repository.state import Key

_PRIMARY = re.compile(r"^fpr:+([0-9A-F]{40}):", re.MULTILINE)
_MADE = re.compile(r"^sec:(?:[^:]*:){4}(\d{1,12}):", re.MULTILINE)
"""The creation time of a key: if gpg is slow, it is a second after the requested time."""
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_LAUNCHED = re.compile(r"^\[GNUPG:\] PINENTRY_LAUNCHED (\d{1,10})\b", re.MULTILINE)
_ENDS_WITHIN = 2.0
_MAKE = ("--yes", "--passphrase", "", "--status-fd", "1", "--quick-generate-key")
BACK = 10
"""Seconds by which keys and signatures are back-dated, because a slow clock refuses later ones."""
_KEYS = ("private-keys-v1.d", "pubring.kbx")
"""The files in its home that gpg needs to sign.

A home needs a short path, because unix(7) allows a socket 107 bytes.
"""


class Signed(msgspec.Struct, frozen=True):
    """A Release that was signed."""

    inline: str
    """InRelease: the text with its signatures."""
    detached: str
    """Release.gpg: only the signatures."""


class Signer(Protocol):
    """A signer: GnuPG, or its replacement in a test."""

    def create(self, identity: str, *, now: int) -> Key:
        """Create a key pair for ``identity``, a name with an address, and return its public half."""

    def adopt(self, fingerprint: str, *, now: int) -> Key:
        """Return the public half of a key that exists already."""

    def sign(self, text: str, fingerprints: Sequence[str], *, now: int) -> Signed:
        """Sign ``text`` with every one of the keys, at the time ``now``."""

    def seal(self, text: str, fingerprints: Sequence[str], *, now: int) -> str:
        """Return detached signatures of ``text`` by every one of the keys, at the time ``now``."""

    def fingerprints(self) -> tuple[str, ...]:
        """Return those of the keys whose secret halves this home has."""

    def signers(self, text: str, detached: str, keyring: bytes) -> tuple[str, ...]:
        """Return which keys of ``keyring`` signed ``text``, empty if no signature is good."""

    def opened(self, inline: str, keyring: bytes, fingerprints: Collection[str]) -> str | None:
        """Return the text of an InRelease, if one of ``fingerprints`` has signed it; else None."""

    def check(self, inline: str, detached: str, text: str, keyring: bytes) -> tuple[str, ...]:
        """Return the fingerprints of the keys that signed both, or raise ``RepositoryError``."""


class Gpg:
    """GnuPG with a home of the repository's own, or, if ``home`` is None, with that of the user."""

    def __init__(self, home: Path | None) -> None:
        self.home = home

    def create(self, identity: str, *, now: int) -> Key:
        """Create an Ed25519 key pair that can only sign; ``Signer.create``.

        It has no passphrase, because a publisher may be a program; only its user can read the folder.
        Raises ``RepositoryError`` with gpg's output.
        """
        if self.home is None:
            raise RepositoryError(
                "Debonair does not create keys in your own GnuPG home.",
                hint="Create one with gpg, or name an existing one: --key FINGERPRINT",
            )
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home.chmod(0o700)
        with self._gpg(whole=True) as gpg:
            made = _asked(
                [*gpg, *_at(now - BACK), *_MAKE, identity, "ed25519", "sign", "never"],
                "The key could not be created",
            )
            created = re.search(r"KEY_CREATED \S ([0-9A-F]{40})", made.stdout)
            if created is None:
                raise RepositoryError(f"gpg did not report a new key:\n{made.stdout}{made.stderr}")
        return self.adopt(created[1], now=now - BACK)

    def adopt(self, fingerprint: str, *, now: int) -> Key:
        """Return the public half of the key ``fingerprint``; ``Signer.adopt``.

        This is the primary key; gpg may sign with a subkey of it. Raises ``RepositoryError`` if its secret
        half is missing.
        """
        key_id = fingerprint.replace(" ", "").upper().removeprefix("0X")
        if not _FINGERPRINT.fullmatch(key_id):
            raise RepositoryError(
                f"'{fingerprint}' is not the fingerprint of a key, which has 40 hexadecimal digits.",
                hint="List your fingerprints: gpg --list-secret-keys",
            )
        with self._gpg() as gpg:
            listed = run.run([*gpg, "--with-colons", "--list-secret-keys", key_id], check=False)
            if (primary := _PRIMARY.search(listed.stdout)) is None:
                raise RepositoryError(
                    f"The secret key {key_id} is not in {self.home or 'your GnuPG home'}.",
                    hint="List your keys: gpg --list-secret-keys. If the key is on another machine, copy "
                    "its folder here.",
                )
            export = ["--armor", "--export-options", "export-minimal", "--export", primary[1]]
            public = _asked([*gpg, *export], "The public key could not be read").stdout
        made = _MADE.search(listed.stdout)
        return Key(primary[1], max(now, int(made[1]) if made else 0), public)

    def sign(self, text: str, fingerprints: Sequence[str], *, now: int) -> Signed:
        """Sign ``text``; ``Signer.sign``. Raises ``RepositoryError`` with gpg's output."""
        with self._gpg() as gpg:
            words = [*gpg, *_signing(fingerprints, now)]
            problem = "The Release file could not be signed"
            inline = _asked([*words, "--clear-sign"], problem, stdin=text.encode()).stdout
            detached = _asked([*words, "--detach-sign"], problem, stdin=text.encode()).stdout
        return Signed(inline, detached)

    def seal(self, text: str, fingerprints: Sequence[str], *, now: int) -> str:
        """Sign the state; ``Signer.seal``. Raises ``RepositoryError`` with gpg's output."""
        with self._gpg() as gpg:
            words = [*gpg, *_signing(fingerprints, now), "--detach-sign"]
            return _asked(words, "The state could not be signed", stdin=text.encode()).stdout

    def fingerprints(self) -> tuple[str, ...]:
        """Return the keys of this home; ``Signer.fingerprints``."""
        with self._gpg() as gpg:
            listed = run.run([*gpg, "--with-colons", "--list-secret-keys"], check=False).stdout
        # doc/DETAILS of GnuPG: the first 'fpr' after a 'sec' is that of the primary key
        return tuple(re.findall(r"^sec:.*\n(?:(?!fpr).*\n)*fpr:+([0-9A-F]{40}):", listed, re.MULTILINE))

    def signers(self, text: str, detached: str, keyring: bytes) -> tuple[str, ...]:
        """Return the signing keys, by gpgv; ``Signer.signers``."""
        with tempfile.TemporaryDirectory(prefix="debonair-gpgv.") as name:
            ring, apart, plain = (Path(name) / each for each in ("keyring.gpg", "signature", "text"))
            for file, data in ((ring, keyring), (apart, detached.encode()), (plain, text.encode())):
                file.write_bytes(data)
            gpgv: list[str | Path] = ["gpgv", "--homedir", name, "--keyring", ring, "--status-fd", "1"]
            try:
                return tuple(_valid(run.run([*gpgv, apart, plain], check=False)))
            except RepositoryError:
                return ()

    def opened(self, inline: str, keyring: bytes, fingerprints: Collection[str]) -> str | None:
        """Return the signed text, as gpgv prints it; ``Signer.opened``."""
        with tempfile.TemporaryDirectory(prefix="debonair-gpgv.") as name:
            ring, signed, text = (Path(name) / each for each in ("keyring.gpg", "InRelease", "Release"))
            ring.write_bytes(keyring)
            signed.write_bytes(inline.encode(errors="replace"))
            gpgv: list[str | Path] = ["gpgv", "--homedir", name, "--keyring", ring, "--status-fd", "1"]
            try:
                by = _valid(run.run([*gpgv, "--output", text, signed], check=False))
            except RepositoryError:
                return None
            good = set(by) & set(fingerprints) and text.exists()
            return text.read_text(encoding="utf-8", errors="replace") if good else None

    def check(self, inline: str, detached: str, text: str, keyring: bytes) -> tuple[str, ...]:
        """Return the signing keys, by gpgv, which apt itself uses on Debian 12; ``Signer.check``."""
        with tempfile.TemporaryDirectory(prefix="debonair-gpgv.") as name:
            folder = Path(name)
            names = ("keyring.gpg", "InRelease", "Release.gpg", "Release")
            files = [folder / each for each in names]
            for file, data in zip(files, (keyring, inline.encode(), detached.encode(), text.encode())):  # noqa: B905
                file.write_bytes(data)
            ring, signed, apart, plain = files
            gpgv: list[str | Path] = ["gpgv", "--homedir", folder, "--keyring", ring, "--status-fd", "1"]
            found = [_valid(run.run([*gpgv, *what], check=False)) for what in ((signed,), (apart, plain))]
        return tuple(sorted(set(found[0]) & set(found[1])))

    @contextmanager
    def _gpg(self, *, whole: bool = False) -> Iterator[list[str]]:
        """Yield the words that start gpg; its agent ends with the body, if the home is the repository's.

        The agent listens in a folder of its own, which has links to the keys. So two simultaneous
        publishers have two agents, and neither ends the other's. New keys are created in the ``whole``
        home.
        """
        words = ["gpg", "--batch", "--no-tty", "--quiet", "--no-auto-check-trustdb"]
        if self.home is None:
            with _asking() as status:
                yield [*words, "--status-file", str(status)]
            return
        with tempfile.TemporaryDirectory(prefix="debonair-gpg.") as name:
            folder = Path(name)
            kept = self.home.absolute()
            if whole:
                home = folder / "home"
                home.symlink_to(kept, target_is_directory=True)
            else:
                home = folder
                for each in _KEYS:
                    (home / each).symlink_to(kept / each)
            try:
                yield [*words, "--homedir", str(home), "--pinentry-mode", "loopback"]
            finally:
                run.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)


@contextmanager
def _asking() -> Iterator[Path]:
    """Yield a status file for gpg; if the body is interrupted, end the program that asks for a passphrase.

    The user's agent has started that program, and would let it keep the terminal.
    """
    with tempfile.TemporaryDirectory(prefix="debonair-gpg.") as folder:
        status = Path(folder) / "status"
        try:
            yield status
        except KeyboardInterrupt:
            # doc/DETAILS of GnuPG
            launched = _LAUNCHED.findall(status.read_text(errors="replace") if status.exists() else "")
            if launched:
                _end(int(launched[-1]))
            raise


def _end(pid: int) -> None:
    """Tell the process ``pid``, which is no child of this one, to end, and wait for that."""
    until = time.monotonic() + interruption.patience(_ENDS_WITHIN)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < until:
            time.sleep(0.01)
            os.kill(pid, 0)


def keyring(keys: Sequence[Key]) -> bytes:
    """Return the public ``keys`` in the form that every apt accepts as Signed-By: binary, concatenated."""
    return b"".join(_dearmored(key.public) for key in keys)


def _dearmored(armored: str) -> bytes:
    """Return the bytes of an ASCII-armored block (RFC 9580 section 6.2), its checksum left out."""
    lines = armored.strip().splitlines()
    body = lines[lines.index("") + 1 : -1] if "" in lines else lines[1:-1]
    try:
        return base64.b64decode("".join(line for line in body if not line.startswith("=")))
    except ValueError as damage:
        raise RepositoryError(
            "A public key in the state of the repository is not valid.",
            hint="Restore state/head.json from a backup of the repository.",
        ) from damage


def _signing(fingerprints: Sequence[str], now: int) -> list[str]:
    keys = [word for each in fingerprints for word in ("--local-user", each)]
    return [*_at(now), "--digest-algo", "SHA512", "--armor", *keys]


def _at(now: int) -> list[str]:
    # A repository has one source of time, and its first signature may be as old as its key.
    return ["--faked-system-time", f"{now}!", "--ignore-time-conflict"]


def _valid(checked: run.Completed) -> list[str]:
    # doc/DETAILS of GnuPG: the last field is the fingerprint of the primary key
    found = re.findall(r"^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$", checked.stdout, re.MULTILINE)
    bad = re.search(r"^\[GNUPG:\] BADSIG ", checked.stdout, re.MULTILINE)
    if bad or not found:
        errors = checked.stderr.strip().splitlines()
        reason = shown(errors[-1]) if errors else "-"
        raise RepositoryError(f"no valid signature by the repository's keys ({reason})")
    return found


def _asked(argv: Sequence[str | Path], failed: str, *, stdin: bytes | None = None) -> run.Completed:
    done = run.run(argv, stdin=stdin, check=False)
    if done.status:
        hint = (
            "The keys are in the folder that 'debonair repo init' printed. Show the gpg command: --verbose"
        )
        if "agent" in done.stderr:
            hint = "gpg needs its agent to sign. Install it: sudo apt install gnupg"
        raise RepositoryError(f"{failed}:\n{done.stderr.strip()}", hint=hint)
    return done
