"""Run commands in a Debian that is not booted, as isolated from this machine as possible.

The best degree of isolation that the machine allows is used. In a user namespace, root inside has no rights
on this machine. Otherwise, root inside is this machine's root with few capabilities. If this process may
mount, the Debian has its own namespaces, and shows no file of this machine. If not, it is a plain chroot,
which its root cannot leave.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from debonair.debian.rootfs import enter, namespace
from debonair.debian.rootfs.privilege import Privilege
from debonair.debian.rootfs.root import unpack
from debonair.errors import MachineError
from debonair.host import interruption, run

HINT = "Run it as root on your own machine, or in a container with --privileged."

_NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc")
_SPACES = "mnt,pid,net,uts,ipc"
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_PLACE = Path("/tmp")  # noqa: S108 - every machine has it, and only we see the mount on it
_BOUND = sum(1 << number for number in (0, 1, 3, 4, 5, 6, 7, 8, 10, 31))
"""Capabilities that installing packages and starting services need: CAP_CHOWN, DAC_OVERRIDE, FOWNER,
FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE and SETFCAP; capabilities(7).
"""


class Degree(Enum):
    """The way to enter a Debian; users read the value."""

    USERS = "in a user namespace"
    """As root, in a user namespace with a range of users of its own."""
    ACCOUNT = "in a user namespace of this account"
    NAMESPACE = "in a namespace"
    CHROOT = "by a plain chroot"

    @property
    def is_foreign(self) -> bool:
        """Return whether root inside is a different user from this machine's root."""
        return self in {Degree.USERS, Degree.ACCOUNT}


@dataclass(frozen=True, slots=True)
class Room:
    """A place with the files of a Debian."""

    entry: tuple[str, ...]
    """The words that run a command there, with no more rights than it may have."""
    network: tuple[str, ...]
    """The words that run a program of this machine with only its network; empty without such a network."""


def door(*words: str) -> tuple[str, ...]:
    """Return the words that run what follows them inside; ``words`` are arguments of ``enter``."""
    return (*run.program(enter.__file__), *words, "--")


def granted(privilege: Privilege) -> Degree:
    """Return the best degree that this process is allowed. Raises ``MachineError`` if there is none."""
    with tempfile.TemporaryDirectory(prefix="debonair.") as work:
        if not privilege.root:
            with ExitStack() as stack:
                _hold(stack, Path(work), Degree.ACCOUNT)
            return Degree.ACCOUNT
        for degree in (Degree.USERS, *([Degree.NAMESPACE] if privilege.mounts else [])):
            try:
                with ExitStack() as stack:
                    _hold(stack, Path(work), degree)
            except MachineError:
                continue
            return degree
    if not privilege.chroots:
        raise MachineError("This process can use neither a container nor a chroot.", hint=HINT)
    return Degree.CHROOT


@contextmanager
def make(tar: Path, *, name: str, degree: Degree) -> Iterator[Room]:
    """Unpack the root in ``tar`` into memory, or a temporary folder, and yield the place that it is in.

    Raises ``MachineError`` if that fails.
    """
    with ExitStack() as stack:
        work = Path(tempfile.mkdtemp(prefix=f"{name}."))
        stack.enter_context(interruption.unfinished(work))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        if degree is Degree.CHROOT:
            root = work / "root"
            root.mkdir(mode=0o755)
            try:
                unpack(tar, root)
            except run.CommandError as refused:  # usually because device nodes are refused
                raise MachineError(
                    f"A root cannot be unpacked here: {refused.message}", hint=HINT
                ) from refused
            yield Room(door(f"root={root}", f"bound={_BOUND:x}"), ())
            return
        pid = _hold(stack, work, degree)
        user = ("-U",) if degree.is_foreign else ()
        _furnish(tar, ("nsenter", "-t", str(pid), *user, "-m", "-p", "-n", "-u", "-i", "--"))
        spaces = f"user,{_SPACES}" if degree.is_foreign else _SPACES
        # A program with only this network keeps its own uid; otherwise it could not read Debonair's files.
        alike = (*user, "--preserve-credentials") if user else ()
        yield Room(
            door(f"pid={pid}", f"spaces={spaces}", f"bound={_BOUND:x}"),
            ("nsenter", "-t", str(pid), *alike, "-n", "--"),
        )


def _hold(stack: ExitStack, work: Path, degree: Degree) -> int:
    """Hold the namespaces of ``degree`` until ``stack`` ends; return the pid to enter them by."""
    log = work / "namespace.log"
    if degree is Degree.USERS:
        within = stack.enter_context(namespace.users(log=work / "users.log"))
        return stack.enter_context(namespace.hold(_NAMESPACES, log=log, within=within))
    if degree is Degree.NAMESPACE:
        return stack.enter_context(namespace.hold(_NAMESPACES, log=log))
    run.find("newuidmap")  # unshare would only report that it failed
    try:
        options = ["--user", "--map-auto", "--map-root-user", *_NAMESPACES]
        return stack.enter_context(namespace.hold(options, log=log))
    except MachineError as refused:
        raise MachineError(
            refused.message,
            hint="Run it as root (sudo), or give this account user namespaces: sudo usermod --add-subuids "
            "100000-165535 --add-subgids 100000-165535 $USER. Also check that no sysctl forbids them.",
        ) from refused


def _furnish(tar: Path, entry: Sequence[str]) -> None:
    """Turn the namespaces that ``entry`` enters into the Debian in ``tar``, in memory, with nothing else.

    It has the kernel's file systems, read-only, a few devices and a loopback.
    """

    def within(*words: str | Path, check: bool = True) -> None:
        run.run([*entry, *words], check=check)

    within("mount", "-t", "tmpfs", "-o", "mode=0755,nodev", "tmpfs", _PLACE)
    # Entering a mount namespace leads to its root.
    there = ("sh", "-c", 'cd "$0" && exec "$@"', str(_PLACE))
    unpack(tar, _PLACE, within=(*entry, *there), devices=False)
    for device in _DEVICES:
        within("touch", _PLACE / "dev" / device)
        within("mount", "--bind", f"/dev/{device}", _PLACE / "dev" / device)
    within("mkdir", "-p", _PLACE / "dev/pts", _PLACE / "dev/shm")
    pts = "newinstance,ptmxmode=0666"
    within("mount", "-t", "devpts", "-o", pts, "devpts", _PLACE / "dev/pts", check=False)
    within("ln", "-sf", "pts/ptmx", _PLACE / "dev/ptmx")
    within("ln", "-sf", "/proc/self/fd", _PLACE / "dev/fd")
    # A container that hides parts of /proc cannot mount a new one; most programs work without it.
    within("mount", "-t", "proc", "-o", "ro,nosuid,nodev,noexec", "proc", _PLACE / "proc", check=False)
    within(run.find("chroot"), _PLACE, "ip", "link", "set", "lo", "up", check=False)
    # root can leave a chroot; after pivot_root nothing is outside.
    pivot = 'cd "$0" && "$1" . mnt && exec umount -l /mnt'
    within("sh", "-c", pivot, _PLACE, run.find("pivot_root"))
