"""The versions that another tool locked: pipenv, poetry, pdm.

These locks cannot be built from, because not all of them name every file for every target. But a first lock
keeps their versions if possible.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debonair.errors import LockError
from debonair.project import reader

_FORMS = ("poetry.lock", "pdm.lock", "Pipfile.lock")


def find(root: Path) -> Path | None:
    """Return the lock of another tool in the project at ``root``, or None."""
    return next((root / name for name in _FORMS if reader.is_file(root / name)), None)


def read(path: Path) -> dict[str, str]:
    """Return the version of each package in the lock at ``path``, by its normalised name.

    A package with several locked versions, for several Pythons, is left out. Raises ``LockError`` if the
    lock cannot be read.
    """
    try:
        text = reader.text(path, path.parent, most=reader.MOST_OF_A_LOCK)
        if path.name == "Pipfile.lock":
            listed = [
                (name, entry.get("version", "")) for name, entry in json.loads(text)["default"].items()
            ]
        else:
            packages = tomllib.loads(text).get("package", [])
            listed = [(package["name"], package.get("version", "")) for package in packages]
        found = dict[str, set[str]]()
        for name, version in listed:
            if version:
                plain = str(Version(version.removeprefix("==")))
                found.setdefault(canonicalize_name(name), set()).add(plain)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        InvalidVersion,
        RecursionError,
    ) as wrong:
        raise LockError(
            f"{path} is not valid: {wrong}.",
            hint="Fix the syntax error on that line. Or remove the file: 'debonair lock' does not need it.",
        ) from None
    return {name: versions.pop() for name, versions in found.items() if len(versions) == 1}


def seed(versions: Mapping[str, str]) -> bytes:
    """Return a ``pylock.toml`` that pins ``versions`` without files, as preferences for a resolver."""
    packages = (
        f'\n[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in versions.items()
    )
    return ('lock-version = "1.0"\ncreated-by = "debonair"\n' + "".join(packages)).encode()


def changes(versions: Mapping[str, str], locked: Mapping[str, str]) -> list[str]:
    """Return the packages whose ``locked`` version is not in ``versions``: ``flask 3.1.0 (was 0.12)``."""
    return [
        f"{name} {version} (was {versions[name]})"
        for name, version in sorted(locked.items())
        if name in versions and Version(versions[name]) != Version(version)
    ]
