"""The right of nginx to connect to a socket: the modes of the socket and of its folder."""

from __future__ import annotations

import grp
import os
import stat
from contextlib import suppress
from pathlib import Path


def open_to_nginx(path: Path) -> bool:
    """Return whether nginx may connect to the socket: its folder must belong to nginx's group.

    The app may change the rights of both, at any time.
    """
    found, folder = path.lstat(), path.parent.lstat()
    if not stat.S_ISSOCK(found.st_mode) or _has_acl(path.parent) or _has_acl(path):
        return False
    nginx = _group_of_nginx(folder.st_gid)

    def may(entry: os.stat_result, group: int, others: int) -> bool:
        return bool(entry.st_mode & (group if entry.st_gid == nginx else others))

    return may(folder, stat.S_IXGRP, stat.S_IXOTH) and may(found, stat.S_IWGRP, stat.S_IWOTH)


def _has_acl(path: Path) -> bool:
    """Return whether ``path`` has an access control list, which may deny what its mode allows; acl(5)."""
    with suppress(OSError):  # the file system does not support them
        return any(
            name.startswith("system.posix_acl") for name in os.listxattr(path, follow_symlinks=False)
        )
    return False


def _group_of_nginx(otherwise: int) -> int:
    """Return the id of the group www-data; ``otherwise`` if it is missing, as it is without nginx."""
    try:
        return grp.getgrnam("www-data").gr_gid
    except KeyError:
        return otherwise
