"""A project's requirements become a ``Lock``: exact versions with the hashes of their files."""

from __future__ import annotations

from debonair.lock.ensure import ensure, find, write
from debonair.lock.model import Lock

__all__ = ["Lock", "ensure", "find", "write"]
