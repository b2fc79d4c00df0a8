"""Stand-ins for packages that only Raspberry Pi OS has, so that a trial can install an app that needs them.

They exist only in the Debian of a trial. A name that is not in ``packaging/trial/packages.toml``, such
as a typo, has none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.debian.rootfs.machine import Machine
from debonair.host import decoder
from debonair.host.clock import OLDEST
from debonair.resources import resource

DROP_IN = "/etc/systemd/system/service.d/debonair-try.conf"
_FOLDER = "packaging/trial"
_MODULES = "usr/lib/python3/dist-packages"
_VERSION = "9999-standin"
"""The version of each stand-in, which satisfies the usual ``>=``."""


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A package of Raspberry Pi OS, and the parts of it that a stand-in has."""

    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    """The suites of Debian that lack it; empty for all."""
    provides: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    packages: dict[str, Package]
    needed_by: dict[str, tuple[str, ...]]


def needed(depends: Iterable[str], suite: str) -> list[str]:
    """Return the names of the stand-ins for a deb with ``depends`` on Debian's ``suite``, sorted.

    ``depends`` are its fields Depends and Pre-Depends. If one of several alternatives may exist in Debian,
    none of them needs a stand-in.
    """
    table = _table()

    def lacking(name: str) -> bool:
        package = table.packages.get(name)
        return package is not None and (not package.suites or suite in package.suites)

    found = set[str]()
    for clause in (clause for field in depends for clause in field.split(",")):
        names = [re.split(r"[\s(:\[]", name.strip(), maxsplit=1)[0] for name in clause.split("|")]
        for name in filter(None, names):
            found |= set(filter(lacking, table.needed_by.get(name, ())))
        if all(map(lacking, names)):
            found.add(names[0])
    provided = {other for name in found for other in table.packages[name].provides}
    return sorted(found - provided)


def debs(names: Iterable[str], folder: Path) -> list[Path]:
    """Write a deb for each of ``names`` into ``folder``, and return their paths."""
    packages, written = _table().packages, []
    for name in names:
        path = folder / f"{name}_{_VERSION}_all.deb"
        path.write_bytes(_deb(name, packages[name]))
        written.append(path)
    return written


def settle(machine: Machine) -> None:
    """Configure the services of ``machine`` so that libraries of the board work without one."""
    machine.write(DROP_IN, resource(f"{_FOLDER}/try.conf").read_bytes())


def notes(stand_ins: Iterable[str], release: Mapping[str, object]) -> Iterator[str]:
    """Yield what to print about the ``stand_ins`` and the missing board of an installed ``release``."""
    for name in stand_ins:
        yield f"{name} is a package of Raspberry Pi OS. A stand-in without a function takes its place here."
    hardware = release.get("hardware")
    if isinstance(hardware, list) and "gpio" in hardware:
        yield "There are no pins here. gpiozero uses mock pins (GPIOZERO_PIN_FACTORY=mock)."


def _deb(name: str, package: Package) -> bytes:
    mtime = OLDEST
    files = [Source.file(path, data, mtime=mtime, mode=mode) for path, data, mode in _files(package)]
    control = Control(
        package=name,
        version=_VERSION,
        architecture="all",
        maintainer="Debonair <debonair@example.org>",
        synopsis="stand-in of 'debonair try' without a function",
        description=f"It takes the place of {name} of Raspberry Pi OS.\n"
        "It opens no hardware, and exists only in a trial.",
        depends=package.depends,
        extra={"Provides": ", ".join(f"{other} (= {_VERSION})" for other in package.provides)}
        if package.provides
        else {},
    )
    return archive.write(control, tree.assemble([tree.layer(name, files)], mtime=mtime), {}, mtime=mtime)


def _files(package: Package) -> Iterator[tuple[str, bytes, int]]:
    """Yield path, content and mode of each file of a stand-in."""
    own = {path.name: path.read_bytes() for path in resource(_FOLDER).iterdir() if path.suffix == ".py"}
    paths = dict[str, bytes]()
    for module in package.modules:
        parts = module.split(".")
        for length in range(1, len(parts)):
            paths.setdefault(f"{'/'.join(parts[:length])}/__init__.py", b"")
        paths[f"{'/'.join(parts)}/__init__.py"] = own.get(f"{module}.py", own["module.py"])
    for path, data in paths.items():
        yield f"{_MODULES}/{path}", data, 0o644
    for program in package.programs:
        yield f"usr/bin/{program}", resource(f"{_FOLDER}/program.sh").read_bytes(), 0o755


def _table() -> _Table:
    return decoder.converted(tomllib.loads(resource(f"{_FOLDER}/packages.toml").read_text()), _Table)
