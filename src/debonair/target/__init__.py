"""Where a package will run: suites, boards, and what compiled code asks of them."""

from __future__ import annotations

from debonair.target.model import Target, load, names, of

__all__ = ["Target", "load", "names", "of"]
