"""Check that the compiled files of a package run on its target.

The tags of a wheel declare what it should run on. Only its files show what the compiler built.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair.deb import archive
from debonair.deb.reader import MOST_KEPT_ALL, Foreign
from debonair.deb.refusal import Stream, Unfit
from debonair.deb.version import release as version_release
from debonair.errors import PackageError, WheelError
from debonair.host import decoder
from debonair.target import alternatives, elf
from debonair.target.elf import Elf
from debonair.target.model import Target, load, names

_ARM = {
    0: "before ARMv4", 1: "ARMv4", 2: "ARMv4T", 3: "ARMv5T", 4: "ARMv5TE", 5: "ARMv5TEJ", 6: "ARMv6",
    7: "ARMv6KZ", 8: "ARMv6T2", 9: "ARMv6K", 10: "ARMv7", 11: "ARMv6-M", 12: "ARMv6S-M", 13: "ARMv7E-M",
    14: "ARMv8",
}  # fmt: skip
"""The names of the values of Tag_CPU_arch."""
_CALLED = {"armv6": "ARMv6", "armv7-a": "ARMv7"}
_ARM_RUNS = {"armv6": frozenset({*range(8), 9}), "armv7-a": frozenset({*range(11)})}
"""The values of Tag_CPU_arch that run on each instruction set.

The first Pi and the Zero lack the Thumb-2 instructions of ARMv6T2.
"""

if TYPE_CHECKING:
    from debonair.deb.reader_pool import Pool

JOB = "debonair.target.compatibility:compiled"
MEMORY = 1 << 32
"""The memory limit in bytes of a process that reads compiled files, because it reads each file whole."""
_LARGEST = 1 << 30
APP = "the app"
"""The origin of files that do not belong to a Python package."""


_EVERYWHERE = {"libgcc_s.so.1", "libstdc++.so.6"}
"""Libraries beside those of glibc that every Python needs."""
_OPEN = re.compile(r"(?![/$])|/(tmp|var/tmp|dev/shm|run/user)(/|$)")
"""Folders in which others can put a library: relative ones, and those that everybody can write to."""


class Problem(msgspec.Struct, frozen=True):
    """The reason why a compiled file does not run on a target."""

    origin: str
    """The Python package that contains the file, followed by its version; or ``the app``."""
    path: str
    what: str
    """The end of a sentence: ``is for ARMv7, and trixie-armv6 has ARMv6``."""

    def __str__(self) -> str:
        return f"{self.origin}: /{self.path} {self.what}"


def judge(origin: str, files: Iterable[Elf], target: Target) -> Iterator[Problem]:
    """Yield the problems that prevent ``files`` from running on ``target``.

    These are all compiled files that belong to ``origin``. Files for another machine are no problem if the
    package chooses among several when it runs (``alternatives``).
    """
    listed = list(files)
    folders = {posixpath.dirname(file.path) for file in listed}
    names = {posixpath.basename(file.path) for file in listed} | _EVERYWHERE
    for file in alternatives.suitable(listed, target):
        for what in (*_faults(file, target), *_searches(file, folders, names)):
            yield Problem(origin, file.path, what)


def refuse(problems: Sequence[Problem], target: Target) -> None:
    """Raise a ``WheelError`` that lists ``problems``, if there are any."""
    if not problems:
        return
    listed = "".join(f"\n  {problem}" for problem in problems)
    message = f"The built files would not run on {target.name}:{listed}"
    origins = sorted({problem.origin for problem in problems} - {APP})
    if not origins:
        raise WheelError(
            message, hint="Exclude the file with 'exclude', or remove the target from 'targets'."
        )
    raise WheelError(
        message,
        hint=f"Lock another version of {', '.join(origins)}, use an index that has it for this machine, or "
        "remove the target from 'targets'. If you have seen it run there, accept it: waive = "
        f'["{_package(origins[0])}"]',
    )


def waived(problems: Iterable[Problem], names: Collection[str]) -> list[Problem]:
    """Return those of ``problems`` whose Python package is not among ``names``."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - a build without problems needs none

    known = {canonicalize_name(name) for name in names}
    return [
        problem
        for problem in problems
        if problem.origin == APP or canonicalize_name(_package(problem.origin)) not in known
    ]


