"""Find out what helps if pinned versions have no wheel for a target: newer versions, or an older Python.

The requirements of an older project often pin versions from before the target's Python. The lowest version
that fits is the most similar to the pinned one.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from copy import deepcopy
from typing import TYPE_CHECKING

from debonair import target as targets
from debonair.errors import Error, LockError
from debonair.lock.uv import Uv
from debonair.project.names import normalised
from debonair.wheels.lacking import LackingError, Pin
from debonair.wheels.select import select

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from debonair.lock import Lock
    from debonair.project import Project
    from debonair.target import Target

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""The processors for which uv can resolve, by Debian's architecture."""
_NEWEST_GLIBC = 40  # uv does not know newer platforms
_BOUNDS = {"==", "===", "~=", "<", "<="}


def advised(error: LackingError, project: Project, uv: Uv) -> LackingError:
    """Return ``error`` with the ways out that help ``project``."""
    lock, target = error.lock, error.target
    lacking = {normalised(name) for name, _ in error.reasons}
    pins = find(project, lock, lacking, target, uv)
    return LackingError(error.reasons, target, lock, pins=pins, older=_older(lock, lacking, target))


def _older(lock: Lock, lacking: Set[str], target: Target) -> str:
    """Return the newest target of an older suite for which ``lock`` has wheels of ``lacking``, or ""."""
    for suite in reversed(targets.suites().values()):
        name = f"{suite.name}-{target.name.partition('-')[2]}"  # for the same board
        if suite.released and suite.release < target.debian_release and name in targets.names():
            older = targets.load(name)
            try:
                choices = select(lock, older)
            except Error:
                continue
            if not any(choice.ways for choice in choices if choice.name in lacking):
                return older.name
    return ""


def find(project: Project, lock: Lock, lacking: Set[str], target: Target, uv: Uv) -> tuple[Pin, ...]:
    """Return the requirements of ``project`` to raise, so that ``target`` has wheels of all ``lacking``.

    Only the requirements of these packages change if that is enough, otherwise any that has an upper bound.
    The result is empty if no versions fit, or if the index cannot be reached.
    """
    if target.architecture not in _MACHINES:
        return ()
    from packaging.requirements import Requirement  # noqa: PLC0415 - slow to import, only after an error

    requirements = [Requirement(text) for text in project.requirements]
    requirements = [each for each in requirements if normalised(each.name) not in project.left_out]
    versions = {normalised(package.name): package.version for package in lock.packages}
    bounded = {
        normalised(each.name)
        for each in requirements
        if not each.url and any(one.operator in _BOUNDS for one in each.specifier)
    }
    glibc = min(int(target.glibc.split(".")[1]), _NEWEST_GLIBC)
    platform = f"{_MACHINES[target.architecture]}-manylinux_2_{glibc}"
    for raised in filter(None, (bounded & lacking, bounded)):
        lines = [str(_at_least(each, versions, raised)) for each in requirements]
        try:
            found = uv.lowest(lines, target.python, platform, wheels_of=sorted(lacking))
        except LockError:  # these versions cannot be installed together
            continue
        except Error:
            return ()
        return tuple(
            Pin(name, versions[name], found[name])
            for name in sorted(raised & versions.keys() & found.keys())
            if found[name] != versions[name]
        )
    return ()


def _at_least(one: Requirement, versions: Mapping[str, str], raised: Set[str]) -> Requirement:
    """Return ``one`` bounded below by its locked version, and by nothing else if it is ``raised``."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - as above

    result = deepcopy(one)
    name = normalised(one.name)
    if not one.url and name in versions:
        lower = SpecifierSet(f">={versions[name].partition('+')[0]}")
        result.specifier = lower if name in raised else one.specifier & lower
    return result
