"""Who makes packages on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from debonair.errors import MachineError
from debonair.run import Completed, run

PERSON = re.compile(r"[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>")
"""A name and a mail address, as the field Maintainer has them (Policy section 5.6.2)."""
_GIT = ("user.name", "user.email")


def of(root: Path, environ: Mapping[str, str], *, runner: Callable[..., Completed] = run) -> str:
    """Return the name and mail address of who makes packages in the folder ``root``; empty if nobody says.

    It is who commits there by git's configuration, else who DEBFULLNAME and DEBEMAIL name (debchange(1)).
    """
    try:
        asked = [runner(["git", "config", "--get", key], cwd=root, check=False) for key in _GIT]
        name, mail = (done.stdout.strip() for done in asked)
    except MachineError:
        name = mail = ""
    told = f"{environ.get('DEBFULLNAME', '')} <{environ.get('DEBEMAIL', '')}>"
    return next((text for text in (f"{name} <{mail}>", told) if PERSON.fullmatch(text)), "")
