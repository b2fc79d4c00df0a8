"""A Debian without systemd, for machines that cannot boot a container, and for work that needs none.

It has a network of its own if the kernel allows one. The services of a deb run in it as their units define.
``isolation`` creates the place that it is in.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from debonair.debian.rootfs import isolation, systemd_unit
from debonair.debian.rootfs.isolation import Degree, Room
from debonair.debian.rootfs.machine import Machine, services
from debonair.errors import MachineError, TrialError
from debonair.host import interruption, run

_PATIENCE = 5.0
_LOGS = "/run/trial"


class Chroot(Machine):
    """A Debian in a changed root; ``enter`` creates one."""

    systemd = False

    def __init__(self, suite: str, architecture: str, place: Room) -> None:
        self.suite = suite
        self.architecture = architecture
        self._place = place
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words that enter it."""
        return self._place.entry

    @property
    def network(self) -> tuple[str, ...]:
        """The words that enter its network, if it has one of its own."""
        return self._place.network

    @property
    def alive(self) -> bool:
        """Return whether every service that was started still runs."""
        return all(process.poll() is None for process in self._running.values())

    def serve(self, package: str) -> None:
        """Start the services of ``package`` as their units define, and nginx if it is installed."""
        self._make_folders(package)
        for name in services(self, package):
            self._start(self._service(name))
        if self.run(["test", "-x", "/usr/sbin/nginx"], check=False).status == 0:
            self._spawn("nginx.service", ["/usr/sbin/nginx", "-g", "daemon off;"])

    def broken(self, package: str) -> bool:
        """Return whether a service that was started has ended, whatever ``package`` it is of."""
        del package
        return not self.alive

    def evidence(self, package: str) -> str:
        """Return the state and the last output of each started service, whatever ``package`` it is of."""
        del package
        parts = []
        for name, process in self._running.items():
            state = "running" if process.poll() is None else f"exited with status {process.returncode}"
            lines = self.run(["tail", "-n", "40", self._log(name)], check=False).stdout.strip().splitlines()
            parts.append("\n".join([f"{name}: {state}", *(f"  {line}" for line in lines)]))
        errors = self.read("/var/log/nginx/error.log")
        if errors:
            parts.append("/var/log/nginx/error.log:\n" + "\n".join(errors.splitlines()[-3:]))
        return "\n\n".join(parts)

    def stop(self) -> None:
        """End everything that was started, first gracefully, each with all of its session."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            for process in self._running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signum)
            until = time.monotonic() + interruption.patience(_PATIENCE)
            for process in self._running.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=max(until - time.monotonic(), 0))

    def _make_folders(self, package: str) -> None:
        """Create the tmpfiles.d(5) folders of ``package``: systemd-tmpfiles needs a /proc to work."""
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

    def _service(self, name: str) -> systemd_unit.Service:
        """Read the unit ``name`` with its drop-ins."""
        places = [
            f"/usr/lib/systemd/system/{name}",
            f"/lib/systemd/system/{name}",
            f"/etc/systemd/system/{name}",
        ]
        script = 'for f in "$@"; do [ ! -L "$f" ] && [ -f "$f" ] && cat "$f" && break; done; '
        script += 'for f in /etc/systemd/system/service.d/*.conf /usr/lib/systemd/system/"$0".d/*.conf '
        script += '/etc/systemd/system/"$0".d/*.conf; '
        script += 'do [ ! -f "$f" ] || cat "$f"; done'
        return systemd_unit.parse(name, self.run(["sh", "-c", script, name, *reversed(places)]).stdout)

    def _start(self, service: systemd_unit.Service) -> None:
        """Start ``service`` as its unit defines: folders, environment, user. Sandboxing is left out."""
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": "/root",
            **service.environment,
        }
        for path in service.environment_files:
            text = self.read(path.lstrip("-"))
            if text is None and not path.startswith("-"):
                raise TrialError(f"{service.name} names the EnvironmentFile {path}, which does not exist.")
            environment |= systemd_unit.variables(text or "")
        group = service.group or self.run(["id", "-gn", service.user]).stdout.strip()
        for folder in service.directories:
            owner = ["root", "root"] if folder.path.startswith("/etc/") else [service.user, group]
            self.run(["install", "-d", "-m", folder.mode, "-o", owner[0], "-g", owner[1], folder.path])
            environment[folder.variable] = ":".join(
                other.path for other in service.directories if other.variable == folder.variable
            )
        identity = ["setpriv", f"--reuid={service.user}", f"--regid={group}"]
        if service.groups:
            group_ids = self.run(["id", "-G", service.user]).stdout.split()
            identity.append(f"--groups={','.join([*group_ids, *service.groups])}")
        else:
            identity.append("--init-groups")
        setting = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        place = ["sh", "-c", 'umask "$0"; cd "$1" && shift && exec "$@"', service.umask]
        place.append(service.working_directory.lstrip("-"))
        for command in service.start_pre:
            as_whom = [] if command.as_root else identity
            done = self.run(
                [*as_whom, *setting, *place, *systemd_unit.expanded(command.words, environment)],
                check=False,
            )
            if done.status and not command.may_fail:
                raise TrialError(
                    f"ExecStartPre of {service.name} exited with status "
                    f"{done.status}:\n{done.stdout}{done.stderr}"
                )
        for command in service.start:
            as_whom = [] if command.as_root else identity
            self._spawn(
                service.name,
                [*as_whom, *setting, *place, *systemd_unit.expanded(command.words, environment)],
            )

    def _spawn(self, name: str, argv: Sequence[str]) -> None:
        # The log stays inside, where memory is limited.
        shell = ["sh", "-c", 'mkdir -p "${0%/*}" && exec "$@" >>"$0" 2>&1', self._log(name)]
        self._running[name] = run.start(self.words([*shell, *argv]), output=Path(os.devnull))

    def _log(self, name: str) -> str:
        return f"{_LOGS}/{name}.log"


@contextmanager
def enter(tar: Path, *, suite: str, architecture: str, name: str, degree: Degree) -> Iterator[Chroot]:
    """Unpack the root in ``tar`` into memory, or a temporary folder, and yield the Debian in it.

    Raises ``MachineError`` if it cannot be unpacked or run. Call ``isolation.granted`` for the ``degree``
    first.
    """
    with isolation.make(tar, name=name, degree=degree) as place:
        machine = Chroot(suite, architecture, place)
        try:
            machine.run(["true"])
        except run.CommandError as refused:
            raise MachineError(
                f"The root of {suite} was unpacked, but nothing can run in it: {refused.output.strip()}",
                hint=isolation.HINT,
            ) from refused
        # As on every machine without an init: packages must not start their services; invoke-rc.d(8).
        machine.write("/usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", mode=0o755)
        try:
            yield machine
        finally:
            machine.stop()
