"""One Debian booted with systemd as PID 1, by systemd-nspawn on an overlay in memory.

All its mounts are in a mount namespace that ends with this process. The cached root below the overlay does
not change. It has its own network, which is only a loopback, and its own users. Root inside has no rights
on this machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from debonair.debian.rootfs import cgroup, namespace
from debonair.debian.rootfs.isolation import door
from debonair.debian.rootfs.machine import Machine, services
from debonair.errors import MachineError, TrialError
from debonair.host import interruption, run

_BOOT_PATIENCE = 90.0
_END_PATIENCE = 20.0
_REBOOT = 133  # systemd-nspawn exits with this status when the container wants to restart
_NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_WRITE = 'mkdir -p "${1%/*}" && cat >"$1" && chown "$2:$2" "${1%/*}" "$1"'
_JOIN = 'echo $$ >"$1" && shift && exec "$@"'
_UP = frozenset({"running", "degraded"})
_GIVEN_UP = (
    "CAP_AUDIT_CONTROL",
    "CAP_LINUX_IMMUTABLE",
    "CAP_MKNOD",
    "CAP_NET_BROADCAST",
    "CAP_SYS_TTY_CONFIG",
)
"""Capabilities that systemd-nspawn would leave to a container, and that no trial needs."""


class BootError(MachineError):
    """This machine cannot boot a container."""


class Container(Machine):
    """A booted Debian; ``boot`` creates one."""

    def __init__(
        self,
        suite: str,
        architecture: str,
        name: str,
        *,
        root: Path,
        console: Path,
        holder: int,
        group: Path,
    ) -> None:
        self.suite = suite
        self.architecture = architecture
        self.name = name
        self.console = console
        self.state = ""
        self.boot_seconds = 0.0
        """Seconds that the last boot took."""
        self._root = root
        self._holder = holder
        self._group = group
        self._leader = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words that enter all namespaces of the container's process 1."""
        return door(f"pid={self._leader}", "spaces=user,mnt,pid,uts,ipc,net,cgroup")

    @property
    def network(self) -> tuple[str, ...]:
        """The words that enter only the container's network."""
        return ("nsenter", "-t", str(self._leader), "-n", "--")

    @property
    def alive(self) -> bool:
        """Return whether the container runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Boot, and wait until systemd reports that all is up. Raises ``BootError`` if that fails."""
        began = time.monotonic()
        self._process = run.start(
            [
                *("sh", "-c", _JOIN, "sh", self._group / "cgroup.procs"),
                # In the holder's pid namespace, so that processes inside cannot outlive a killed Debonair.
                *("nsenter", "-t", str(self._holder), "-m", "-p", "--"),
                # Services get the same filter of calls as the commands that are run beside them.
                *door(),
                *("env", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1"),
                *("systemd-nspawn", "--quiet", "--boot", "--directory", self._root),
                *(f"--machine={self.name}", f"--hostname={self.suite}"),
                *("--settings=no", "--register=no", "--keep-unit", "--link-journal=no"),
                *("--private-network", "--resolv-conf=off", "--timezone=off", "--console=pipe"),
                f"--private-users={namespace.first()}:{namespace.COUNT}",
                "--private-users-ownership=off",
                f"--drop-capability={','.join(_GIVEN_UP)}",
            ],
            output=self.console,
        )
        while (state := self._ask(max(began + _BOOT_PATIENCE - time.monotonic(), 1))) not in _UP:
            if self._process.poll() is not None or time.monotonic() - began > _BOOT_PATIENCE:
                tail = "\n".join(self.console.read_text(errors="replace").strip().splitlines()[-12:])
                self.kill()
                raise BootError(
                    f"systemd-nspawn did not boot {self.suite} ({state or 'no systemd'}):\n{tail}"
                )
            time.sleep(0.02)
        self.state = state
        self.boot_seconds = time.monotonic() - began

    def _ask(self, patience: float) -> str:
        """Return the state that systemd inside reports when it has started; empty before systemd runs."""
        if (leader := self._first()) is None:
            return ""
        self._leader = leader
        argv = [*self.prefix, "systemctl", "is-system-running", "--wait"]
        try:
            return run.run(argv, check=False, timeout=patience).stdout.strip()
        except MachineError:  # too late
            return "starting"

    def _first(self) -> int | None:
        """Return the pid, here, of process 1 of the container: nsenter's child's child."""
        below = namespace.children(self._process.pid) if self._process else []
        return next((pid for nspawn in below for pid in namespace.children(nspawn) if _is_first(pid)), None)

    def reboot(self) -> None:
        """Shut down systemd in good order, then boot the same files again."""
        self._end("reboot", _REBOOT)
        self.start()

    def poweroff(self) -> None:
        """Shut down systemd in good order; ``start`` boots again."""
        self._end("poweroff", 0)

    def kill(self) -> None:
        """Cut the power: every process inside ends immediately; ``start`` boots again."""
        if self._process is None:
            return
        # A pid namespace ends with its process 1; systemd-nspawn then removes what it created.
        # Before that, only systemd-nspawn runs. Its parent reaps it; the init of this machine may be slow.
        leader = self._first()
        first = namespace.children(self._process.pid) if leader is None else [leader]
        for pid in first:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if first:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_END_PATIENCE)
        self._process.kill()
        self._process.wait()

    def _end(self, verb: str, expected: int) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        self.run(["systemctl", verb], check=False)
        try:
            status = process.wait(timeout=_END_PATIENCE)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise TrialError(f"{self.suite} did not {verb} within {_END_PATIENCE:.0f} s.") from late
        if status != expected:
            raise TrialError(f"systemd-nspawn exited with status {status} at {verb}, not {expected}.")

    def serve(self, package: str) -> None:
        """Do nothing: systemd has started what ``package`` enabled."""

    def broken(self, package: str) -> bool:
        """Return whether systemd has given up a service of ``package``."""
        units = services(self, package)
        return bool(units) and self.run(["systemctl", "is-failed", *units], check=False).status == 0

    def evidence(self, package: str) -> str:
        """Return the output of systemctl and the journal about the services of ``package`` and nginx."""
        units = services(self, package)
        asked = [
            *(["systemctl", "status", "--no-pager", "--full", "--lines=0", unit] for unit in units),
            *(_journal(unit, "--lines=30") for unit in units),
            _journal("nginx.service", "--lines=10", "--priority=warning"),
            ["tail", "--lines=3", "/var/log/nginx/error.log"],
        ]
        reports = (self.run(argv, check=False).stdout.strip() for argv in asked)
        return "\n\n".join(text for text in reports if text and text != "-- No entries --")


