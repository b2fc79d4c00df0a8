"""``debonair library``: a Python library as a Debian package, ``python3-NAME``, through stdeb.

This is for libraries that several apps on one machine share, or that Debian lacks. The sdist is built in a
clean root of the suite. Its dependencies are looked up in the suite's own index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from debonair import target
from debonair.deb.control import check_name
from debonair.deb.version import for_suite
from debonair.errors import LockError, PackageError, TargetError, WheelError
from debonair.host.cache import Cache, whole
from debonair.lock import download, pylock
from debonair.lock.model import File, Locked
from debonair.lock.uv import Uv
from debonair.source.library import needs, trial
from debonair.source.library.build import Sdist
from debonair.source.library.needs import Distributions
from debonair.source.library.recipe import Recipe
from debonair.target import Target
from debonair.wheels import describe

_TARGETS = "List the suites and architectures: debonair targets"


class Made(msgspec.Struct, frozen=True):
    """A library's package."""

    package: str
    path: Path
    depends: tuple[str, ...]
    """Its dependencies: packages of the suite, or others that were built with it."""


@dataclass
class Workshop:
    """The place to build libraries for ``target``, with the libraries ``made`` so far by name."""

    target: Target
    maintainer: str
    cache: Cache
    environ: Mapping[str, str]
    build_depends: tuple[str, ...] = ()
    """Debian packages to build with, in addition to those that the sdist names."""
    recursive: bool = False
    """If true, requirements that the suite lacks are built, too."""
    made: dict[str, Made] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._offered = Distributions(self.target, self.cache, self.environ)

    @classmethod
    def of(
        cls,
        suite: str,
        architecture: str,
        maintainer: str,
        cache: Cache,
        environ: Mapping[str, str],
    ) -> Workshop:
        """Return the workshop for a ``suite`` and Debian's ``architecture``. Raises ``TargetError``."""
        build_target = target.of(suite, architecture)
        if build_target is None:
            raise TargetError(
                f"There is no target for {suite} on {architecture}.",
                hint=_TARGETS,
            )
        return cls(build_target, maintainer, cache, environ)

    def make(self, requirement: str, out: Path) -> list[Made]:
        """Build the library that ``requirement`` (PEP 508) names, and write its deb into ``out``.

        Its own requirements are built first. All are installed in a fresh Debian, and imported there,
        before the first deb is written. Raises ``LockError`` if there is no such library for the suite's
        Python, and ``PackageError`` if the suite has it. Raises ``WheelError`` if the build fails or the
        suite lacks a requirement, and ``TrialError`` if the library cannot be imported.
        """
        name = _name(requirement)
        locked = self._locked(requirement)
        self._build(name, locked)
        made = list(self.made.values())
        trial.check([each.path for each in made], self.target, self.cache, self.environ)
        return [msgspec.structs.replace(each, path=_put(each.path, out)) for each in made]

    def _locked(self, requirement: str) -> dict[str, Locked]:
        """Return the versions of the library and all of its requirements, by name."""
        path = Path("pylock.library.toml").absolute()
        try:
            data = Uv(Path.cwd(), self.environ, describe).lock([requirement], self.target.python, path)
        except LockError as failed:
            hint = (
                f"{self.target.suite} has Python {self.target.python}: choose a version that supports it."
            )
            raise LockError(failed.message, hint) from failed
        return {str(canonicalize_name(each.name)): each for each in pylock.read(data, path).packages}

    def _build(self, name: str, locked: Mapping[str, Locked], path: tuple[str, ...] = ()) -> None:
        """Build the library ``name``, which those of ``path`` need, after its own requirements."""
        if name in self.made:
            return
        if name in path:
            raise WheelError(
                f"{' needs '.join((*path, name))}: each of them needs another one to be installed first.",
                hint="Install them in the app's own environment.",
            )
        library, offered = locked[name], self._offered
        known_as = self._known_as(library)
        sdist = Sdist(library, self._fetched(library), self.target, self.cache, self.environ)
        found = sdist.probe(offered, self.build_depends)
        if not SpecifierSet(found.requires_python).contains(self.target.python_full):
            raise WheelError(
                f"{sdist.title} is for Python {found.requires_python}, but {self.target.suite} has "
                f"{self.target.python_full}.",
                hint=f"Choose another version of it, or another suite with --suite. {_TARGETS}",
            )
        package = known_as or "python3-" + found.name.lower().replace("_", "-")
        check_name(package)
        requirements = needs.of(found.requires, self.target, offered, sdist.title)
        lacking = [need for need in requirements if not need.met]
        if lacking and not self.recursive:
            listed = "".join(f"\n  {need}" for need in lacking)
            raise WheelError(
                f"{sdist.title} has requirements that {self.target.suite} ({self.target.architecture}) "
                f"does not meet:{listed}",
                hint="Build these too: --recursive",
            )
        for need in lacking:
            self._build(need.name, locked, (*path, name))
        others = {other: made.package for other, made in self.made.items()}
        depends = tuple(needs.depends(requirements, others, offered))
        version = for_suite(library.version, self.target.debian_release)
        recipe = Recipe(found, package, version, self.target, depends, self.maintainer)
        self.made[name] = Made(package, sdist.build(recipe, self.build_depends), depends)

    def _known_as(self, library: Locked) -> str:
        """Return the package in which the suite has an older version of ``library``; empty if it has none.

        Raises ``PackageError`` if the suite's version is not older.
        """
        for has in self._offered.find([str(canonicalize_name(library.name))]).values():
            if Version(has.version) >= Version(library.version):
                newer = ", which is newer" if Version(has.version) > Version(library.version) else ""
                raise PackageError(
                    f"{library.name} {library.version} was not built: {self.target.suite} has "
                    f"{has.version} in its package {has.package}{newer}.",
                    hint=f'Use that package in an app: depends = ["{has.package}"], system-site-packages = '
                    "true.",
                )
            return has.package
        return ""

    def _fetched(self, library: Locked) -> File:
        if library.sdist is None:
            raise WheelError(
                f"{library.name} {library.version} was published without an sdist.",
                hint="Choose a version that has an sdist, or install its wheel in the app's own "
                "environment.",
            )
        download.fetch([library.sdist], self.cache, self.environ)
        return library.sdist


def _name(requirement: str) -> str:
    """Return the normalised name in ``requirement``. Raises ``LockError`` if it is not valid (PEP 508)."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        parsed = None
    if parsed is None or parsed.url or parsed.marker or parsed.extras:
        raise LockError(
            f"'{requirement}' is not the name of a library, optionally with a version.",
            hint="Write it as in RPi.bme280==0.2.4, or smbus2>=0.4.",
        )
    return str(canonicalize_name(parsed.name))


def _put(deb: Path, out: Path) -> Path:
    with whole(out / deb.name) as temporary:
        temporary.write_bytes(deb.read_bytes())
    return out / deb.name
