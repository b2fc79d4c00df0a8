"""Where a package will run: a suite and a cpu, as data in ``packaging/targets/*.toml``."""

from __future__ import annotations

import difflib
import tomllib
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
    """``trixie-arm64``: the file's name."""
    suite: str
    debian_release: int
    released: bool = True
    """Whether that release is out."""
    architecture: str
    """Debian's name: ``arm64``, ``armhf``, ``amd64``."""
    variant: str = ""
    """What a version carries behind the suite where two targets share an architecture: ``armv6``."""
    multiarch: str
    """The GNU triplet that Debian's library folders are named by."""
    instruction_set: str
    """The least that the cpu knows."""
    elf_machine: str
    """``e_machine`` of the ELF files that run there (elf(5))."""
    interpreter: str
    """The dynamic linker that its programs ask for (ld.so(8))."""
    glibc: str
    python: str
    """The minor version of the suite's python3: ``3.13``."""
    python_full: str
    """The version that the suite was released with, for ``python_full_version`` in markers."""
    uwsgi_below: str = ""
    """The version of Debian's uWSGI that has a plugin for the next Python; empty if none is known."""
    machine: str
    """What ``platform.machine()`` returns."""
    wheel_machines: tuple[str, ...]
    """The machines named in the platform tags of wheels that run there, best first."""
    extra_indexes: tuple[str, ...] = ()
    """Indexes (PEP 503) that a lock has wheels from where the primary one has none."""

    @property
    def python_version(self) -> tuple[int, int]:
        """Return ``python`` as numbers."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    def platforms(self) -> list[str]:
        """Return the platform tags of wheels that run there, best first (PEP 600)."""
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
        """Return the tags of wheels that run there, best first (PEP 425)."""
        from packaging import tags  # noqa: PLC0415 - a warm build needs no tags

        major, minor = self.python_version
        platforms = self.platforms()
        return [
            *tags.cpython_tags((major, minor), platforms=platforms, abis=[f"cp{major}{minor}"]),
            *tags.compatible_tags((major, minor), f"cp{major}{minor}", platforms),
        ]

    def markers(self) -> dict[str, str]:
        """Return the environment in which dependency markers are evaluated for it (PEP 508)."""
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
    """Return the target that a machine of ``suite`` and Debian's ``architecture`` is, None if none is."""
    every = (load(name) for name in names())
    meant = (suite, architecture, "")
    return next((each for each in every if (each.suite, each.architecture, each.variant) == meant), None)


def load(name: str) -> Target:
    """Return the target ``name``. Raises ``TargetError`` if there is none of that name."""
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        close.sort(key=lambda other: sorted(other) != sorted(name))  # two letters that changed places
        raise TargetError(
            f"There is no target '{name}'.",
            hint=(f"Did you mean '{close[0]}'? " if close else "")
            + "'debonair targets' lists them: "
            + ", ".join(known)
            + ".",
        )
    table = tomllib.loads(resource(f"packaging/targets/{name}.toml").read_text())
    return decoder.converted({"name": name, **table}, Target)