@contextmanager
def boot(
    root: Path, *, suite: str, architecture: str, name: str, settings: Mapping[str, str]
) -> Iterator[Container]:
    """Boot the folder ``root`` of a Debian ``suite`` under an overlay, and yield the running container.

    ``name`` is unique among the containers of this machine. ``settings`` are files, text by absolute path,
    that replace those of the root. The container leaves nothing behind, however it ends. Raises
    ``BootError`` if this machine cannot boot a container.
    """
    work = Path(tempfile.mkdtemp(prefix=f"{name}."))
    try:
        with (
            cgroup.create(name) as group,
            interruption.unfinished(work),
            namespace.hold(_NAMESPACES, log=work / "namespace.log") as holder,
        ):
            merged = _mount(root, work, holder)
            for path, text in settings.items():
                _write(merged / path.lstrip("/"), text, holder)
            console = work / "console.log"
            container = Container(
                suite, architecture, name, root=merged, console=console, holder=holder, group=group
            )
            try:
                container.start()
                yield container
            finally:
                container.kill()  # its files are thrown away, so an orderly shutdown would gain nothing
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _mount(root: Path, work: Path, holder: int) -> Path:
    """Mount a writable overlay in memory over ``root``, visible only in the holder's mount namespace."""

    def within(*words: str | Path) -> None:
        run.run(["nsenter", "-t", str(holder), "-m", "--", *words])

    memory = work / "memory"
    memory.mkdir()
    upper, scratch, merged = (memory / name for name in ("upper", "work", "root"))
    try:
        within("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", memory)
        within("mkdir", upper, scratch, merged)
        within("chown", f"{namespace.first()}:{namespace.first()}", upper)
        within(
            "mount",
            "-t",
            "overlay",
            "-o",
            f"lowerdir={root},upperdir={upper},workdir={scratch}",
            "overlay",
            merged,
        )
        # systemd-nspawn's own folder too, so that it leaves nothing on this machine.
        within("mkdir", "-p", "/run/systemd/nspawn")
        within("mount", "-t", "tmpfs", "tmpfs", "/run/systemd/nspawn")
    except run.CommandError as refused:
        raise BootError(
            f"This machine does not allow overlay mounts: {refused.output.strip()}"
        ) from refused
    return merged


def _write(path: Path, text: str, holder: int) -> None:
    """Write a file into a folder that only the holder's mount namespace sees."""
    words = ("nsenter", "-t", str(holder), "-m", "--", "sh", "-c", _WRITE, "sh")
    run.run([*words, path, str(namespace.first())], stdin=text.encode())


def _journal(unit: str, *options: str) -> list[str]:
    """Return the command that shows the end of the journal of ``unit``, without times and host."""
    return ["journalctl", "--no-pager", "--output=cat", f"--unit={unit}", *options]


def _is_first(pid: int) -> bool:
    """Return whether ``pid`` is process 1 of a pid namespace of its own; proc_pid_status(5)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    return any(
        line.startswith("NSpid:") and len(line.split()) > 2 and line.split()[-1] == "1" for line in lines
    )
