"""The application from the package index that the setting ``from-pypi`` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debonair.errors import ProjectError

if TYPE_CHECKING:
    from debonair.project.settings import Settings


def name(given: Settings, file: Path, project: Mapping[str, Any]) -> str:
    """Return the normalised name (PEP 503) in the key ``from-pypi`` of the settings ``given``.

    ``file`` holds the settings; ``project`` is the table of that name beside them. Raises ``ProjectError``
    if the key is not a name with extras and versions (PEP 508), or if another setting contradicts it.
    """
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - slow to import
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    if project:
        raise ProjectError(
            f"{file.name}: 'from-pypi' is '{given.from_pypi}', and pyproject.toml is another project's.",
            hint="Put the debonair.toml with 'from-pypi' in a folder of its own.",
        )
    try:
        wanted = Requirement(given.from_pypi)
    except InvalidRequirement:
        wanted = None
    if wanted is None or wanted.url or wanted.marker:
        raise ProjectError(
            f"{file.name}: 'from-pypi' is '{given.from_pypi}', which is not a name of the package index.",
            hint="Write the name, with a version or extras if you like: isso==0.13, or isso[extra]>=0.13. "
            "A wheel that is on no index goes into a folder that pip's or uv's find-links names.",
        )
    for key, value in (("version", given.version), ("install", given.install)):
        if value:
            raise ProjectError(
                f"{file.name}: '{key}' is '{value}', and is decided by what 'from-pypi' names.",
                hint=f"Leave '{key}' out.",
            )
    return str(canonicalize_name(wanted.name))
