"""Where Debonair's own data files are: templates, units, sites, targets.

In a wheel they lie inside the package, in ``debonair/data``; in a checkout (an editable install sees no
package data mapped from top-level folders) they are the top-level folders themselves. The package is
looked at first.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parents[2]


def resource(path: str) -> Path:
    """Return the file or folder ``path``, such as ``packaging/defaults.toml``.

    Raises ``FileNotFoundError`` if Debonair was installed without it, which is a defect of the install.
    """
    for base in (_PACKAGE, _CHECKOUT):
        if (found := base / path).exists():
            return found
    raise FileNotFoundError(path)
