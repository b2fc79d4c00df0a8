"""A lock and a target become wheels: selected, fetched, built."""

from __future__ import annotations

from debonair.wheels.model import Wheel
from debonair.wheels.obtain import describe, obtain

__all__ = ["Wheel", "describe", "obtain"]
