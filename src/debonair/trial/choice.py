"""The choice of the deb to try, and of its Debian."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debonair.deb import archive
from debonair.deb.version import release
from debonair.debian.rootfs.emulation import emulated
from debonair.errors import PackageError, TargetError
from debonair.host import run
from debonair.project.settings import usual_suite
from debonair.target import suites


@dataclass(frozen=True, slots=True)
class Choice:
    """A deb, and the Debian it was built for."""

    path: Path
    package: str
    version: str
    architecture: str
    suite: str

    @property
    def release(self) -> int:
        """The number of the Debian release, 0 if it has none yet."""
        known = suites()
        return known[self.suite].release if self.suite in known else 0


def choose(debs: Sequence[Path], *, suite: str | None, architecture: str) -> Choice:
    """Return which of ``debs`` to try: one for Debian ``architecture``, this machine's, or for another.

    The end of the version (``+deb13``) names the suite, unless ``suite`` does. If there are several, the
    newest suite wins, then the highest version. Raises ``PackageError`` if a deb cannot be read, if none is
    for this architecture, or if they are not all of one package. Raises ``TargetError`` if there is no such
    suite.
    """
    known = {each.release: each.name for each in suites().values()}
    if suite is not None and suite not in known.values():
        raise TargetError(f"There is no suite '{suite}'.", hint=f"There are: {', '.join(known.values())}.")
    read = [_read(path, known, suite) for path in debs]
    packages = sorted({each.package for each in read})
    if len(packages) > 1:
        raise PackageError(
            f"Only one package can be tried at a time, but these are {len(packages)}: "
            f"{', '.join(packages)}.",
            hint="Give the debs of one package; 'debonair try' picks the one for this machine.",
        )
    fit = [each for each in read if each.architecture in {architecture, "all"}]
    fit = fit or [each for each in read if emulated(each.architecture, architecture)]
    if suite is not None:
        fit = [each for each in fit if _named(each.version, known) in {None, suite}] or fit
    if not fit:
        found = ", ".join(sorted({each.architecture for each in read}))
        raise PackageError(
            f"None of the debs is for {architecture}, or for an architecture that it can emulate; they are "
            f"for {found}.",
            hint=f"Build one: debonair build --target {usual_suite()}-{architecture}",
        )
    return max(fit, key=lambda each: (each.release, _order(each.version)))


def earlier(path: Path, newer: Choice) -> Choice:
    """Return the deb at ``path``, an earlier version of the package of ``newer`` for the same Debian.

    Raises ``PackageError`` if it is not.
    """
    found = _read(path, {}, newer.suite)
    if found.package != newer.package:
        raise PackageError(
            f"{path.name} is of the package {found.package}, but {newer.path.name} is of {newer.package}.",
            hint="Name two releases of one app: debonair try NEW.deb --upgrade-from OLD.deb",
        )
    known = {each.release: each.name for each in suites().values()}
    places = [
        f"{_named(each.version, known) or newer.suite} ({each.architecture})" for each in (found, newer)
    ]
    if places[0] != places[1]:
        raise PackageError(
            f"{path.name} is for {places[0]}, but {newer.path.name} is for {places[1]}.",
            hint="Name two debs for the same suite and architecture.",
        )
    if _compare(found.version, newer.version) >= 0:
        raise PackageError(
            f"{newer.version} is not higher than {found.version}, so apt would not upgrade to it.",
            hint="Name the newer deb first: debonair try NEW.deb --upgrade-from OLD.deb. Two debs of the "
            "same version? Raise the project's version and build again.",
        )
    return found


def _read(path: Path, known: dict[int, str], suite: str | None) -> Choice:
    fields = archive.read_control(path)
    version = fields["Version"]
    chosen = suite or _named(version, known) or usual_suite()
    return Choice(path, fields["Package"], version, fields["Architecture"], chosen)


def _named(version: str, known: dict[int, str]) -> str | None:
    """Return the suite that the end of a Debian version names; None if it names none."""
    found = release(version)
    return known.get(found) if found else None


def _compare(first: str, second: str) -> int:
    """Compare two Debian versions as dpkg does; deb-version(7)."""
    if first == second:
        return 0
    return (
        -1 if run.run(["dpkg", "--compare-versions", first, "lt", second], check=False).status == 0 else 1
    )


_order = functools.cmp_to_key(_compare)
