"""Programs of another architecture, run by qemu-user: fetched from Debian, registered for one run.

The kernel's binfmt_misc starts an interpreter for programs that this cpu cannot run. The whole machine sees
a registration while it exists, and the newest one counts. The registration of a run ends with the run.
"""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from debonair.debian.apt import Suite
from debonair.debian.mirror import Mirror
from debonair.debian.rootfs import namespace
from debonair.errors import Error, MachineError
from debonair.host import memo, run
from debonair.host.cache import Cache
from debonair.host.progress import say
from debonair.resources import resource

SUITE = "trixie"
"""The suite of the qemu-user package: version 10 boots systemd, bookworm's version 7.2 does not."""

DROP_IN = "/etc/systemd/system/service.d/zz-qemu-user.conf"
"""Drop-in by which an emulated Debian leaves out what qemu-user cannot do; systemd.unit(5)."""
_NGINX = "/etc/nginx/conf.d/qemu-user.conf"


@dataclass(frozen=True, slots=True)
class _Cpu:
    """A cpu that can be emulated: qemu's name for it, and the start of its programs (elf(5))."""

    qemu: str
    bits: int
    machine: int

    @property
    def magic(self) -> str:
        """The first 20 bytes of an ELF file for it, in the form that binfmt_misc reads."""
        head = b"\x7fELF" + bytes([self.bits // 32, 1, 1]) + bytes(9) + b"\x02\x00"
        return _escaped(head + self.machine.to_bytes(2, "little"))


_CPUS = {"arm64": _Cpu("qemu-aarch64", 64, 183), "armhf": _Cpu("qemu-arm", 32, 40)}
_numbers = itertools.count(1)
_MASK = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
"""The bits of the first 20 bytes that count: not the ABI's; a shared object runs like a program."""


def settings(architecture: str) -> dict[str, str]:
    """Return the files, text by path, that an emulated Debian of ``architecture`` needs to run apps."""
    files = {DROP_IN: resource("systemd/emulated.conf").read_text()}
    if architecture == "arm64":
        # qemu-user has cache lines of 32 bytes, so nginx would refuse names that fit the 64 of every Pi.
        files[_NGINX] = "server_names_hash_bucket_size 64;\n"
    return files


def emulated(architecture: str, host: str) -> bool:
    """Return whether qemu runs programs of a Debian ``architecture`` on a machine of ``host``'s."""
    return architecture in _CPUS and architecture != host


@contextmanager
def emulating(architecture: str, host: str, *, mirror: Mirror, cache: Cache) -> Iterator[None]:
    """Allow this machine, of architecture ``host``, to run programs of ``architecture`` in the body.

    Raises ``MachineError`` if they cannot be emulated here, or if the kernel refuses the registration,
    which needs root. Raises ``NetworkError`` if qemu-user is not in ``cache`` and cannot be fetched.
    """
    if not emulated(architecture, host):
        raise MachineError(
            f"Programs for {architecture} cannot run here: {host} cannot emulate them.",
            hint=f"Use a machine of {architecture}. Debonair can emulate {' and '.join(_CPUS)}.",
        )
    name = f"debonair-{_Holder.here()}-{next(_numbers)}-{architecture}"
    with ExitStack() as stack:
        folder, within = _mounted(stack, architecture)
        _forget_the_dead(folder, within)
        program = emulator(architecture, host, mirror=mirror, cache=cache)
        line = f":{name}:M::{_CPUS[architecture].magic}:{_escaped(_MASK)}:{program}:POCF"
        try:
            run.run([*within, "sh", "-c", 'printf "%s\\n" "$1" >"$2/register"', "sh", line, folder])
        except run.CommandError as refused:
            raise _refused(architecture, refused) from refused
        stack.callback(_forget, folder / name, within)
        yield


def check(host: str) -> tuple[str, ...]:
    """Return the architectures that this machine, of architecture ``host``, can emulate.

    Raises ``MachineError`` if the kernel does not allow this process to register an emulator.
    """
    found = tuple(each for each in _CPUS if emulated(each, host))
    with ExitStack() as stack:
        _mounted(stack, " and ".join(found))
    return found


def _mounted(stack: ExitStack, architecture: str) -> tuple[Path, tuple[str, ...]]:
    """Mount binfmt_misc until ``stack`` ends; return its folder, and the words that see it.

    It is in a mount namespace of its own: unless something else keeps it mounted, all ends with that.
    """
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="debonair-binfmt.")))
    try:
        holder = stack.enter_context(namespace.hold(["--mount"], log=folder / "log"))
        within = ("nsenter", "-t", str(holder), "-m", "--")
        run.run([*within, "mount", "-t", "binfmt_misc", "binfmt_misc", folder])
    except (run.CommandError, MachineError) as refused:
        raise _refused(architecture, refused) from refused
    return folder, within


def _refused(architecture: str, error: Error) -> MachineError:
    return MachineError(
        f"This machine cannot emulate programs for {architecture}:\n{error.message}",
        hint="Emulation requires root and a kernel with binfmt_misc. Run 'sudo debonair ...' on your own "
        "machine, or in a container with --privileged.",
    )


def _forget(entry: Path, within: Sequence[str]) -> None:
    run.run([*within, "sh", "-c", '[ ! -e "$1" ] || echo -1 >"$1"', "sh", entry])


def _forget_the_dead(folder: Path, within: Sequence[str]) -> None:
    """Remove the registrations of processes that were killed before they could do it.

    Registrations of other containers stay: their processes cannot be seen from here.
    """
    here = _Holder.here()
    for name in run.run([*within, "ls", folder]).stdout.split():
        if found := re.fullmatch(r"debonair-(\d+)\.(\d+)\.(\d+)-\d+-\w+", name):
            holder = _Holder(*(int(number) for number in found.groups()))
            if holder.space == here.space and holder.began != _began(holder.pid):
                _forget(folder / name, within)


@dataclass(frozen=True, slots=True)
class _Holder:
    """A process that registers. Its pid is not enough: pids are reused, and differ by container."""

    space: int
    """The pid namespace that its number belongs to."""
    pid: int
    began: int

    @classmethod
    def here(cls) -> _Holder:
        return cls(Path("/proc/self/ns/pid").stat().st_ino, os.getpid(), _began(os.getpid()))

    def __str__(self) -> str:
        return f"{self.space}.{self.pid}.{self.began}"


def _began(pid: int) -> int:
    """Return when the process ``pid`` started, 0 if there is none; proc_pid_stat(5), starttime."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def emulator(architecture: str, host: str, *, mirror: Mirror, cache: Cache) -> Path:
    """Return the static program of qemu that runs those of ``architecture`` on ``host``.

    It is extracted from Debian's package once. Raises ``NetworkError`` if that cannot be fetched.
    """
    name = _CPUS[architecture].qemu

    def make(program: Path) -> None:
        say("Downloading qemu-user (once) to run programs for ARM.")
        suite = Suite.of(SUITE, host, mirror=mirror, cache=cache)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=program.parent) as folder:
            (status := Path(folder) / "status").touch()
            fetched = suite.fetch(["qemu-user"], status=status)
            deb = next(path for path in fetched if path.name.startswith("qemu-user_"))
            run.run(["dpkg-deb", "--extract", deb, folder])
            (Path(folder) / "usr/bin" / name).replace(program)

    return memo.file(cache.folder("emulators") / name, make, cache)


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)
