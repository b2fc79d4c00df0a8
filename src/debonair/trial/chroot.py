"""A Debian without systemd, where no container can be booted.

It is its files, a network of its own if the kernel grants one, and the services of a deb, run by what
their units say.

Three degrees, by privilege: in a user namespace (an account without root), in namespaces (root, but no
container boots), in a plain chroot (root without the right to mount, as in most containers).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from debonair import run
from debonair.errors import MachineError, TrialError
from debonair.trial import namespace, unit
from debonair.trial.machine import Machine, services
from debonair.trial.privilege import Privilege
from debonair.trial.root import unpack

_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_PATIENCE = 5.0
_HINT = "Run it as root on a machine of your own, or in a container with --privileged."


class Chroot(Machine):
    """A Debian in a changed root; ``enter`` makes one."""

    def __init__(
        self,
        suite: str,
        architecture: str,
        root: Path,
        *,
        work: Path,
        entry: Sequence[str],
        network: Sequence[str],
    ) -> None:
        self.suite = suite
        self.architecture = architecture
        self._root = root
        self._work = work
        self._entry = tuple(entry)
        self._network = tuple(network)
        self._program = run.find("chroot")  # in /usr/sbin, which a user's PATH leaves out
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words that enter the namespaces, if any, and change the root."""
        return (*self._entry, self._program, str(self._root))

    @property
    def network(self) -> tuple[str, ...]:
        """The words that enter its network, if it has one of its own."""
        return self._network

    @property
    def alive(self) -> bool:
        """Whether every service that was started still runs."""
        return all(process.poll() is None for process in self._running.values())

    def serve(self, package: str) -> None:
        """Start the services of ``package`` by what their units say, and nginx if it is there."""
        self._make_folders(package)
        for name in services(self, package):
            self._start(self._service(name))
        if self.run(["test", "-x", "/usr/sbin/nginx"], check=False).status == 0:
            self._spawn("nginx.service", ["/usr/sbin/nginx", "-g", "daemon off;"])

    def broken(self, package: str) -> bool:
        """Whether a service that was started has ended, whatever ``package`` it is of."""
        del package
        return not self.alive

    def evidence(self, package: str) -> str:
        """Return the state and the last words of what was started, whatever ``package`` it is of."""
        del package
        parts = []
        for name, process in self._running.items():
            state = "running" if process.poll() is None else f"ended with status {process.returncode}"
            said = self._log(name).read_text(errors="replace").strip().splitlines()[-40:]
            parts.append("\n".join([f"{name}: {state}", *(f"  {line}" for line in said)]))
        errors = self.read("/var/log/nginx/error.log")
        if errors:
            parts.append("/var/log/nginx/error.log:\n" + "\n".join(errors.splitlines()[-3:]))
        return "\n\n".join(parts)

    def stop(self) -> None:
        """End what was started, first gracefully, each with all of its session."""
        for told in (signal.SIGTERM, signal.SIGKILL):
            for process in self._running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, told)
            for process in self._running.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_PATIENCE)

    def _make_folders(self, package: str) -> None:
        """Make what tmpfiles.d(5) of ``package`` says: systemd-tmpfiles refuses to work without a /proc."""
        listed = self.run(["dpkg-query", "--listfiles", package], check=False).stdout.split("\n")
        for path in (
            line for line in listed if line.startswith("/usr/lib/tmpfiles.d/") and line.endswith(".conf")
        ):
            for line in (self.read(path) or "").splitlines():
                words = [*line.split(), "-", "-", "-"]
                if words[0] in {"d", "D"}:
                    mode, user, group = (word if word != "-" else "" for word in words[2:5])
                    owner = ["-o", user or "root", "-g", group or "root"]
                    self.run(["install", "-d", "-m", mode or "0755", *owner, words[1]])

    def _service(self, name: str) -> unit.Service:
        """Read the unit ``name`` with its drop-ins."""
        places = [
            f"/usr/lib/systemd/system/{name}",
            f"/lib/systemd/system/{name}",
            f"/etc/systemd/system/{name}",
        ]
        script = 'for f in "$@"; do [ ! -L "$f" ] && [ -f "$f" ] && cat "$f" && break; done; '
        script += 'for f in /usr/lib/systemd/system/"$0".d/*.conf /etc/systemd/system/"$0".d/*.conf; '
        script += 'do [ ! -f "$f" ] || cat "$f"; done'
        return unit.parse(name, self.run(["sh", "-c", script, name, *reversed(places)]).stdout)

    def _start(self, service: unit.Service) -> None:
        """Start ``service`` as its unit says: folders, environment, user; sandboxing left out."""
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": "/root",
            **service.environment,
        }
        for path in service.environment_files:
            text = self.read(path.lstrip("-"))
            if text is None and not path.startswith("-"):
                raise TrialError(f"{service.name} names the EnvironmentFile {path}, which is not there.")
            environment |= unit.variables(text or "")
        group = service.group or self.run(["id", "-gn", service.user]).stdout.strip()
        for folder in service.directories:
            owner = ["root", "root"] if folder.path.startswith("/etc/") else [service.user, group]
            self.run(["install", "-d", "-m", folder.mode, "-o", owner[0], "-g", owner[1], folder.path])
            environment[folder.variable] = ":".join(
                other.path for other in service.directories if other.variable == folder.variable
            )
        identity = ["setpriv", f"--reuid={service.user}", f"--regid={group}"]
        if service.groups:
            own = self.run(["id", "-G", service.user]).stdout.split()
            identity.append(f"--groups={','.join([*own, *service.groups])}")
        else:
            identity.append("--init-groups")
        setting = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        place = ["sh", "-c", 'umask "$0"; cd "$1" && shift && exec "$@"', service.umask]
        place.append(service.working_directory.lstrip("-"))
        for command in service.start_pre:
            as_whom = [] if command.as_root else identity
            done = self.run(
                [*as_whom, *setting, *place, *unit.expanded(command.words, environment)],
                check=False,
            )
            if done.status and not command.may_fail:
                raise TrialError(
                    f"ExecStartPre of {service.name} ended with status {done.status}:\n"
                    f"{done.stdout}{done.stderr}"
                )
        for command in service.start:
            as_whom = [] if command.as_root else identity
            self._spawn(
                service.name, [*as_whom, *setting, *place, *unit.expanded(command.words, environment)]
            )

    def _spawn(self, name: str, argv: Sequence[str]) -> None:
        self._running[name] = run.start(self.words(argv), output=self._log(name))

    def _log(self, name: str) -> Path:
        return self._work / f"{name}.log"


