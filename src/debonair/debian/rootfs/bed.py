"""Provide a Debian on this machine: a cached root, started in the best way that the machine allows."""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from debonair.deb import archive, deb822
from debonair.debian.apt import Suite, host_architecture
from debonair.debian.mirror import mirror
from debonair.debian.rootfs import chroot, container, emulation, isolation
from debonair.debian.rootfs.chroot import Chroot
from debonair.debian.rootfs.container import BootError, Container
from debonair.debian.rootfs.isolation import Degree
from debonair.debian.rootfs.machine import Machine
from debonair.debian.rootfs.namespace import Refused
from debonair.debian.rootfs.privilege import Privilege
from debonair.debian.rootfs.root import LOCAL_DEBS, READY, Root
from debonair.host.cache import Cache
from debonair.host.progress import say, ticking, warn
from debonair.target import suites

_Opened = TypeVar("_Opened", bound=Machine)
_numbers = itertools.count(1)
_ROOT_ITSELF = (
    "Warning: this machine does not allow user namespaces. Package scripts run as this machine's real "
    "root, with few capabilities. Continue only with packages and sources that you trust."
)


@dataclass(frozen=True, slots=True)
class Bed:
    """The means for a trial: a cache, the user's settings, and the rights of this process."""

    cache: Cache
    environ: Mapping[str, str]
    privilege: Privilege = field(default_factory=Privilege.here)

    @contextmanager
    def open(
        self, suite: str, *, architecture: str = "", packages: tuple[str, ...] = READY
    ) -> Iterator[Machine]:
        """Run a Debian ``suite`` with ``packages`` in the best way that is allowed, and report which.

        It is of this machine's architecture, unless ``architecture`` names another, which is emulated.
        Raises ``MachineError``, which names what is missing, if no way is allowed.
        """
        with ExitStack() as stack:
            root = self._root(stack, suite, architecture, packages)
            if self.privilege.root and self.privilege.mounts:
                try:
                    booted = stack.enter_context(self._booted(root))
                except (BootError, Refused) as refused:
                    reason = refused.message.rstrip(".")
                else:
                    say(f"{title(suite)}: booted with systemd in {booted.boot_seconds:.1f} s.")
                    yield booted
                    return
            elif self.privilege.root:
                reason = (
                    "this process cannot mount file systems (CAP_SYS_ADMIN), as in a container without "
                    "--privileged"
                )
            else:
                reason = "that requires root"
            say(f"No container is booted: {reason}.")
            degree = self._degree()
            machine = stack.enter_context(self._entered(root, degree))
            say(f"{title(suite)}: entered {degree.value}, without systemd.")
            yield machine

    @contextmanager
    def boot(
        self, suite: str, *, architecture: str = "", packages: tuple[str, ...] = READY
    ) -> Iterator[Container]:
        """Boot a Debian ``suite`` with ``packages`` in a container; another ``architecture`` is emulated.

        Raises ``BootError`` if this machine cannot boot one.
        """
        with ExitStack() as stack:
            root = self._root(stack, suite, architecture, packages)
            yield stack.enter_context(self._booted(root))

    @contextmanager
    def enter(self, root: Root) -> Iterator[Chroot]:
        """Enter ``root`` without booting it; its only network is a loopback of its own.

        Raises ``MachineError``, which names what is missing, if this machine does not allow that.
        """
        with ExitStack() as stack:
            self._emulate(stack, root.architecture)
            yield stack.enter_context(self._entered(root, self._degree()))

    def _entered(self, root: Root, degree: Degree) -> AbstractContextManager[Chroot]:
        self._announce(root)
        tar = root.tar(self.cache, mirror(self.environ), self.privilege)
        return _ticking(
            f"Unpacking {title(root.suite)}",
            chroot.enter(
                tar, suite=root.suite, architecture=root.architecture, name=_name(), degree=degree
            ),
        )

    def _booted(self, root: Root) -> AbstractContextManager[Container]:
        self._announce(root)
        folder = root.unpacked(self.cache, mirror(self.environ), self.privilege)
        emulated = root.architecture != host_architecture()
        settings = emulation.settings(root.architecture) if emulated else {}
        return _ticking(
            f"Booting {title(root.suite)}",
            container.boot(
                folder, suite=root.suite, architecture=root.architecture, name=_name(), settings=settings
            ),
        )

    def stock(self, machine: Machine, *packages: Path | str) -> int:
        """Copy what ``packages`` need to ``machine``, for its apt without a network.

        ``packages`` are debs, which are not copied themselves, and names of packages, which are. Returns
        the number of copied packages. Raises what ``Suite.fetch`` raises.
        """
        suite = Suite.of(machine.suite, machine.architecture, mirror=mirror(self.environ), cache=self.cache)
        with tempfile.TemporaryDirectory(prefix="debonair-status.") as folder:  # apt locks beside it
            status = Path(folder) / "status"
            status.write_text(machine.run(["cat", "/var/lib/dpkg/status"]).stdout)
            needed = suite.fetch(
                [str(one.absolute()) if isinstance(one, Path) else one for one in packages], status=status
            )
        if needed:
            for path in needed:
                machine.copy_in(path, f"{LOCAL_DEBS}/{path.name}")
            machine.write(f"{LOCAL_DEBS}/Packages", index(needed).encode())
            machine.run(["apt-get", "update", "--option", "Acquire::Languages=none"])
        return len(needed)

    def _root(self, stack: ExitStack, suite: str, architecture: str, packages: tuple[str, ...]) -> Root:
        """Return the root that fits; until ``stack`` ends, its programs are emulated if necessary."""
        host = host_architecture()
        root = Root(suite, architecture or host, packages)
        if self._emulate(stack, root.architecture):
            say(
                f"qemu-user emulates {root.architecture} and cannot sandbox: the services run without a "
                "sandbox, in this trial only."
            )
        return root

    def _emulate(self, stack: ExitStack, architecture: str) -> bool:
        """Allow programs of ``architecture`` until ``stack`` ends; return whether they are emulated."""
        host = host_architecture()
        if architecture == host:
            return False
        stack.enter_context(
            emulation.emulating(architecture, host, mirror=mirror(self.environ), cache=self.cache)
        )
        return True

    def _announce(self, root: Root) -> None:
        if not root.made(self.cache):
            takes = "half a minute" if root.architecture == host_architecture() else "some minutes"
            say(f"Downloading and setting up the files of {title(root.suite)} (once); this takes {takes}.")

    def _degree(self) -> Degree:
        """Return how a root can be entered; print a notice if root inside is root of this machine."""
        degree = isolation.granted(self.privilege)
        if not degree.is_foreign:
            warn(_ROOT_ITSELF)
        return degree


@contextmanager
def _ticking(label: str, opened: AbstractContextManager[_Opened]) -> Iterator[_Opened]:
    """Enter ``opened``, and show until then that ``label`` is what is done."""
    with ExitStack() as stack:
        with ticking(label):
            machine = stack.enter_context(opened)
        yield machine


def title(suite: str) -> str:
    """Return the usual name of a ``suite``: ``Debian 13 (trixie)``."""
    known = suites()
    return f"Debian {known[suite].release} ({suite})" if suite in known else f"Debian {suite}"


def index(debs: Sequence[Path]) -> str:
    """Return the Packages file of a folder that contains ``debs``; deb-src-control(5), sources.list(5)."""
    stanzas = []
    for path in debs:
        data = path.read_bytes()
        fields = archive.read_control(path) | {
            "Filename": f"./{path.name}",
            "Size": str(len(data)),
            "SHA256": hashlib.sha256(data).hexdigest(),
        }
        stanzas.append(deb822.text(fields))
    return "\n".join(stanzas)


def _name() -> str:
    """Return a name that no other trial on this machine uses now."""
    return f"debonair-{os.getpid()}-{next(_numbers)}"
