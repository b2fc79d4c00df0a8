"""The rights of this process, which decide how it can run a Debian."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_SYS_CHROOT = 18
_SYS_ADMIN = 21


@dataclass(frozen=True, slots=True)
class Privilege:
    """The rights of this process: root or not, and its real capabilities; capabilities(7)."""

    root: bool
    mounts: bool
    """May mount and create namespaces: as root, CAP_SYS_ADMIN; as a user, a user namespace."""
    chroots: bool
    """May change its root folder: as root, CAP_SYS_CHROOT; as a user, in a user namespace."""

    @classmethod
    def here(cls, proc: Path = Path("/proc")) -> Privilege:
        """Return the privilege of this process, read below ``proc``."""
        if os.geteuid():
            return cls(root=False, mounts=True, chroots=True)
        effective = 0
        for line in (proc / "self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                effective = int(line.split()[1], 16)
        return cls(
            root=True, mounts=bool(effective >> _SYS_ADMIN & 1), chroots=bool(effective >> _SYS_CHROOT & 1)
        )
