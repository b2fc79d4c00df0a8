"""What the package says of itself: its control file."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debonair import emperors, vassals
from debonair.deb.control import Control

if TYPE_CHECKING:
    from debonair.project import Project
    from debonair.target import Target
    from debonair.wheels import Wheel

_COLUMNS = 75
_LEGACY = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_GLIBC = re.compile(r"(manylinux1|manylinux2010|manylinux2014|manylinux_2_(\d+))_")


def control(
    project: Project,
    target: Target,
    wheels: Sequence[Wheel],
    *,
    libraries: Sequence[str] = (),
    version: str,
) -> Control:
    """Return the control file of ``project`` for ``target`` with ``wheels``, ``version`` being Debian's.

    ``libraries`` are the packages that compiled files need, besides glibc's.

    The venv links to the suite's interpreter and holds modules for its minor version alone, so both
    bounds of python3 stand in Depends (Debian Python Policy, section 4.1).
    """
    major, minor = target.python_version
    depends = [f"python3 (>= {major}.{minor}~)", f"python3 (<< {major}.{minor + 1})"]
    if libc := _libc(wheels):
        depends.append(libc)
    depends += libraries
    if project.serves:
        emperor, vassal = emperors.of(project), vassals.of(project, target)
        depends += sorted(["nginx", *emperor.depends, *vassal.depends])
    return Control(
        package=project.package,
        version=version,
        architecture=target.architecture,
        maintainer=project.maintainer,
        # Policy section 3.4.1: no article at the beginning
        synopsis=re.sub(r"^(an?|the)\s+", "", project.description, flags=re.IGNORECASE),
        description=_description(project),
        depends=(*depends, *project.depends),
        section="web" if project.serves else "utils",
        homepage=project.homepage,
    )


def _libc(wheels: Sequence[Wheel]) -> str:
    """Return the dependency on the C library that compiled ``wheels`` have; empty if all are pure.

    A wheel's tag names the oldest glibc that it runs with (PEP 600).
    """
    compiled = [wheel.filename for wheel in wheels if not wheel.filename.endswith("-any.whl")]
    if not compiled:
        return ""
    oldest = [
        min((_LEGACY.get(found[1]) or int(found[2]) for found in _GLIBC.finditer(name)), default=0)
        for name in compiled
    ]
    return f"libc6 (>= 2.{max(oldest)})" if max(oldest) else "libc6"


def _description(project: Project) -> str:
    what = "Its commands run in a virtual environment that holds the Python packages they need."
    if project.serves:
        how = "It runs under uWSGI" if project.wsgi else "Its web server runs"
        what = (
            f"{how} as a service of its own, behind an nginx site, with the Python packages that "
            "it needs in a virtual environment."
        )
    whole = project.long_description
    told = [what] if whole.rstrip(" .") == project.description else [whole, what]
    return "\n\n".join(textwrap.fill(paragraph, _COLUMNS) for paragraph in told)
