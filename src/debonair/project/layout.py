"""Where things of an application lie on the Pi.

Paths without a leading slash are those of the package (what dpkg unpacks); paths with one are those that
are used while it runs. The two differ in one word: dpkg unpacks into ``dist``, and whatever runs goes
through ``current``, so that a release can be switched by moving one link.
"""

from __future__ import annotations


def dist(package: str) -> str:
    """Return the folder of what dpkg unpacks: this version's files."""
    return f"usr/lib/{package}/dist"


def current(package: str) -> str:
    """Return the absolute path by which the running release is reached."""
    return f"/usr/lib/{package}/current"


def site_packages(python: str) -> str:
    """Return the folder of modules inside a venv, for ``python`` such as ``3.13``."""
    return f"lib/python{python}/site-packages"
