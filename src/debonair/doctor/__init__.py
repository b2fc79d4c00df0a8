"""``debonair doctor``: what this machine can do, and what to type where it cannot."""

from __future__ import annotations

from debonair.doctor.examine import Finding, examine
from debonair.doctor.tasks import TASKS

__all__ = ["TASKS", "Finding", "examine"]
