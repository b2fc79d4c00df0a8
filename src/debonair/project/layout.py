"""The places of an application's files on the Pi.

Paths without a leading slash are inside the package, where dpkg unpacks them. Paths with a slash are used
at run time. The two differ in one word: dpkg unpacks into ``dist``, but running processes use ``current``.
So a release can be switched by moving one link.
"""

from __future__ import annotations


def dist(package: str) -> str:
    """Return the folder that dpkg unpacks, with the files of this version."""
    return f"usr/lib/{package}/dist"


def current(package: str) -> str:
    """Return the absolute path of the running release."""
    return f"/usr/lib/{package}/current"


def site_packages(python: str) -> str:
    """Return the folder of modules inside a venv, for ``python`` such as ``3.13``."""
    return f"lib/python{python}/site-packages"
