from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from debonair.errors import RepositoryError
from debonair.host import run
from debonair.repository import signing
from debonair.repository.signing import Gpg
from debonair.repository.state import Key

FINGERPRINT = "AB" * 20
ARMORED = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\naGVs\nbG8=\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
Programs = Callable[[list[str]], tuple[int, str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    return stand_in(monkeypatch, lambda _: (0, "", ""))


def stand_in(monkeypatch: pytest.MonkeyPatch, programs: Programs) -> list[list[str]]:
    """Answer for gpg; return what it is asked."""
    asked: list[list[str]] = []

    def answer(
        argv: Sequence[str | Path], *, check: bool = True, stdin: bytes | None = None, **_: Any
    ) -> run.Completed:
        words = [str(word) for word in argv]
        asked.append(words)
        return run.Completed(*programs(words))

    monkeypatch.setattr(run, "run", answer)
    return asked


def making(words: list[str]) -> tuple[int, str, str]:
    if "--quick-generate-key" in words:
        return 0, f"[GNUPG:] KEY_CREATED P {FINGERPRINT}\n", ""
    if "--list-secret-keys" in words:
        return 0, f"sec:u:255:22:\nfpr:::::::::{FINGERPRINT}:\nssb:u:\nfpr:::::::::{'CD' * 20}:\n", ""
    return 0, ARMORED if "--export" in words else "", ""


def test_a_key_is_made_in_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stand_in(monkeypatch, making)
    home = tmp_path / "config" / "gnupg"
    assert Gpg(home).create("acme", now=17) == Key(FINGERPRINT, 7, ARMORED)
    assert home.stat().st_mode & 0o777 == 0o700
    made = asked[0]
    assert made[made.index("--faked-system-time") + 1] == "7!"
    assert made[-4:] == ["acme", "ed25519", "sign", "never"]
    assert len(made[made.index("--homedir") + 1]) < 80, "a socket's path is short"
    assert [words for words in asked if words[0] == "gpgconf"], "its agent is ended"


def test_what_gpg_does_not_say(tmp_path: Path, asked: list[list[str]]) -> None:
    with pytest.raises(RepositoryError, match="gpg did not report a new key"):
        Gpg(tmp_path).create("acme", now=7)


def test_a_failure_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, lambda words: (2, "", "gpg: no entropy"))
    with pytest.raises(RepositoryError, match="The key could not be created:\ngpg: no entropy"):
        Gpg(tmp_path).create("acme", now=7)
    with pytest.raises(RepositoryError, match="could not be signed"):
        Gpg(tmp_path).sign("x", [FINGERPRINT], now=7)


def test_without_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, lambda words: (2, "", "gpg: failed to start gpg-agent"))
    with pytest.raises(RepositoryError) as refused:
        Gpg(tmp_path).create("acme", now=7)
    assert refused.value.hint.endswith("sudo apt install gnupg")


def test_a_key_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stand_in(monkeypatch, making)
    spaced = "0x" + FINGERPRINT[:20].lower() + " " + FINGERPRINT[20:]
    for given in (spaced, "CD" * 20):
        assert Gpg(None).adopt(given, now=7).fingerprint == FINGERPRINT, "the primary one"
    assert not any("--homedir" in words or words[0] == "gpgconf" for words in asked)
    for bad in ("x", FINGERPRINT[:16]):
        with pytest.raises(RepositoryError, match="is not the fingerprint of a key"):
            Gpg(None).adopt(bad, now=7)
    with pytest.raises(RepositoryError, match=r"Debonair does not create keys in your own GnuPG home\."):
        Gpg(None).create("acme", now=7)


def test_a_key_without_its_secret_half(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, lambda _: (2, "", ""))
    with pytest.raises(RepositoryError, match=f"The secret key {FINGERPRINT} is not in your GnuPG home."):
        Gpg(None).adopt(FINGERPRINT, now=7)


def test_every_key_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = stand_in(monkeypatch, lambda words: (0, words[-1], ""))
    signed = Gpg(tmp_path).sign("text", [FINGERPRINT, "CD" * 20], now=7)
    assert (signed.inline, signed.detached) == ("--clear-sign", "--detach-sign")
    signers = [key for option, key in itertools.pairwise(asked[0]) if option == "--local-user"]
    assert signers == [FINGERPRINT, "CD" * 20]


VALID = f"[GNUPG:] VALIDSIG {'EF' * 20} 2023-11-14 1700000009 0 4 0 22 10 01 {FINGERPRINT}\n"


@pytest.mark.parametrize(
    ("first", "second", "signers"),
    [
        (VALID, VALID, (FINGERPRINT,)),
        (VALID + VALID.replace("AB", "CD"), VALID, (FINGERPRINT,)),
        (VALID, VALID.replace("AB", "CD"), ()),
    ],
)
def test_who_signed(
    monkeypatch: pytest.MonkeyPatch, first: str, second: str, signers: tuple[str, ...]
) -> None:
    asked = stand_in(
        monkeypatch, lambda words: (0, first if words[-1].endswith("InRelease") else second, "")
    )
    assert Gpg(None).check("inline", "detached", "text", b"ring") == signers
    assert [words[0] for words in asked] == ["gpgv", "gpgv"]


@pytest.mark.parametrize("output", ["", f"[GNUPG:] BADSIG x\n{VALID}"])
def test_who_did_not(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    stand_in(monkeypatch, lambda _: (1, output, "gpgv: one\ngpgv: BAD signature\n"))
    with pytest.raises(RepositoryError, match=r"no valid signature by .* \(gpgv: BAD signature\)"):
        Gpg(None).check("inline", "detached", "text", b"ring")
    stand_in(monkeypatch, lambda _: (1, output, ""))
    with pytest.raises(RepositoryError, match=r"\(-\)"):
        Gpg(None).check("inline", "detached", "text", b"ring")


def test_the_keyring_is_binary() -> None:
    key = Key(FINGERPRINT, 7, ARMORED)
    bare = Key(FINGERPRINT, 7, ARMORED.replace("\n\n", "\n").replace("=AAAA\n", ""))
    assert signing.keyring([key, bare]) == b"hellohello"


@pytest.mark.parametrize("ends", [True, False])
def test_an_interruption_ends_what_asks_for_the_passphrase(
    monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """The user's agent has started it, and would leave it on the terminal."""

    def interrupted(words: list[str]) -> tuple[int, str, str]:
        status = Path(words[words.index("--status-file") + 1])
        status.write_text("[GNUPG:] BEGIN_SIGNING H8\n[GNUPG:] PINENTRY_LAUNCHED 77 curses 1.2.1 tty\n")
        raise KeyboardInterrupt

    told: list[tuple[int, int]] = []

    def kill(pid: int, number: int) -> None:
        told.append((pid, number))
        if ends and number == 0:
            raise ProcessLookupError

    stand_in(monkeypatch, interrupted)
    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(signing, "_ENDS_WITHIN", 0.1)
    with pytest.raises(KeyboardInterrupt):
        Gpg(None).seal("text", [FINGERPRINT], now=7)
    assert told[0] == (77, signal.SIGTERM)
    assert {number for _, number in told[1:]} == {0}


def test_an_interruption_before_it_asks_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: list[str]) -> tuple[int, str, str]:
        raise KeyboardInterrupt

    stand_in(monkeypatch, interrupted)
    monkeypatch.setattr(os, "kill", None)
    with pytest.raises(KeyboardInterrupt):
        Gpg(None).seal("text", [FINGERPRINT], now=7)
