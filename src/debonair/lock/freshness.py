"""Check whether a lock still matches the project's requirements.

Each function returns a sentence that describes the change, or an empty text if nothing changed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from copy import copy

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debonair.errors import ProjectError
from debonair.lock.model import Locked


def requirements(texts: Iterable[str], filename: str) -> list[Requirement]:
    """Parse ``texts``. Raises ``ProjectError`` with ``filename`` and the text that is wrong."""
    found = []
    for text in texts:
        try:
            found.append(Requirement(text))
        except InvalidRequirement as wrong:
            raise ProjectError(
                f"{filename}: the requirement '{text}' is not valid: {str(wrong).splitlines()[0]}",
                hint="Write it as in 'Flask>=3' (PEP 508).",
            ) from None
    return found


def against_record(needs: Sequence[Requirement], recorded: Iterable[str]) -> str:
    """Compare the requirements ``needs`` with those that a lock was resolved from, ``recorded`` in it."""
    old = _by_name(requirements(recorded, "pylock.toml"))
    new = _by_name(needs)
    return _difference(old, new)


def against_uv(needs: Sequence[Requirement], lock: bytes, name: str) -> str:
    """Compare the requirements ``needs`` with those of the project ``name`` in a ``uv.lock``.

    This ignores markers, because uv writes them in another form.
    """
    packages = tomllib.loads(lock.decode()).get("package", [])
    entries = [package for package in packages if package.get("name") == canonicalize_name(name)]
    if not entries:
        return f"it does not have the project {name}"
    metadata = entries[0].get("metadata", {}).get("requires-dist", [])
    old = _by_name(
        Requirement(
            entry["name"]
            + (f"[{','.join(sorted(entry['extras']))}]" if entry.get("extras") else "")
            + entry.get("specifier", "")
        )
        for entry in metadata
        if "extra ==" not in entry.get("marker", "")
    )
    bare = [
        Requirement(
            f"{item.name}{'[' + ','.join(sorted(item.extras)) + ']' if item.extras else ''}{item.specifier}"
        )
        for item in needs
    ]
    return _difference(old, _by_name(bare))


def against_pins(
    needs: Sequence[Requirement],
    packages: Iterable[Locked],
    environments: Iterable[Mapping[str, str]],
) -> str:
    """Look for each requirement in ``needs`` that any environment needs among a lock's ``packages``."""
    pinned = dict[str, list[str]]()
    for package in packages:
        pinned.setdefault(canonicalize_name(package.name), []).append(package.version)
    places = list(environments)
    for item in needs:
        if item.marker and not any(item.marker.evaluate(dict(place)) for place in places):
            continue
        versions = pinned.get(canonicalize_name(item.name))
        if versions is None:
            return f"'{item}' is not in it"
        if not any(_satisfies(version, item.specifier) for version in versions):
            return f"it has {item.name} {', '.join(versions)}, but the project requires '{item}'"
    return ""


def python(oldest: str, version: str) -> str:
    """Compare the Python ``version`` of a target with the ``oldest`` that a lock supports, if known."""
    if oldest and Version(version) < Version(oldest):
        return f"it is for Python {oldest} and later, but a target has {version}"
    return ""


def allows(requires: str, version: str) -> bool:
    """Tell whether ``requires``, a requires-python that may be empty, allows the minor ``version``.

    Raises ``InvalidSpecifier``.
    """
    # .99 stands for the whole minor version, which '>=3.11.4' must not refuse.
    return not requires or SpecifierSet(requires).contains(f"{version}.99", prereleases=True)


def applies(marker: str, environment: Mapping[str, str]) -> bool:
    """Tell whether ``marker``, of a locked package, is empty or true in ``environment``."""
    # 'lock_file' also allows the extras and groups of PEP 751, but none of these is selected.
    return not marker or Marker(marker).evaluate({"extra": "", **environment}, context="lock_file")


def in_environment(markers: Iterable[str], environment: Mapping[str, str]) -> bool:
    """Tell whether one of ``markers`` is true in ``environment``, or there are no markers."""
    listed = list(markers)
    return not listed or any(Marker(text).evaluate(dict(environment)) for text in listed)


def _by_name(items: Iterable[Requirement]) -> dict[str, set[str]]:
    found = dict[str, set[str]]()
    for item in items:
        plain = copy(item)
        plain.name = canonicalize_name(item.name)
        plain.extras = {canonicalize_name(extra) for extra in item.extras}  # PEP 685
        found.setdefault(plain.name, set()).add(str(plain))
    return found


def _difference(old: Mapping[str, set[str]], new: Mapping[str, set[str]]) -> str:
    for name in sorted({*old, *new}):
        was = " and ".join(f"'{text}'" for text in sorted(old.get(name, ())))
        now = " and ".join(f"'{text}'" for text in sorted(new.get(name, ())))
        if was and not now:
            return f"{was} was removed"
        if now and not was:
            return f"{now} was added"
        if was != now:
            return f"{was} was changed to {now}"
    return ""


def _satisfies(version: str, specifier: SpecifierSet) -> bool:
    try:
        return not version or specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
