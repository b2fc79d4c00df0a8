"""The names of Python packages."""

from __future__ import annotations

import re


def normalised(name: str) -> str:
    """Return the ``name`` of a Python package in the form that is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
