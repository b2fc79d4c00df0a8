"""The target of a package: suites, boards, and the requirements of compiled files."""

from __future__ import annotations

from debonair.target.model import Target, load, names, of
from debonair.target.suite import Suite, suites

__all__ = ["Suite", "Target", "load", "names", "of", "suites"]
