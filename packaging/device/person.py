"""The person who types the command of the app: their rights, and the refusal of a request."""

from __future__ import annotations

import os

from release import Home


class RequestError(Exception):
    """A request that is not possible; the message explains why, and what to type instead."""


def root_only(home: Home, what: str) -> None:
    """Refuse users other than root."""
    if os.geteuid() != 0:
        raise RequestError(f"this needs root: sudo {home.package} {what}")


def sudo() -> str:
    """Return the prefix of a command that needs root."""
    return "" if os.geteuid() == 0 else "sudo "
