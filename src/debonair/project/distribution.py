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
            f"{file.name}: 'from-pypi' is '{given.from_pypi}', but pyproject.toml is of another project.",
            hint="Move the debonair.toml with 'from-pypi' to its own folder.",
        )
    try:
        requirement = Requirement(given.from_pypi)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url or requirement.marker:
        raise ProjectError(
            f"{file.name}: 'from-pypi' is '{given.from_pypi}', which is not the name of a package on the "
            "index.",
            hint="Write the name; a version and extras are optional: isso==0.13, or isso[extra]>=0.13. If "
            "a wheel is on no index, put its folder into find-links of pip or uv.",
        )
    for key, value in (("version", given.version), ("install", given.install)):
        if value:
            raise ProjectError(
                f"{file.name}: '{key}' is '{value}', but 'from-pypi' determines it.",
                hint=f"Remove '{key}'.",
            )
    return str(canonicalize_name(requirement.name))
