"""The files of a virtual environment before any package is installed (PEP 405)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debonair.deb.tree import Source
from debonair.project import layout

if TYPE_CHECKING:
    from debonair.target import Target


def skeleton(package: str, target: Target, *, system_site_packages: bool, mtime: int) -> list[Source]:
    """Return the files of the venv of ``package`` before any package is installed (PEP 405)."""
    root = f"{layout.dist(package)}/venv"
    settings = {
        "home": "/usr/bin",
        "include-system-site-packages": str(system_site_packages).lower(),
        "version": target.python_full,
        "executable": f"/usr/bin/python{target.python}",
    }
    text = "".join(f"{key} = {value}\n" for key, value in settings.items())
    return [
        Source.file(f"{root}/pyvenv.cfg", text.encode(), mtime=mtime),
        Source.link(f"{root}/bin/python{target.python}", f"/usr/bin/python{target.python}", mtime=mtime),
        Source.link(f"{root}/bin/python3", f"python{target.python}", mtime=mtime),
        Source.link(f"{root}/bin/python", "python3", mtime=mtime),
    ]
