"""Debians on a disk that loses what nobody synced when the power is cut: ext4, as on the card of a Pi.

A container that is killed keeps the kernel's page cache, which is a crash and not a power cut. Here the
whole root is an ext4 file system in an image, and at the cut the kernel is told to shut that down without
writing its journal (FS_IOC_SHUTDOWN, by which the kernel's own tests of ext4 cut the power): what was not
written yet never is, and the next mount replays the journal as it does after a cut.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from debians import Boot

from debonair.debian.apt import host_architecture
from debonair.debian.mirror import mirror
from debonair.debian.rootfs import cgroup, namespace
from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.root import READY, Root
from debonair.host import run

_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, linux/fs.h
_NO_LOG_FLUSH = 2
_SIZE = 1 << 30  # bytes, few of which are ever written
_PATIENCE = 20.0  # seconds in which the kernel lets go of a file system that nobody uses any more
_NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_numbers = itertools.count(1)


class Loss(Enum):
    """What the disk loses at a cut."""

    NONE = "nothing is lost"
    """The kernel died, and all that was written came to the disk."""
    UNSYNCED = "all since the last sync is lost"
    DATA = "names are kept, data is lost"
    """The journal was written a moment before, as it is every 5 seconds, and the data not, which takes 30:
    what was not synced has its name and no bytes."""


@dataclass(frozen=True)
class Disk:
    """An image with the root of a Debian in it."""

    path: Path

    @classmethod
    def of(cls, boot: Boot, suite: str, path: Path) -> Disk:
        """Make the disk ``path`` with the root of ``suite`` that has all that a deb needs."""
        root = Root(suite, host_architecture(), READY)
        folder = root.unpacked(boot.bed.cache, mirror(boot.bed.environ), boot.bed.privilege)
        with path.open("wb") as file:
            file.truncate(_SIZE)
        run.run(["mkfs.ext4", "-q", "-F", "-d", folder, path])
        return cls(path)

    def copy(self, path: Path) -> Disk:
        """Return a copy of it, while nothing is booted from it."""
        run.run(["cp", "--sparse=auto", self.path, path])
        return Disk(path)


class Machine:
    """A Debian that runs from a disk; ``plugged`` makes one."""

    def __init__(self, disk: Disk, container: Container, holder: int, mounted: Path, options: str) -> None:
        self.disk = disk
        self.container = container
        self._within = ("nsenter", "-t", str(holder), "-m", "--")
        self._mounted = mounted
        self._seen = Path(f"/proc/{holder}/root", *mounted.parts[1:])
        self._options = options

    def path(self, inside: str) -> Path:
        """Return the path, here, of the file whose absolute path inside is ``inside``."""
        return Path(self._seen, inside.lstrip("/"))

    def start(self) -> None:
        """Boot from the disk, whose journal is replayed if that was cut."""
        run.run([*self._within, "mount", "-t", "ext4", "-o", self._options, self.disk.path, self._mounted])
        # The cached root's own folder is closed to all but root of this machine
        owner = f"{namespace.first()}:{namespace.first()}"
        run.run([*self._within, "chown", owner, self._mounted])
        run.run([*self._within, "chmod", "0755", self._mounted])
        self.container.start()

    def stop(self) -> None:
        """Shut down in good order: all comes to the disk."""
        self.container.poweroff()
        self._release()

    def cut(self, loss: Loss) -> None:
        """Cut the power at this instant; ``start`` boots again."""
        if loss is not Loss.UNSYNCED:
            with (self._seen / ".journal").open("wb") as file:
                file.write(b"\n")
                os.fsync(file.fileno())
        if loss is not Loss.NONE:
            self._shut()
        self.container.kill()
        self._release()

    def _shut(self) -> None:
        number = os.open(self._seen, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(number, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(number)

    def _release(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while run.run([*self._within, "umount", self._mounted], check=time.monotonic() > deadline).status:
            time.sleep(0.05)


@contextmanager
def plugged(disk: Disk, suite: str, folder: Path, *, options: str = "data=ordered") -> Iterator[Machine]:
    """Boot ``disk``, mounted with ``options`` of ext4(5), and give the machine."""
    name = f"disk-{os.getpid()}-{next(_numbers)}"
    work = folder / name
    (mounted := work / "root").mkdir(parents=True)
    with cgroup.create(name) as group, namespace.hold(_NAMESPACES, log=work / "namespace.log") as holder:
        container = Container(
            suite,
            host_architecture(),
            name,
            root=mounted,
            console=work / "console.log",
            holder=holder,
            group=group,
        )
        # systemd-nspawn's own folder, so that nothing of it stays on this machine
        run.run(["nsenter", "-t", str(holder), "-m", "--", "mkdir", "-p", "/run/systemd/nspawn"])
        run.run(
            [
                "nsenter",
                "-t",
                str(holder),
                "-m",
                "--",
                "mount",
                "-t",
                "tmpfs",
                "tmpfs",
                "/run/systemd/nspawn",
            ]
        )
        machine = Machine(disk, container, holder, mounted, options)
        try:
            machine.start()
            yield machine
        finally:
            container.kill()
    shutil.rmtree(work, ignore_errors=True)
