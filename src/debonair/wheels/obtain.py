"""Obtain the wheels of a lock that one target needs: select, fetch, verify and build them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from debonair.lock.download import Get, fetch, place
from debonair.wheels.lacking import LackingError
from debonair.wheels.model import Choice, Sources, Wheel
from debonair.wheels.select import chosen

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.lock import Lock
    from debonair.target import Target


def obtain(
    lock: Lock,
    target: Target,
    cache: Cache,
    environ: Mapping[str, str],
    *,
    sources: Sources | None = None,
    get: Get | None = None,
) -> tuple[Wheel, ...]:
    """Return the wheels that ``lock`` has for ``target``, sorted by name, all of them in ``cache``.

    Distributions that ``sources`` names or allows are built for the target. Without ``sources``, an sdist
    must be pure Python. ``environ`` has the configuration of the index; ``get`` replaces the network in
    tests.

    Raises ``LackingError`` if a distribution has no wheel for the target, and ``WheelError`` if its bytes
    differ from the locked ones. Raises ``NetworkError`` if the cache lacks a file that cannot be fetched.
    Raises ``MachineError`` if an sdist must be built and this machine cannot create a sandbox.
    """
    choices = chosen(lock, target, sources, cache)
    fetch([choice.file for choice in choices], cache, environ, get=get)
    if any(choice.ways for choice in choices):
        choices = _built(choices, lock, target, cache, environ, sources=sources)
    return tuple(
        Wheel(
            choice.name, choice.version, choice.file.filename, choice.file.sha256, place(choice.file, cache)
        )
        for choice in choices
    )


def describe(path: Path, title: str, cache: Cache, environ: Mapping[str, str]) -> bytes:
    """Return METADATA of the sdist ``path``, like ``pure.describe``."""
    from debonair.wheels import pure  # noqa: PLC0415 - most locks have wheels only

    return pure.describe(path, title, cache, environ, obtain=obtain)


def _built(
    choices: Sequence[Choice],
    lock: Lock,
    target: Target,
    cache: Cache,
    environ: Mapping[str, str],
    *,
    sources: Sources | None,
) -> tuple[Choice, ...]:
    """Return ``choices`` with a wheel in place of each sdist."""
    from debonair.wheels.pure import Built, build  # noqa: PLC0415 - most locks have wheels only

    done, lacking = list[Choice](), dict[tuple[str, str], str]()
    for choice in choices:
        built = Built(choice.file) if not choice.ways else Built(None)
        if "pure" in choice.ways:
            once = "native" in choice.ways
            built = build(choice, lock.path.parent, cache, environ, obtain=obtain, once=once)
        if built.file is None and "native" in choice.ways and sources:
            from debonair.wheels import native  # noqa: PLC0415 - few apps need a compiler

            built = Built(native.build(choice, target, sources, cache, environ, obtain=obtain))
        if built.file:
            done.append(Choice(choice.name, choice.version, built.file))
        else:
            lacking[choice.name, choice.version] = built.why
    if lacking:
        raise LackingError(lacking, target, lock)
    return tuple(done)
