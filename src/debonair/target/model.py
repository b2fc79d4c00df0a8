"""The target of a package: a suite and a cpu, as data in ``packaging/targets/*.toml``."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair.errors import TargetError
from debonair.host import decoder
from debonair.resources import resource

if TYPE_CHECKING:
    from packaging.tags import Tag

_OLDEST_MANYLINUX = 17  # manylinux_2_17, once called manylinux2014 (PEP 600)
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A suite of Debian on a cpu."""

    name: str
    """The name of the target's file: ``trixie-arm64``."""
    suite: str
    debian_release: int
    released: bool = True
    """True if this Debian release is published."""
    architecture: str
    """Debian's name of the architecture: ``arm64``, ``armhf``, ``amd64``."""
    variant: str = ""
    """The suffix of a package's version after the suite, for targets that share an architecture: ``armv6``.
    """
    multiarch: str
    """The GNU triplet in the names of Debian's library folders."""
    instruction_set: str
    """The oldest instruction set among the cpus of this target."""
    elf_machine: str
    """The ``e_machine`` of ELF files that run on this target (elf(5))."""
    interpreter: str
    """The dynamic linker that programs for this target require (ld.so(8))."""
    glibc: str
    python: str
    """The minor version of the suite's python3: ``3.13``."""
    python_full: str
    """The Python version with which the suite was released, for ``python_full_version`` in markers."""
    uwsgi_below: str = ""
    """The first version of Debian's uWSGI with a plugin for the next Python; empty if it is not known yet.
    """
    machine: str
    """The value of ``platform.machine()`` on this target."""
    wheel_machines: tuple[str, ...]
    """The machines in the platform tags of wheels that run on this target, best first."""
    extra_indexes: tuple[str, ...] = ()
    """Indexes (PEP 503) that provide wheels for a lock if the primary index has none."""

    @property
    def python_version(self) -> tuple[int, int]:
        """Return ``python`` as two numbers."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    def platforms(self) -> list[str]:
        """Return the platform tags of wheels that run on this target, best first (PEP 600)."""
        newest = int(self.glibc.split(".")[1])
        found = []
        for machine in self.wheel_machines:
            oldest = 5 if machine == "x86_64" else _OLDEST_MANYLINUX
            for minor in range(newest, oldest - 1, -1):
                found.append(f"manylinux_2_{minor}_{machine}")
                if minor in _LEGACY:
                    found.append(f"{_LEGACY[minor]}_{machine}")
            found.append(f"linux_{machine}")
        return found

    def tags(self) -> list[Tag]:
        """Return the tags of wheels that run on this target, best first (PEP 425)."""
        from packaging import tags  # noqa: PLC0415 - a warm build does not need tags

        major, minor = self.python_version
        platforms = self.platforms()
        return [
            *tags.cpython_tags((major, minor), platforms=platforms, abis=[f"cp{major}{minor}"]),
            *tags.compatible_tags((major, minor), f"cp{major}{minor}", platforms),
        ]

    def markers(self) -> dict[str, str]:
        """Return the environment in which dependency markers are evaluated for this target (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python_full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python_full,
            "python_version": self.python,
            "sys_platform": "linux",
        }


def names() -> list[str]:
    """Return the names of all targets, sorted."""
    return sorted(path.stem for path in resource("packaging/targets").glob("*.toml"))


def of(suite: str, architecture: str) -> Target | None:
    """Return the target for a ``suite`` and a Debian ``architecture``; None if there is no such target."""
    every = (load(name) for name in names())
    key = (suite, architecture, "")
    return next((each for each in every if (each.suite, each.architecture, each.variant) == key), None)


def load(name: str) -> Target:
    """Return the target ``name``. Raises ``TargetError`` if no target has this name."""
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        # a name with swapped letters comes first
        close.sort(key=lambda other: sorted(other) != sorted(name))
        raise TargetError(
            f"There is no target '{name}'.",
            hint=(f"Did you mean '{close[0]}'? " if close else "")
            + "'debonair targets' lists them: "
            + ", ".join(known)
            + ".",
        )
    return _read(resource(f"packaging/targets/{name}.toml"))


@cache
def _read(path: Path) -> Target:
    table = tomllib.loads(path.read_text())
    return decoder.converted({"name": path.stem, **table}, Target)
