"""The build settings of an sdist: the ``[build-system]`` of its ``pyproject.toml`` (PEP 517, PEP 518)."""

from __future__ import annotations

import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import msgspec

from debonair.errors import WheelError, unreadable
from debonair.host import decoder
from debonair.project import pyproject, reader

_MOST = reader.MOST  # bytes of a pyproject.toml


class Backend(msgspec.Struct, frozen=True, rename="kebab"):
    """The table ``[build-system]``, with the defaults of PEP 517."""

    requires: tuple[str, ...] = ("setuptools>=40.8.0",)
    build_backend: str = "setuptools.build_meta:__legacy__"
    backend_path: tuple[str, ...] = ()


def read(sdist: Path) -> Backend:
    """Return the build settings of the file ``sdist``. Raises ``WheelError`` if the file is damaged."""
    with unreadable(
        WheelError,
        f"{sdist.name} is not a valid sdist",
        "Lock another version of it, and report this to its authors.",
    ):
        data = _pyproject(sdist)
        if len(data) > _MOST:
            raise ValueError(f"its pyproject.toml is larger than {_MOST >> 10} KiB")
        return decoder.converted(tomllib.loads(data.decode()).get("build-system", {}), Backend)


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
            if not names:
                return b""
            with archive.open(names[0]) as packed:
                return packed.read(_MOST + 1)
    with tarfile.open(sdist) as archive:
        for member in archive:
            if _is_pyproject(member.name) and (file := archive.extractfile(member)):
                return file.read(_MOST + 1)
    return b""


def _is_pyproject(name: str) -> bool:
    """Tell whether a member is the file beside PKG-INFO, in the top folder of the sdist."""
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[1] == "pyproject.toml"
