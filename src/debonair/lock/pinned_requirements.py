"""Read requirements files with a pinned version and a hash for every file, as pip does.

pip's documentation describes the format in 'Requirements File Format' and 'Secure installs'.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from debonair.errors import LockError
from debonair.project import requirements_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from debonair.lock.model import Locked

_HASH = re.compile(r"--hash=(\S+)")


class Pin(msgspec.Struct, frozen=True):
    """One line: a version, the environments that need it, and the hashes of its files."""

    name: str
    version: str
    """Empty if the line names an address."""
    marker: str
    hashes: frozenset[str]
    """The sha256 of each file, 64 hexadecimal digits."""
    url: str = ""
    """The address of the only file, for ``name @ address``."""


class Pins(msgspec.Struct, frozen=True):
    """A whole file: its pins, and its lines about indexes, unchanged."""

    pins: tuple[Pin, ...]
    options: tuple[str, ...]


def parse(text: str, filename: str) -> Pins:
    """Return the pins of ``text``, a requirements file; errors name ``filename``.

    Raises ``LockError`` for a line that lacks a version or a sha256, or is not a requirement. pip would
    refuse the same file, and a build that is not pinned is not reproducible.
    """
    pins, options = list[Pin](), list[str]()
    for number, line in requirements_file.lines(text):
        where = f"{filename}, line {number}"
        option, _ = requirements_file.option(line)
        if option in requirements_file.INDEXES:
            options.append(line)
        elif option in requirements_file.OF_NO_ACCOUNT:
            continue
        elif option:
            raise LockError(
                f"{where}: the option '{option}' is not supported in a file that is pinned by hashes.",
                hint="Write the pins themselves into the file, or run 'debonair lock'.",
            )
        else:
            pins.append(_pin(line, where))
    return Pins(tuple(pins), tuple(options))


def hashed(lines: Iterable[str], packages: Iterable[Locked]) -> bytes:
    """Return a requirements file of ``lines`` (``name==version ; marker``), with hashes.

    Each line has the hashes of all files that ``packages`` has of that version.
    """
    from packaging.requirements import Requirement  # noqa: PLC0415

    listed = list(packages)
    text = "# Written by 'debonair lock'; pip and uv read it too.\n"
    for line in sorted(lines):
        requirement = Requirement(line)
        hashes = {
            file.sha256
            for package in listed
            if package.name == requirement.name
            and (requirement.url or package.version in requirement.specifier)
            for file in package.files
        }
        text += line + "".join(f" \\\n    --hash=sha256:{value}" for value in sorted(hashes)) + "\n"
    return text.encode()


def _pin(line: str, where: str) -> Pin:
    """Return ``line`` as a pin."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - slow to import
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    hashes = _HASH.findall(line)
    try:
        requirement = Requirement(_HASH.sub("", line).strip())
    except InvalidRequirement as wrong:
        raise LockError(f"{where}: {str(wrong).splitlines()[0]}") from wrong
    good = frozenset(text.removeprefix("sha256:").lower() for text in hashes if text.startswith("sha256:"))
    if not good:
        raise LockError(
            f"{where}: {requirement.name} has no sha256, but others in the file do.",
            hint="Run 'debonair lock', which writes a sha256 for every file.",
        )
    pinned = [spec for spec in requirement.specifier if spec.operator in ("==", "===")]
    exact = len(requirement.specifier) == 1 and pinned and not pinned[0].version.endswith(".*")
    if not exact and not requirement.url:
        raise LockError(
            f"{where}: '{requirement}' does not pin one version.",
            hint=f"Write {requirement.name}==VERSION, or run 'debonair lock'.",
        )
    return Pin(
        name=canonicalize_name(requirement.name),
        version=pinned[0].version if exact else "",
        marker=str(requirement.marker or ""),
        hashes=good,
        url=requirement.url or "",
    )
