"""The requirements of a library, and the packages of a suite that satisfy them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debonair.debian.apt import Suite
from debonair.debian.mirror import mirror
from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.host.progress import say
from debonair.source.library.relations import relations
from debonair.target import Target


@dataclass(frozen=True)
class Shipped:
    """A Python distribution that a suite has."""

    package: str
    version: str
    """PEP 440, as in the name of its metadata's folder."""


@dataclass(frozen=True)
class Need:
    """A requirement of a library (PEP 508), and the suite's distribution for it."""

    requirement: Requirement
    shipped: Shipped | None

    @property
    def name(self) -> str:
        """The normalised name (PEP 503)."""
        return str(canonicalize_name(self.requirement.name))

    @property
    def met(self) -> bool:
        """Return whether the suite has a version of it that satisfies the requirement."""
        return self.shipped is not None and self.requirement.specifier.contains(
            self.shipped.version, prereleases=True
        )

    def __str__(self) -> str:
        has = f"the suite has {self.shipped.version}" if self.shipped else "the suite does not have it"
        return f"{self.requirement.name}{self.requirement.specifier} ({has})"


class Distributions:
    """The Python distributions of the suite of a target, as its own index lists them."""

    def __init__(self, target: Target, cache: Cache, environ: Mapping[str, str]) -> None:
        self._suite = Suite.of(target.suite, target.architecture, mirror=mirror(environ), cache=cache)

    def find(self, names: Iterable[str]) -> dict[str, Shipped]:
        """Return the suite's distributions among ``names``, normalised; the suite's index is read once.

        Raises ``NetworkError`` if the index cannot be fetched.
        """
        return {name: self._all[name] for name in names if name in self._all}

    def versions(self, packages: Iterable[str]) -> dict[str, str]:
        """Return the Debian version of each of ``packages`` that the suite has."""
        names = sorted(set(packages))
        return self._suite.versions(names) if names else {}

    @cached_property
    def _all(self) -> dict[str, Shipped]:
        say(f"Querying {self._suite.name} for its Python distributions...")
        return {
            str(canonicalize_name(name)): Shipped(package, version)
            for name, (package, version) in self._suite.distributions().items()
            if _is_version(version)
        }


def of(requirements: Iterable[str], target: Target, offered: Distributions, library: str) -> list[Need]:
    """Return the needs that ``requirements`` of the ``library`` describe on ``target``, sorted by name.

    Markers are evaluated for the target, without extras. Raises ``WheelError`` for an invalid requirement.
    """
    environment = {**target.markers(), "extra": ""}
    found = list[Requirement]()
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as wrong:
            raise WheelError(
                f"{library} requires '{text}', which is not a valid requirement (PEP 508).",
                hint="Choose another version of it, and report this to its authors.",
            ) from wrong
        if requirement.marker is None or requirement.marker.evaluate(environment):
            found.append(requirement)
    shipped = offered.find(canonicalize_name(requirement.name) for requirement in found)
    needs = [Need(each, shipped.get(str(canonicalize_name(each.name)))) for each in found]
    return sorted(needs, key=lambda need: need.name)


def depends(needs: Iterable[Need], built: Mapping[str, str], offered: Distributions) -> list[str]:
    """Return the dependencies for ``needs``; ``built`` names the packages that are built here."""
    packages = {
        need.name: built.get(need.name) or (need.shipped.package if need.shipped else "") for need in needs
    }
    versions = offered.versions(name for name in packages.values() if name)
    found = list[str]()
    for need in needs:
        if package := packages[need.name]:
            epoch, colon, _ = versions.get(package, "").rpartition(":")
            is_built = need.name in built
            found += relations(package, need.requirement.specifier, epoch="" if is_built else epoch + colon)
    return found


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
