"""Cached Debian roots: the files of a minimal Debian of one suite, created once by mmdebstrap.

A root is a tar named by the hash of its inputs. If this process is root, there is also a folder unpacked
from it, to be the read-only lower layer of overlays. Either appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from debonair.debian.apt import Suite
from debonair.debian.mirror import Mirror
from debonair.debian.rootfs import namespace
from debonair.debian.rootfs.privilege import Privilege
from debonair.errors import MachineError, NetworkError
from debonair.host import interruption, memo, run
from debonair.host.cache import Cache
from debonair.host.progress import ticking

_SECONDS = 4 * 3600
"""Far more than it takes to set up a root that is emulated."""
_AMPLE = 6 << 30
"""Bytes of memory that are enough for a root with compilers, twice."""
_FORMAT = 2
"""Raise it whenever roots are created differently, so that older ones are not used."""

LOCAL_DEBS = "/var/lib/trial"
"""The folder from which the apt of a root installs: its only source, as a trial has no network."""

BARE = ("systemd", "systemd-sysv", "dbus", "curl", "iproute2")
"""Packages that a root needs to boot and to be inspected."""

READY = (*BARE, "nginx", "python3", "uwsgi-core", "uwsgi-plugin-python3")
"""Also the packages that debs of Debonair depend on, so that a trial is fast."""


@dataclass(frozen=True, slots=True)
class Root:
    """A minimal Debian: suite, Debian architecture, and its packages in addition to the essential ones."""

    suite: str
    architecture: str
    packages: tuple[str, ...] = READY

    @property
    def name(self) -> str:
        """The name of its files in the cache."""
        made_from = "\n".join([str(_FORMAT), self.suite, self.architecture, *sorted(self.packages)])
        return f"{self.suite}-{self.architecture}-{hashlib.sha256(made_from.encode()).hexdigest()[:12]}"

    def tar(self, cache: Cache, mirror: Mirror, privilege: Privilege) -> Path:
        """Return the root as a tar, created if the cache does not have it yet (half a minute or more).

        Raises ``MachineError`` if this machine cannot create one, ``NetworkError`` if the mirror cannot be
        reached.
        """
        path = cache.folder("roots") / f"{self.name}.tar"
        return memo.file(path, lambda temporary: self._make(temporary, cache, mirror, privilege), cache)

    def made(self, cache: Cache) -> bool:
        """Return whether the cache has the root already."""
        return (cache.folder("roots") / f"{self.name}.tar").exists()

    def unpacked(self, cache: Cache, mirror: Mirror, privilege: Privilege) -> Path:
        """Return the root as a folder that nobody may write to; only for root. Raises what ``tar`` raises.

        Its files belong to the users that a container has of its own. Raises ``MachineError`` as well if
        the kernel refuses these.
        """
        tar = self.tar(cache, mirror, privilege)
        # Named by the first user: another range of users needs its own files, or this machine's users would
        # own them.
        path = tar.with_name(f"{self.name}-{namespace.first():x}")
        return memo.folder(path, partial(self._unpack, tar), cache)

    def _unpack(self, tar: Path, folder: Path) -> None:
        """Unpack ``tar`` into the new ``folder``, for the users of a container."""
        with (
            ticking(f"Unpacking the files of Debian's {self.suite} ({self.architecture})"),
            tempfile.TemporaryDirectory(prefix="debonair-users.") as work,
            namespace.users(log=Path(work) / "log") as within,
        ):
            os.chown(folder, namespace.first(), namespace.first())
            unpack(tar, folder, within=within, devices=False)
        # Outside, only root may enter it; an overlay shows its own folder in its place.
        os.chown(folder, 0, 0)
        folder.chmod(0o700)

    def _make(self, path: Path, cache: Cache, mirror: Mirror, privilege: Privilege) -> None:
        """Create the root as the tar ``path``; mmdebstrap(1)."""
        extra = [name for name in self.packages if name not in BARE]
        line, lists = Suite.of(self.suite, self.architecture, mirror=mirror, cache=cache).current()
        settings = ('APT::Install-Recommends "false"', *mirror.settings)
        run.find("mmdebstrap")  # unshare would not tell its package
        argv: list[str | Path] = [
            "mmdebstrap",
            "--quiet",
            "--format=tar",
            "--variant=minbase",
            f"--mode={'root' if privilege.root else 'unshare'}",
            # As root without the right to mount (most containers), plain chroot is enough.
            *([] if privilege.mounts else ["--skip=check/canmount"]),
            # The lists are here already: downloading them again would take as long as all packages.
            "--skip=update",
            f"--setup-hook=copy-in {shlex.join(map(str, lists))} /var/lib/apt/lists",
            # The caller provides the emulation of another architecture.
            "--skip=check/qemu",
            f"--architectures={self.architecture}",
            f"--include={','.join(self.packages)}",
            *(f"--aptopt={setting}" for setting in settings),
            *(
                [f'--customize-hook=chroot "$1" apt-mark auto {" ".join(extra)} >/dev/null']
                if extra
                else []
            ),
            f'--customize-hook=mkdir "$1{LOCAL_DEBS}" && : >"$1{LOCAL_DEBS}/Packages"',
            f'--customize-hook=echo "deb [trusted=yes] file:{LOCAL_DEBS} ./" >"$1/etc/apt/sources.list"',
            '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
            self.suite,
            path,
            line,
        ]
        label = f"Setting up the files of Debian's {self.suite} ({self.architecture})"
        with ticking(label), _workshop(privilege) as folder:
            # At a signal, it would first remove its files, and leave them if it is killed before that. The
            # time limit ends everything that it started.
            apart = _apart(folder) if privilege.root and privilege.mounts else []
            made = run.run([*apart, *argv], check=False, env={"TMPDIR": str(folder)}, timeout=_SECONDS)
        if made.status:
            tail = "\n".join(f"  {line}" for line in (made.stdout + made.stderr).strip().splitlines()[-12:])
            message = (
                f"The root of Debian's {self.suite} ({self.architecture}) could not be created:\n{tail}"
            )
            if "Failed to fetch" in tail or "Could not resolve" in tail or "Unable to connect" in tail:
                raise NetworkError(
                    message,
                    hint=f"The mirror was {mirror.uri}. To use another: "
                    "DEBONAIR_MIRROR=ADDRESS debonair ...",
                )
            raise MachineError(
                message,
                hint=f"The mirror was {mirror.uri}. To use another: DEBONAIR_MIRROR=ADDRESS debonair ...",
            )


@contextmanager
def _workshop(privilege: Privilege) -> Iterator[Path]:
    """Yield a temporary folder for mmdebstrap, which removes it with everything in it."""
    folder = Path(tempfile.mkdtemp(prefix="debonair-root."))
    with interruption.unfinished(folder):
        try:
            folder.chmod(0o755)  # the users of mmdebstrap's namespace must reach the files
            yield folder
        finally:
            if not privilege.root and any(folder.iterdir()):
                # They belong to users that this account has only inside a user namespace.
                within = ("unshare", "--user", "--map-auto", "--map-root-user", "--")
                run.run([*within, "rm", "-rf", "--one-file-system", *folder.iterdir()], check=False)
            shutil.rmtree(folder, ignore_errors=True)


def _apart(folder: Path, meminfo: Path = Path("/proc/meminfo")) -> list[str]:
    """Return the words that run a command whose mounts end with it, and whose ``folder`` is in memory.

    Removing the files of half a root from a busy disk takes long. With little memory, they are on the disk.
    """
    found = re.search(r"^MemAvailable: +(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    if not found or int(found[1]) << 10 < _AMPLE:
        return ["unshare", "--mount", "--"]
    mount = f'mount -t tmpfs -o mode=0755,size={_AMPLE // 2} tmpfs "$0"; exec "$@"'
    return ["unshare", "--mount", "--", "sh", "-c", mount, str(folder)]


def unpack(tar: Path, folder: Path, *, within: Sequence[str] = (), devices: bool = True) -> None:
    """Unpack the tar of a root into the existing ``folder``, with its owners.

    ``within`` is a command prefix to run tar with, such as one that enters namespaces. There, neither the
    tar nor the path to ``folder`` needs to be visible. Device nodes are left out unless ``devices``. Raises
    ``CommandError`` if tar fails.
    """
    leave = [] if devices else ["--exclude=./dev/*"]
    words = ["tar", "--extract", "--numeric-owner", "--same-permissions", *leave]
    run.run([*within, *words], stdin=tar, cwd=folder)
