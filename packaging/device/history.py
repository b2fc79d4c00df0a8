"""Which of the releases on this machine a rollback means: always an earlier one, unless it is named."""

from __future__ import annotations

import re

import dpkg
from person import sudo
from release import Home, Release

_SUITE = re.compile(r"\+deb\d+(u\d+)?$")
_REVISION = re.compile(r"-[^-]*$")
_EPOCH = re.compile(r"^\d+:")


def earlier(home: Home, name: str) -> Release:
    """Return the release that a rollback to ``name`` means; empty means the one before the served one.

    A ``name`` may be short: ``1.0`` means ``1.0-1+deb13``. Raises ``LookupError``.
    """
    serving = home.serving()
    others = [one for one in home.known() if not serving or one.name != serving.name]
    if name:
        return _named(name, others, serving)
    for one in others:  # the one that was served last comes first
        if serving is None or _is_older(one, serving):
            return one
    what = f"nothing older than {serving.version}" if serving else "no release"
    newer = f"; newer: {_listed(others)}: {sudo()}{home.package} rollback VERSION" if others else ""
    kept = f" (the package keeps {home.installed().keep} releases)" if serving else ""
    raise LookupError(f"{what} is kept on this machine{kept}{newer}")


def is_only_installed(home: Home, name: str) -> bool:
    """Return whether ``name`` means the installed version, and no release that was served."""
    return name in forms(home.installed().version) and not any(
        name in {one.name, *forms(one.version)} for one in home.known()
    )


def forms(version: str) -> list[str]:
    """Return the names of a Debian version, the full one first: without its suite, revision and epoch."""
    found = [version, _SUITE.sub("", version), _REVISION.sub("", version)]
    return list(dict.fromkeys([*found, *(_EPOCH.sub("", form) for form in found)]))


def _named(name: str, others: list[Release], serving: Release | None) -> Release:
    exact = [one for one in others if name in {one.name, one.version}]
    found = exact or [one for one in others if name in forms(one.version)]
    versions = dict.fromkeys(one.version for one in found)
    if len(versions) > 1:
        raise LookupError(f"{name} may mean {' or '.join(versions)}: type one of them")
    if found:
        return found[0]
    if serving and name in {serving.name, *forms(serving.version)}:
        raise LookupError(f"{serving.version} is served already; there are: {_listed(others)}")
    raise LookupError(f"there is no release {name} on this machine; there are: {_listed(others)}")


def _is_older(one: Release, serving: Release) -> bool:
    """Return whether ``one`` is the older release; of the same version, it is the one installed first."""
    if one.version == serving.version:
        return one.first_switch < serving.first_switch
    return dpkg.is_before(one.version, serving.version)


def _listed(releases: list[Release]) -> str:
    return ", ".join(one.version for one in releases) or "none"
