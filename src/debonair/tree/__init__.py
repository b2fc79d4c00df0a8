"""Wheels and the app become the files of the package: a ``Plan``."""

from __future__ import annotations

from debonair.tree.model import Plan
from debonair.tree.plan import plan

__all__ = ["Plan", "plan"]
