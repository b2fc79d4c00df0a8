"""Select the wheels of a lock that one target needs.

The cache keeps the selection, so that a second build evaluates no marker and compares no tag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from debonair.errors import LockError, WheelError
from debonair.host.cache import Cache
from debonair.host.memo import remember
from debonair.lock import Lock
from debonair.lock.model import File, Locked
from debonair.wheels.lacking import LackingError
from debonair.wheels.model import Choice, Sources, Way

if TYPE_CHECKING:
    from packaging.tags import Tag

    from debonair.target import Target

_SCHEMA = b"2"
"""Change this together with the meaning of the cached values."""
_SHOWN = 6


def select(lock: Lock, target: Target, sources: Sources | None = None) -> tuple[Choice, ...]:
    """Return the best file of each distribution of ``lock`` that ``target`` needs, sorted by name.

    The best file is the sdist if ``sources`` names the distribution, or if it has no wheel and ``sources``
    allow that.

    Markers are evaluated for the target (PEP 508). Among the wheels that the target can load (PEP 425), the
    most specific one wins, then the highest build number (PEP 427). Wheels of an extra index count only if
    the primary index has none. Raises a ``LackingError`` that lists every distribution without a file, and
    ``LockError`` if a distribution is locked to two versions.
    """
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - slow to import, and not needed twice

    from debonair.lock.freshness import applies  # noqa: PLC0415

    environment = target.markers()
    ranks = {tag: rank for rank, tag in enumerate(target.tags())}
    choices, lacking = dict[str, Choice](), dict[tuple[str, str], str]()
    always = set(sources.always if sources else ())
    _check_named(always, lock)
    for package in lock.packages:
        if not applies(package.marker, environment):
            continue
        name = str(canonicalize_name(package.name))
        if name in choices:
            raise LockError(
                f"{lock.path} has both {name} {choices[name].version} and {package.version} for "
                f"{target.name}.",
                hint="Run 'debonair lock' to renew it.",
            )
        primary = [file for file in package.wheels if not file.index]
        extra = [file for file in package.wheels if file.index]
        wheel = None if name in always else _best(primary, ranks) or _best(extra, ranks)
        if wheel:
            choices[name] = Choice(name, package.version, wheel)
        elif package.sdist and (ways := _ways(name, primary, target, sources)):
            choices[name] = Choice(name, package.version, package.sdist, ways)
        else:
            lacking[package.name, package.version] = _lack(package, target)
    if lacking:
        raise LackingError(lacking, target, lock)
    return tuple(choices[name] for name in sorted(choices))


def _check_named(always: set[str], lock: Lock) -> None:
    """Raise ``WheelError`` if a distribution in ``always``, to be built from source, cannot be."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - slow to import, and not needed twice

    sdists = {str(canonicalize_name(package.name)): package.sdist for package in lock.packages}
    if absent := always - sdists.keys():
        raise WheelError(
            f"--from-source names {', '.join(sorted(absent))}, but {lock.path.name} has no such package.",
            hint="Use names of packages in the lock.",
        )
    if bare := {name for name in always if not sdists[name]}:
        raise WheelError(
            f"--from-source names {', '.join(sorted(bare))}, but {lock.path.name} has no sdist of it.",
            hint="Use its wheel, or lock a version that has an sdist.",
        )


def chosen(lock: Lock, target: Target, sources: Sources | None, cache: Cache) -> tuple[Choice, ...]:
    """Return the same as ``select``, from the cache if it is there."""
    policy = (sources.always, sources.allowed) if sources else ((), False)
    inputs = msgspec.msgpack.encode((target, policy))
    key = hashlib.sha256(_SCHEMA + lock.digest.encode() + inputs).hexdigest()
    kept = cache.folder("locks") / f"{key}.chosen"
    return remember(kept, tuple[Choice, ...], lambda: select(lock, target, sources), cache)


def _ways(name: str, wheels: Sequence[File], target: Target, sources: Sources | None) -> tuple[Way, ...]:
    """Return the ways to build the sdist of a distribution whose ``wheels`` do not fit."""
    if sources and name in sources.always:
        return ("native",)
    pure = all(_is_pure(file.filename) for file in wheels)
    if not (sources and sources.allowed):
        # A distribution with wheels for single processors is not pure, so a pure build is not tried.
        return ("pure",) if pure else ()
    # Nothing can be compiled for ARMv6. But some distributions can do without their compiled parts.
    return ("pure", "native") if pure or target.variant else ("native",)


def _best(wheels: Sequence[File], ranks: Mapping[Tag, int]) -> File | None:
    """Return the wheel whose tags are first in ``ranks``, or ``None`` if no wheel has one of them."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415

    def key(file: File) -> tuple[int, int, str, str] | None:
        try:
            _, _, build, tags = parse_wheel_filename(file.filename)
        except InvalidWheelFilename:
            return None
        rank = min((ranks[tag] for tag in tags if tag in ranks), default=None)
        if rank is None:
            return None
        number, suffix = build or (-1, "")
        return -rank, number, suffix, file.filename

    keyed = [(found, file) for file in wheels if (found := key(file))]
    return max(keyed, key=lambda pair: pair[0])[1] if keyed else None


def _is_pure(filename: str) -> bool:
    return filename.endswith("-none-any.whl")


def _lack(package: Locked, target: Target) -> str:
    """Return which files of ``package`` there are for other targets."""
    # A wheel's tags are the last three parts of its name (PEP 427).
    tags = ["-".join(file.filename.removesuffix(".whl").split("-")[-3:]) for file in package.wheels]
    linux = [tag for tag in tags if "linux" in tag and "musl" not in tag]
    near = [
        tag
        for tag in linux
        if tag.startswith((f"cp{target.python.replace('.', '')}-", "py3-")) or "abi3" in tag
    ]
    tags = sorted(set(near or linux or tags))
    if not tags:
        return "the lock has no file of it" if not package.sdist else "the lock has only an sdist"
    more = f" and {len(tags) - _SHOWN} more" if len(tags) > _SHOWN else ""
    return f"the lock has {', '.join(tags[:_SHOWN])}{more}"
