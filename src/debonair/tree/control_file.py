"""The control file of the package, which describes it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from debonair.deb.control import Control
from debonair.tree.service import account
from debonair.tree.service import emperor as emperors
from debonair.tree.service import vassal as vassals

if TYPE_CHECKING:
    from debonair.project import Project
    from debonair.target import Target
    from debonair.target.elf import Elf
    from debonair.wheels import Wheel

_COLUMNS = 75
_LEGACY = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_GLIBC = re.compile(r"(manylinux1|manylinux2010|manylinux2014|manylinux_2_(\d+))_")


def control(
    project: Project,
    target: Target,
    wheels: Sequence[Wheel],
    *,
    compiled: Iterable[Elf] = (),
    libraries: Sequence[str] = (),
    version: str,
) -> Control:
    """Return the control file of ``project`` for ``target`` with ``wheels``; ``version`` is Debian's.

    ``compiled`` are the compiled files that no wheel's tag covers, such as the app's own.
    ``libraries`` are the packages that compiled files need, in addition to glibc's.

    The venv links to the suite's interpreter and has modules for its minor version only. So Depends has
    both bounds of python3 (Debian Python Policy, section 4.1).
    """
    major, minor = target.python_version
    depends = [f"python3 (>= {major}.{minor}~)", f"python3 (<< {major}.{minor + 1})"]
    if libc := _libc(wheels, compiled):
        depends.append(libc)
    depends += libraries
    if project.serves:
        emperor, vassal = emperors.of(project), vassals.of(project, target)
        depends += sorted(["nginx", *emperor.depends, *vassal.depends])
    depends += project.depends
    account.check_dependencies(project, depends)
    return Control(
        package=project.package,
        version=version,
        architecture=target.architecture,
        maintainer=project.maintainer,
        # Policy section 3.4.1: no article at the start
        synopsis=re.sub(r"^(an?|the)\s+", "", project.description, flags=re.IGNORECASE),
        description=_description(project),
        depends=tuple(depends),
        section="web" if project.serves else "utils",
        homepage=project.homepage,
    )


def _libc(wheels: Sequence[Wheel], compiled: Iterable[Elf]) -> str:
    """Return the dependency on the C library; empty if ``wheels`` are pure, and nothing is ``compiled``.

    A wheel's tag names the oldest glibc that it runs with (PEP 600). For any other file, its symbols name
    it. A statically linked file needs no glibc.
    """
    tagged = [wheel.filename for wheel in wheels if not is_pure(wheel)]
    dynamic = [file for file in compiled if file.glibc or file.interpreter or file.needed]
    if not tagged and not dynamic:
        return ""
    oldest = [
        min(
            ((2, _LEGACY.get(found[1]) or int(found[2])) for found in _GLIBC.finditer(name)), default=(2, 0)
        )
        for name in tagged
    ]
    newest = max(
        [*oldest, *(tuple(map(int, file.glibc.split("."))) for file in dynamic if file.glibc)],
        default=(2, 0),
    )
    return f"libc6 (>= {'.'.join(map(str, newest))})" if newest > (2, 0) else "libc6"


def is_pure(wheel: Wheel) -> bool:
    """Return whether the tag of ``wheel`` allows any machine."""
    return wheel.filename.endswith("-any.whl")


def _description(project: Project) -> str:
    what = "Its commands run in a virtual environment that holds the Python packages they need."
    if project.serves:
        how = "It runs under uWSGI" if project.wsgi else "Its web server runs"
        what = (
            f"{how} as a service of its own, behind an nginx site, with the Python packages that "
            "it needs in a virtual environment."
        )
    whole = project.long_description
    paragraphs = [what] if whole.rstrip(" .") == project.description else [whole, what]
    return "\n\n".join(textwrap.fill(paragraph, _COLUMNS) for paragraph in paragraphs)
