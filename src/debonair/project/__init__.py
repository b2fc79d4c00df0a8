"""The author's settings and files become a ``Project``."""

from __future__ import annotations

from debonair.project.load import load, of
from debonair.project.model import Project

__all__ = ["Project", "load", "of"]
