"""From a user's input to the place of a repository: a folder, a bucket, or a folder of another machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from debonair.errors import RepositoryError
from debonair.host.terminal import line
from debonair.repository.storage.folder import Folder
from debonair.repository.storage.protocol import Storage

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_ON_HOST = re.compile(r"[^/:]+:")
_BUCKETS = ("s3", "gs", "az")


def storage(where: str, environ: Mapping[str, str], *, clock: Callable[[], int]) -> Storage:
    """Return the storage at ``where``; nothing is read yet.

    A path is a folder. ``host:path`` is on another machine, as for rsync and scp, unless a slash comes
    before the colon. Anything else is a URL. Raises ``RepositoryError`` for a URL that cannot be written
    to.
    """
    found = _SCHEME.match(_utf8(where))
    scheme = found[1].lower() if found else ""
    if scheme in _BUCKETS:
        from debonair.repository.storage import bucket  # noqa: PLC0415 - a folder needs neither

        return bucket.open_(where, environ, clock=clock)
    if scheme == "ssh" or (not scheme and _ON_HOST.match(where)):
        from debonair.repository.storage import ssh  # noqa: PLC0415 - as above

        return ssh.open_(where)
    if scheme:
        raise RepositoryError(
            f"{where} is not a place where a repository can be written.",
            hint="Use a folder, host:path, ssh://host/path, s3://bucket, gs://bucket or az://container. "
            "The address for clients belongs in 'debonair repo init --url'.",
        )
    return Folder(Path(where))


def identity(where: str) -> str:
    """Return the name of the repository at ``where`` in the pins: the same for each way to type it.

    Raises ``RepositoryError`` if the name, or a folder above it, is not UTF-8.
    """
    found = _SCHEME.match(where)
    if found:
        return _utf8(f"{found[1].lower()}://{where[found.end() :].rstrip('/')}")
    if _ON_HOST.match(where):
        host, _, path = where.partition(":")
        path = path.removeprefix("~/").rstrip("/")
        return _utf8(f"ssh://{host}{path}" if path.startswith("/") else f"ssh://{host}/~/{path}")
    return _utf8(str(Path(where).resolve()))


def folder(where: str) -> Path:
    """Return the folder at ``where``. Raises ``RepositoryError`` if it is not on this machine."""
    if _SCHEME.match(where) or _ON_HOST.match(where):
        raise RepositoryError(
            f"{where} is not a folder on this machine.",
            hint="Debonair serves only folders. Serve other places by a web server, or by the bucket "
            "itself.",
        )
    return Path(where)


def _utf8(where: str) -> str:
    """Return ``where``, or raise ``RepositoryError`` if it has a byte that is not UTF-8."""
    try:
        where.encode()
    except UnicodeEncodeError:
        raise RepositoryError(
            f"The name of the repository's folder is not UTF-8: '{line(where)}'.",
            hint="Rename the folder, or the folder above it that has this name.",
        ) from None
    return where