def granted(privilege: Privilege) -> None:
    """Raise ``MachineError`` with what is needed if ``privilege`` does not let a root be entered at all."""
    if not privilege.chroots:
        raise MachineError("Neither a container nor a chroot is granted to this process.", hint=_HINT)
    if privilege.mounts:
        with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="debonair.") as work:
            _namespaces(stack, Path(work), privilege)


@contextmanager
def enter(tar: Path, *, suite: str, architecture: str, name: str, privilege: Privilege) -> Iterator[Chroot]:
    """Unpack the root in ``tar`` into memory, or a temporary folder, and give the Debian in it.

    Raises ``MachineError`` if it cannot be unpacked or run; ask ``granted`` first.
    """
    with ExitStack() as stack:
        work = Path(tempfile.mkdtemp(prefix=f"{name}."))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        root = work / "root"
        root.mkdir(mode=0o755)
        if privilege.mounts:
            entry, network = _namespaces(stack, work, privilege)
            _furnish(tar, root, entry)
        else:
            entry, network = (), ()
            _unpack_here(tar, root)
        machine = Chroot(suite, architecture, root, work=work, entry=entry, network=network)
        try:
            machine.run(["true"])
        except run.CommandError as refused:
            raise MachineError(
                f"The root of {suite} was unpacked, but nothing may run in it: {refused.output.strip()}",
                hint=_HINT,
            ) from refused
        # As on every machine without an init: packages must not start their services; invoke-rc.d(8).
        machine.write("/usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", mode=0o755)
        stack.callback(machine.stop)
        yield machine


def _namespaces(
    stack: ExitStack, work: Path, privilege: Privilege
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hold namespaces until ``stack`` ends; return the words that enter them, and their network alone."""
    options = ["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc"]
    if not privilege.root:
        run.find("newuidmap")  # unshare would only say that it failed
        options = ["--user", "--map-auto", "--map-root-user", *options]
    try:
        pid = stack.enter_context(namespace.hold(options, log=work / "namespace.log"))
    except MachineError as refused:
        raise MachineError(
            refused.message,
            hint="Run it as root (sudo), or let this account have user namespaces: a range in /etc/subuid "
            "and /etc/subgid (sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER), "
            "and no sysctl that forbids them.",
        ) from refused
    user = () if privilege.root else ("-U",)
    return (
        ("nsenter", "-t", str(pid), *user, "-m", "-p", "-n", "-u", "-i", "--"),
        ("nsenter", "-t", str(pid), *user, "-n", "--"),
    )


def _unpack_here(tar: Path, root: Path) -> None:
    try:
        unpack(tar, root)
    except run.CommandError as refused:  # no device nodes, mostly
        raise MachineError(f"A root cannot be unpacked here: {refused.message}", hint=_HINT) from refused


def _furnish(tar: Path, root: Path, entry: Sequence[str]) -> None:
    """Unpack ``tar`` into memory at ``root``, and give it the kernel's file systems and a loopback."""

    def within(*words: str | Path, check: bool = True) -> None:
        run.run([*entry, *words], check=check)

    within("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", root)
    unpack(tar, root, within=entry, devices=False)
    for device in _DEVICES:
        within("touch", root / "dev" / device)
        within("mount", "--bind", f"/dev/{device}", root / "dev" / device)
    within("mkdir", "-p", root / "dev/pts", root / "dev/shm")
    within(
        "mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", root / "dev/pts", check=False
    )
    within("ln", "-sf", "pts/ptmx", root / "dev/ptmx")
    within("ln", "-sf", "/proc/self/fd", root / "dev/fd")
    # A container that hides parts of /proc does not let a new one be mounted; most programs do without.
    within("mount", "-t", "proc", "proc", root / "proc", check=False)
    within(run.find("chroot"), root, "ip", "link", "set", "lo", "up", check=False)
