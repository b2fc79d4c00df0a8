"""The program that runs a build backend (packaging/sdist/build_wheel.py): its bytes, and its answer."""

from __future__ import annotations

import msgspec

from debonair.errors import LockError
from debonair.host import decoder
from debonair.resources import resource

_MOST_ASKED = 100


class Answer(msgspec.Struct, frozen=True):
    """The answer of the program, in JSON."""

    asked: tuple[str, ...]
    """The requirements that the backend has for this build (``get_requires_for_build_wheel``)."""
    wheel: str = ""
    """The name of the wheel that it built; empty if it needs further packages first."""


def script() -> bytes:
    """Return the program."""
    return resource("packaging/sdist/build_wheel.py").read_bytes()


def answer(data: bytes | str) -> Answer:
    """Return the answer in ``data``, which strangers' code wrote.

    Raises ``LockError`` if it is not an answer, or requests too many packages.
    """
    try:
        found = decoder.json(data, Answer)
    except msgspec.MsgspecError:
        raise LockError("Its build backend exited without a result.") from None
    if len(found.asked) > _MOST_ASKED:
        raise LockError(f"It requests {len(found.asked)} packages for its build, which is too many.")
    return found
