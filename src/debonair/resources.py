"""Where Debonair's own data files are: templates, units, sites, targets.

A wheel has them inside the package, in ``debonair/data``. A checkout has them in its top-level folders,
because an editable install does not map those into the package. The package is searched first.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parents[2]


def resource(path: str) -> Path:
    """Return the file or folder ``path``, such as ``packaging/defaults.toml``.

    Raises ``FileNotFoundError`` if Debonair was installed without it, which is a defect of the
    installation.
    """
    for base in (_PACKAGE, _CHECKOUT):
        if (found := base / path).exists():
            return found
    raise FileNotFoundError(path)
