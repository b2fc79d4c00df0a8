"""The person who types the command of the app: their rights, and the refusal of a request."""

from __future__ import annotations

import os
import shutil

from release import Home


class RequestError(Exception):
    """A request that is not possible; the message explains why, and what to type instead."""


def root_only(home: Home, what: str) -> None:
    """Refuse users other than root."""
    if os.geteuid() != 0:
        raise RequestError(f"this needs root: {sudo()}{home.package} {what}")


def sudo() -> str:
    """Return the prefix of a command that needs root.

    Root gets it too: who types ``sudo APP status`` is nobody's root for the next command. A root without
    the program sudo types commands as they are.
    """
    return "" if os.geteuid() == 0 and not _has_sudo() else "sudo "


def _has_sudo() -> bool:
    return shutil.which("sudo", path="/usr/bin:/bin:/usr/local/bin") is not None
