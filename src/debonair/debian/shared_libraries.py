"""The Debian packages of the libraries that compiled files are linked with, as by dpkg-shlibdeps(1).

A wheel that follows the rules (PEP 600) needs few, which are known. All others are looked up in the suite
itself, and the cache keeps the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from debonair.debian.apt import Suite
from debonair.debian.mirror import mirror
from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.host.memo import remember
from debonair.host.progress import say
from debonair.target import Target
from debonair.target.elf import Elf

_KNOWN = {"libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6"}
"""Libraries that every suite has under one name, in addition to glibc's own."""


def depends(
    parts: Mapping[str, Iterable[Elf]],
    carried: Collection[str],
    target: Target,
    *,
    cache: Cache,
    environ: Mapping[str, str],
    optional: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the Debian packages that the compiled files of ``parts`` need on ``target``, sorted.

    ``parts`` are the files by origin. ``carried`` are the names of all files in the package, which are not
    looked up. The files at the paths ``optional`` may lack a library, because only other boards run them.
    Raises ``WheelError`` for a library that no package has, and ``NetworkError`` if the suite's list is
    needed and cannot be fetched.
    """
    needed = {
        library: (origin, file.path)
        for origin, files in parts.items()
        for file in files
        for library in file.needed
        if library not in carried
    }
    required = {
        library
        for files in parts.values()
        for file in files
        if file.path not in optional
        for library in file.needed
    }
    found = {library: _KNOWN[library] for library in needed if library in _KNOWN}
    if others := needed.keys() - found.keys():
        found |= _owners(others, required, target, cache, environ)
    if missing := sorted(needed.keys() & required - found.keys()):
        listed = "".join(f"\n  {needed[name][0]}: /{needed[name][1]} needs {name}" for name in missing)
        raise WheelError(
            f"No package of {target.suite} ({target.architecture}) provides these libraries:{listed}",
            hint="Lock another version, or one that includes its libraries; or remove the target from "
            "'targets'.",
        )
    return tuple(sorted(set(found.values())))


def _owners(
    names: Collection[str],
    required: Collection[str],
    target: Target,
    cache: Cache,
    environ: Mapping[str, str],
) -> dict[str, str]:
    """Return the packages of those of ``names`` that the suite has; it must have those in ``required``."""

    def ask() -> dict[str, str]:
        place = f"{target.suite} ({target.architecture})"
        say(
            f"Downloading Debian's file index for {place} (once) to find which packages provide shared "
            "libraries..."
        )
        suite = Suite.of(target.suite, target.architecture, mirror=mirror(environ), cache=cache)
        return suite.libraries()

    known = remember(
        cache.folder("locks") / f"{target.suite}-{target.architecture}.libraries",
        dict[str, str],
        ask,
        cache,
        fits=lambda known: (
            known.keys() >= {*names} & {*required}
        ),  # otherwise the index may be older than the library
    )
    return {name: known[name] for name in names if name in known}
