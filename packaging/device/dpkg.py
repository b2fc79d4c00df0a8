"""The state of the package in dpkg, which an interruption leaves half installed (dpkg-query(1))."""

from __future__ import annotations

import call
from person import sudo


def is_unpacked(package: str) -> bool:
    """Return whether dpkg has unpacked all of ``package``; also if it cannot tell."""
    state, flag = _state(package)
    return not (state in {"half-installed", "not-installed"} or "reinst" in flag)


def problem(package: str) -> str:
    """Return how dpkg was interrupted with ``package``, and what to type; empty if it has finished."""
    state, flag = _state(package)
    if not is_unpacked(package):
        return f"dpkg has not unpacked all of {package} ({state}). {install_again(package)}"
    if state in {"unpacked", "half-configured"} and flag == "ok":
        return f"dpkg has not finished the installation ({state}): {sudo()}dpkg --configure -a"
    return ""


def is_before(one: str, other: str) -> bool:
    """Return whether the version ``one`` is earlier than ``other`` (deb-version(7))."""
    return call.call("dpkg", "--compare-versions", one, "lt", other)[0] == 0


def install_again(package: str) -> str:
    """Return the sentence that explains how to unpack all of ``package``."""
    return (
        f"Install its deb again first: {sudo()}apt install ./DEB, or, from a repository, "
        f"{sudo()}apt install --reinstall {package}"
    )


def _state(package: str) -> tuple[str, str]:
    """Return the status and the error flag, such as ``installed`` and ``ok``; empty if unknown."""
    words = ("dpkg-query", "-W", "-f", "${db:Status-Status} ${db:Status-Eflag}", package)
    status, output = call.call(*words)
    state, _, flag = output.strip().partition(" ")
    return ("", "") if status else (state, flag)
