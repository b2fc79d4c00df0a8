"""Unpack a wheel into a virtual environment at its final place, without running its code.

PyPA's ``installer`` unpacks it (the binary distribution format, PEP 427; RECORD, PEP 376), with the
interpreter and the paths of the target. A warm build unpacks nothing and does not import this module.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from base64 import urlsafe_b64encode
from calendar import timegm
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from installer import install
from installer.destinations import WheelDestination
from installer.records import Hash, RecordEntry
from installer.sources import WheelFile
from installer.utils import Scheme, construct_record_file

from debonair.deb.tree import Source, check_path
from debonair.errors import PackageError, WheelError, unreadable
from debonair.host.clock import OLDEST
from debonair.project import layout
from debonair.wheels import bytecode
from debonair.wheels.archive import HINT, MOST_COMMANDS, Archive, content

if TYPE_CHECKING:
    from installer.scripts import ScriptSection
    from installer.sources import WheelContentElement

    from debonair.debian.interpreter import Interpreter
    from debonair.target import Target
    from debonair.wheels.model import Wheel


def unpack(wheel: Wheel, package: str, target: Target, interpreter: Interpreter | None) -> list[Source]:
    """Return the files of ``wheel`` at their places in the venv of ``package``, bytecode included.

    All files have the time of the wheel's newest file and do not depend on the application's version. So
    their bytes are the same in its next release. Without an ``interpreter`` there is no bytecode. Raises
    ``WheelError`` if the wheel is malformed or has entries that leave the venv.
    """
    destination = _Venv(wheel.filename, package, target, interpreter)
    try:
        with (
            unreadable(WheelError, f"{wheel.filename} is not an installable wheel", HINT),
            Archive(wheel.path) as archive,
        ):
            source = _Source(archive)
            destination.name = source.distribution
            install(source, destination, {"INSTALLER": b"debonair\n"})
        return destination.sources(mtime=newest(wheel.path))
    except PackageError as wrong:
        raise WheelError(wrong.message, wrong.hint) from None


_SHEBANG = b"""\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python3" "$0" "$@"
' '''
"""
"""The first lines of a command. For the shell, they start the interpreter of the venv that contains the
command. For Python, they are a string. So a release's commands never run another release's code."""

_COMMAND = """\
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({attr}())
"""
"""The text of the command for an entry point. ``installer`` has its own, which may change with its version.
"""


class _Source(WheelFile):
    """A wheel without the bytecode that it may contain: some other Python compiled that elsewhere."""

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Return the members of the wheel: its record, its stream, and whether it is executable."""
        for element in super().get_contents():
            if "__pycache__" not in element[0][0].split("/"):
                yield element


class _Venv(WheelDestination):
    """The destination that ``installer`` writes to: a list of files in memory."""

    def __init__(
        self, filename: str, package: str, target: Target, interpreter: Interpreter | None
    ) -> None:
        self.filename = filename
        """The name of the wheel in errors."""
        self.root = f"{layout.dist(package)}/venv"
        self.running = f"{layout.current(package)}/venv"
        self.target = target
        self.interpreter = interpreter
        self.name = ""
        """The name of the distribution, which is the name of the folder of its C headers."""
        self.files: dict[str, tuple[bytes, int]] = {}
        self.commands = 0

    def folder(self, scheme: Scheme) -> str:
        """Return the folder of a scheme inside the venv (sysconfig's ``posix_prefix``)."""
        modules = layout.site_packages(self.target.python)
        return {
            "purelib": modules,
            "platlib": modules,
            "scripts": "bin",
            "headers": f"include/site/python{self.target.python}/{self.name}",
            "data": "",
        }[scheme]

    def write_script(self, name: str, module: str, attr: str, section: ScriptSection) -> RecordEntry:
        """Write the command that an entry point declares."""
        self.commands += 1
        if self.commands > MOST_COMMANDS:
            raise PackageError(f"{self.filename} has more than {MOST_COMMANDS} commands.", hint=HINT)
        text = _COMMAND.format(module=module, attr=attr, name=attr.partition(".")[0])
        return self.add(Scheme("scripts"), name, _SHEBANG + text.encode(), 0o755)

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001 - installer's protocol
    ) -> RecordEntry:
        """Write a file of the wheel."""
        data = content(stream)
        if scheme == "scripts" and data.startswith(b"#!python"):
            data = _SHEBANG + data.partition(b"\n")[2]
        executable = is_executable or scheme == "scripts"
        return self.add(scheme, os.fspath(path), data, 0o755 if executable else 0o644)

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Compile the bytecode, and write RECORD with an entry for every file."""
        base = self.folder(scheme)
        rows = []
        for place, record in records:
            path = posixpath.join(self.folder(place), record.path)
            rows.append((scheme, RecordEntry(posixpath.relpath(path, base), record.hash_, record.size)))
        rows += [
            (scheme, RecordEntry(posixpath.relpath(path, base), None, None)) for path in self.add_bytecode()
        ]
        rows.sort(key=lambda row: row[1].path)
        data = construct_record_file(rows).read()
        self.put(posixpath.join(base, record_file_path), data, 0o644)

    def add_bytecode(self) -> list[str]:
        """Add the bytecode of every module, and return its paths inside the venv."""
        if self.interpreter is None:
            return []
        modules = {
            f"{self.running}/{path}": (path, data)
            for path, (data, _) in sorted(self.files.items())
            if path.endswith(".py") and path.startswith("lib/")
        }
        found = bytecode.compiled(((run, data) for run, (_, data) in modules.items()), self.interpreter)
        paths = []
        for run, data in found.items():
            path = bytecode.cache_path(modules[run][0], self.target.python)
            self.put(path, data, 0o644)
            paths.append(path)
        return paths

    def add(self, scheme: Scheme, path: str, data: bytes, mode: int) -> RecordEntry:
        """Keep a file of a scheme, and return its entry for RECORD."""
        check_path(self.filename, path)
        self.put(posixpath.join(self.folder(scheme), path), data, mode)
        digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return RecordEntry(path, Hash("sha256", digest), len(data))

    def put(self, path: str, data: bytes, mode: int) -> None:
        """Keep a file at a path inside the venv. Raises ``PackageError`` if the path is already taken."""
        if path in self.files:
            raise PackageError(
                f"{self.filename} has '{path}' twice.",
                hint="Lock another version of it, and report this to its authors.",
            )
        self.files[path] = (data, mode)

    def sources(self, *, mtime: int) -> list[Source]:
        """Return all files at their places in the package."""
        return [
            Source.file(f"{self.root}/{path}", data, mode=mode, mtime=mtime)
            for path, (data, mode) in self.files.items()
        ]


def newest(path: Path) -> int:
    """Return the newest time in the wheel ``path``, in seconds since the epoch; some tools invent one.

    Raises ``WheelError`` if it cannot be read.
    """
    with Archive(path) as archive:
        latest = max((info.date_time for info in archive.infolist()), default=(1980, 1, 1, 0, 0, 0))
    year, month, day, *clock = latest
    # Some wheels have no dates, or only 1980.
    return max(OLDEST, timegm((year, max(month, 1), max(day, 1), *clock, 0, 0, 0)))
