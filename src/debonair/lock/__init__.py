"""A project's requirements become a ``Lock``: which versions, with which hashes."""

from __future__ import annotations

from debonair.lock.ensure import ensure, find, write
from debonair.lock.model import Lock

__all__ = ["Lock", "ensure", "find", "write"]