class Report(msgspec.Struct, frozen=True):
    """The result of checking a .deb."""

    path: Path
    targets: tuple[Target, ...]
    """The targets that the .deb was checked for: one, or all targets of a package for every architecture.
    """
    compiled: int
    """The number of compiled files."""
    problems: tuple[Problem, ...]

    @property
    def where(self) -> str:
        """The names of the targets, as text."""
        return ", ".join(target.name for target in self.targets)

    def as_text(self) -> str:
        """Return the report as text: a summary line, and a line for each problem."""
        files = _count(self.compiled, "compiled file")
        if not self.problems:
            return f"{self.path.name}: {files}, fit for {self.where}"
        lines = [f"{self.path.name}: {files}, {_count(len(self.problems), 'problem')} on {self.where}:"]
        return "\n".join([*lines, *(f"  {problem}" for problem in self.problems)])

    def as_json(self) -> dict[str, object]:
        """Return the report as a value for JSON."""
        problems = [msgspec.to_builtins(problem) for problem in self.problems]
        return {
            "file": self.path.name,
            "target": self.where,
            "compiled": self.compiled,
            "problems": problems,
        }


class Compiled(msgspec.Struct, frozen=True):
    """The compiled files of a .deb."""

    fields: dict[str, str]
    """The fields of the .deb's control file."""
    target: str
    """The target that its release.json names; empty if it does not name one."""
    files: list[tuple[str, Elf]]
    """Each file with its origin: a Python package, or Debian."""


def check(deb: Path, target: Target | None = None, pool: Pool | None = None) -> Report:
    """Check every compiled file of any .deb for ``target``.

    Without ``target``, ``check`` takes the target from the .deb itself. With a ``pool``, whose job must be
    ``JOB``, one of its processes reads the .deb. Raises ``PackageError`` if the .deb cannot be read, or if
    no known target has its architecture.
    """
    data = archive.load(deb)
    if pool is None:
        try:
            result, _ = compiled(str(deb), io.BytesIO(data), [])
        except Unfit as unfit:
            raise archive.refusal(deb, unfit) from unfit
    else:
        result, _ = pool.ask(deb, data, [])
    try:
        found = decoder.converted(result, Compiled)
    except msgspec.ValidationError as wrong:
        raise PackageError(f"{deb} is not a valid deb: {wrong}.") from wrong
    judged = (target,) if target else _targets(deb, found)
    by_origin = dict[str, list[Elf]]()
    for origin, file in found.files:
        by_origin.setdefault(origin, []).append(file)
    problems = [
        problem
        for each in judged
        for origin, files in by_origin.items()
        for problem in judge(origin, files, each)
    ]
    return Report(deb, judged, len(found.files), tuple(problems))


def prepare() -> None:
    """Import every module that ``compiled`` may need, before the process loses its access to files."""
    import elftools.elf.dynamic  # noqa: PLC0415
    import elftools.elf.elffile  # noqa: PLC0415
    import elftools.elf.gnuversions  # noqa: PLC0415
    import elftools.elf.sections  # noqa: PLC0415
    import elftools.elf.segments  # noqa: F401, PLC0415

    from debonair.deb import inspection  # noqa: F401, PLC0415


def compiled(path: str, stream: Stream, _: Sequence[str]) -> tuple[object, bytes]:
    """Read the package ``stream`` to its end, as a ``deb.reader_process.Job``; return a ``Compiled``.

    Errors name ``path``. Raises ``Unfit`` if dpkg would not accept the package, and ``PackageError`` if a
    compiled file cannot be read.
    """
    from debonair.deb import inspection  # noqa: PLC0415 - a build checks files that it already has

    deb = Foreign(stream)
    named = f"usr/lib/{deb.fields['Package']}/dist/release.json"
    records: dict[str, bytes] = {}
    files: list[Elf] = []
    release, left = b"{}", MOST_KEPT_ALL
    for member, content in deb.entries():
        if member.kind != "file":
            continue
        if member.path == named or inspection.RECORD.fullmatch(member.path):
            left -= member.size
            if left < 0:
                raise Unfit(f"its /{member.path} has {member.size} bytes, which is too large to inspect")
            kept = content.read(member.size)
            if member.path == named:
                release = kept
            else:
                records[member.path] = kept
        elif (head := content.read(len(elf.MAGIC))) == elf.MAGIC:
            if member.size > _LARGEST:
                raise Unfit(f"its /{member.path} has {member.size} bytes, which is too large to inspect")
            files.append(_elf(path, member.path, head + content.read(member.size)))
    owners = inspection.owners(records)
    result = Compiled(
        deb.fields, _named(release), [(owners.get(file.path, "Debian"), file) for file in files]
    )
    return msgspec.to_builtins(result), b""


