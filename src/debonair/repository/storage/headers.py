"""The HTTP headers of a file of a repository: its type, and how long a cache may keep it (RFC 9111)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_TYPES = {
    ".deb": "application/vnd.debian.binary-package",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".xz": "application/x-xz",
    ".gpg": "application/octet-stream",
}
_IMMUTABLE = re.compile(r"dists/.*/by-hash/|pool/|changelogs/|state/(?!head\.json)")


def content_type(path: str) -> str:
    """Return the Content-Type of the file at ``path`` below the repository's root."""
    return _TYPES.get(PurePosixPath(path).suffix, "text/plain; charset=utf-8")


def cache_control(path: str) -> str:
    """Return its Cache-Control: files that never change are kept permanently, others are revalidated."""
    return "max-age=31536000, immutable" if _IMMUTABLE.match(path) else "no-cache"
