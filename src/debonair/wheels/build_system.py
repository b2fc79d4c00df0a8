"""The build settings of an sdist: the ``[build-system]`` of its ``pyproject.toml`` (PEP 517, PEP 518)."""

from __future__ import annotations

import lzma
import tarfile
import tomllib
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import msgspec

from debonair.errors import WheelError
from debonair.host import decoder
from debonair.project import pyproject, reader

_DAMAGE = (
    EOFError,
    KeyError,  # tarfile's error for a link without a target
    OSError,
    RuntimeError,  # zipfile's error for an encrypted member or an unknown compression
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors of the readers for an sdist that is damaged or incomplete."""


class Backend(msgspec.Struct, frozen=True, rename="kebab"):
    """The table ``[build-system]``, with the defaults of PEP 517."""

    requires: tuple[str, ...] = ("setuptools>=40.8.0",)
    build_backend: str = "setuptools.build_meta:__legacy__"
    backend_path: tuple[str, ...] = ()


def read(sdist: Path) -> Backend:
    """Return the build settings of the file ``sdist``. Raises ``WheelError`` if the file is damaged."""
    try:
        table = tomllib.loads(_pyproject(sdist).decode()).get("build-system", {})
        return decoder.converted(table, Backend)
    except _DAMAGE as wrong:
        raise WheelError(
            f"{sdist.name} is not a valid sdist: {wrong}.",
            hint="Lock another version of it, and report this to its authors.",
        ) from wrong


def of(root: Path) -> Backend:
    """Return the build settings of the project in the folder ``root``.

    Raises ``ProjectError`` if its pyproject.toml cannot be read, or if a setting has the wrong type.
    """
    path = root / "pyproject.toml"
    if not reader.is_file(path):
        return Backend()
    tables = reader.toml(path, root)
    pyproject.check(tables, path)
    return decoder.converted(tables.get("build-system", {}), Backend)


def _pyproject(sdist: Path) -> bytes:
    """Return the sdist's ``pyproject.toml``; empty if it does not have one."""
    if zipfile.is_zipfile(sdist):
        with zipfile.ZipFile(sdist) as archive:
            names = [name for name in archive.namelist() if _is_pyproject(name)]
            return archive.read(names[0]) if names else b""
    with tarfile.open(sdist) as archive:
        for member in archive:
            if _is_pyproject(member.name) and (file := archive.extractfile(member)):
                return file.read()
    return b""


def _is_pyproject(name: str) -> bool:
    """Tell whether a member is the file beside PKG-INFO, in the top folder of the sdist."""
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[1] == "pyproject.toml"