def _elf(deb: str, path: str, data: bytes) -> Elf:
    try:
        return elf.read(path, data)
    except (ArithmeticError, AssertionError, LookupError, RecursionError, OSError, struct.error) as broken:
        raise PackageError(f"{deb} has a damaged compiled file /{path}: {broken!r}.") from broken


def _named(release: bytes) -> str:
    """Return the target that a release.json names; empty if it does not name one."""
    try:
        return str(decoder.json(release, dict[str, object]).get("target", ""))
    except (msgspec.DecodeError, RecursionError):
        return ""


def _targets(deb: Path, found: Compiled) -> tuple[Target, ...]:
    """Return the targets that a .deb was built for.

    The target comes from its release.json, or from its version. Otherwise it is the oldest target of the
    architecture. A package for all architectures is for every target of the suite that its version names,
    or for all targets.
    """
    architecture, version = found.fields["Architecture"], found.fields["Version"]
    if found.target in names():
        return (load(found.target),)
    known = [load(name) for name in names()]
    if architecture == "all":
        named = version_release(version)
        return tuple(each for each in known if each.debian_release == named) or tuple(known)
    fitting = [target for target in known if target.architecture == architecture]

    def doubt(target: Target) -> tuple[bool, bool, int]:
        end = f"+deb{target.debian_release}" + (f"~{target.variant}" if target.variant else "")
        return not version.endswith(end), bool(target.variant), target.debian_release

    fitting.sort(key=doubt)
    if not fitting:
        raise PackageError(
            f"{deb} is for {architecture}, but names no target that it was built for.",
            hint="Name one: debonair check --target trixie-arm64. List the targets: debonair targets",
        )
    return (fitting[0],)


def _faults(file: Elf, target: Target) -> Iterator[str]:
    """Yield the reasons why ``file`` does not run on ``target``, each as the end of a sentence."""
    if not alternatives.fits(file, target):
        has, wants = (
            f"{file.machine} ({file.bits} bits)",
            f"{target.elf_machine} ({alternatives.bits(target)} bits)",
        )
        yield f"is for {has}, but {target.name} is {wants}"
        return
    runs = _ARM_RUNS.get(target.instruction_set)
    if runs and file.arm_cpu is not None and file.arm_cpu not in runs:
        has = _ARM.get(file.arm_cpu, "a newer ARM")
        yield f"is for {has}, but {target.name} has {_CALLED[target.instruction_set]}"
    if file.soft_float:
        yield f"uses soft floats (armel), but {target.name} is armhf"
    if file.glibc and _numbers(file.glibc) > _numbers(target.glibc):
        yield f"needs glibc {file.glibc}, but {target.suite} has {target.glibc}"
    if file.interpreter and file.interpreter != target.interpreter:
        yield f"needs the dynamic linker {file.interpreter}, but {target.name} has {target.interpreter}"


def _searches(file: Elf, folders: Collection[str], names: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each folder in which ``file`` would look for libraries, and must not.

    ``folders`` are those of the package that have compiled files. ``names`` are those of libraries that the
    linker finds anyway: such a file may name a folder of the machine that built it.
    """
    for folder in file.rpath:
        if posixpath.normpath(folder).lstrip("/") in folders or not _leaves(file.path, folder):
            continue
        if _OPEN.match(folder) or not set(file.needed) <= set(names):
            yield f"looks for libraries in {folder}, which is not in the package"


def _leaves(path: str, folder: str) -> bool:
    """Tell whether ``folder``, from an RPATH, is outside of the package that has ``path`` (ld.so(8))."""
    home = posixpath.dirname(path)
    for origin in ("$ORIGIN", "${ORIGIN}"):
        if folder.startswith(origin):
            inside = posixpath.normpath(home + folder.removeprefix(origin))
            return not inside.startswith("/".join(path.split("/")[:3]))
    return True


def _package(origin: str) -> str:
    """Return the name of the Python package ``origin``, without its version."""
    return origin.partition(" ")[0]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s'[: number != 1]}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
