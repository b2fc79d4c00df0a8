"""Lock the packages that a build backend runs with (PEP 517), for an sdist or for the project.

The lock is beside the project's own, in ``pylock.build-NAME.toml``. It is created if it does not exist.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from debonair.errors import LockError
from debonair.host.cache import whole
from debonair.host.file_lock import making
from debonair.host.progress import say
from debonair.lock import pylock
from debonair.lock.model import Lock
from debonair.lock.sdist_metadata import Describe
from debonair.lock.uv import Uv
from debonair.project import reader

PYTHON = "3.11"
"""The oldest Python that Debonair itself supports: a lock for it works on any machine."""
ROUNDS = 3
"""The most rounds in which a backend may request packages (PEP 517, get_requires_for_build_wheel)."""


def path(folder: Path, name: str) -> Path:
    """Return the path in ``folder`` of the lock for building the distribution ``name``."""
    normalised = re.sub(r"[-_. ]+", "-", name).lower()  # PEP 503
    return folder / f"pylock.build-{normalised}.toml"


def locked(
    file: Path,
    requires: tuple[str, ...],
    python: str,
    environ: Mapping[str, str],
    *,
    locks: Path,
    describe: Describe,
) -> tuple[tuple[str, ...], Lock]:
    """Return the requirements of a build, with ``requires`` among them, and their lock, the file ``file``.

    The lock is created if it does not exist, or does not fit these requirements and ``python``, such as
    ``3.11``. ``locks`` is the cache's folder of file locks, with which parallel builds wait for each other.
    ``describe`` is that of ``Uv``. Raises the same errors as ``Uv.lock``.
    """
    name = file.name.removeprefix("pylock.build-").removesuffix(".toml")
    with making(locks / f"build-{name}"):
        previous = pylock.read(_read(file), file) if file.exists() else None
        record = previous.record if previous else None
        if (
            record is None
            or not {*requires} <= {*record.requirements}
            or not record.python
            or numbers(record.python) > numbers(python)
        ):
            if name:
                say(f"Resolving the build requirements of {name} into {file.name}...")
            record = pylock.Record(requires, python)
            data = Uv(file.parent, environ, describe).lock(requires, python, file)
            with whole(file) as temporary:
                temporary.write_bytes(pylock.recorded(pylock.relative(data, file.parent), record))
        data = _read(file)
    digest = hashlib.sha256(data).hexdigest()
    return record.requirements, Lock(pylock.read(data, file).packages, file, "pylock.toml", digest)


def _read(file: Path) -> bytes:
    return reader.data(file, file.parent, most=reader.MOST_OF_A_LOCK)


def restless(title: str, requires: tuple[str, ...]) -> LockError:
    """Return the error for a backend of ``title`` that requests packages without end, last ``requires``."""
    return LockError(
        f"The build backend of {title} keeps requesting more packages: {', '.join(requires)}.",
        hint="It does not conform to PEP 517. Lock another version of the package.",
    )


def check(filename: str, name: str, version: str) -> None:
    """Raise ``LockError`` unless ``filename``, chosen by a backend, is that of the expected wheel.

    The wheel must be of the distribution ``name`` in ``version``; an empty text allows any.
    """
    from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename  # noqa: PLC0415
    from packaging.version import Version  # noqa: PLC0415

    try:
        found, is_of, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        found = None
    if found is None or not filename.isprintable() or "/" in filename:
        raise LockError(f"Its build backend named the result {filename[:100]!a}, which is not a wheel.")
    if (name and found != canonicalize_name(name)) or (version and is_of != Version(version)):
        raise LockError(
            f"Its build backend built {filename[:100]}, which is another package or another version."
        )


def numbers(version: str) -> tuple[int, ...]:
    """Return the parts of a ``version`` such as ``3.11`` as numbers, for comparisons."""
    return tuple(int(part) for part in version.split("."))
