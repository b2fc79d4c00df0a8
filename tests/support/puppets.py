"""A Pi with an app that was broken into, its neighbour, and the attacker's control of the app."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debians import Builder

from debonair import trial
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.container import Container
from debonair.host.run import Completed

HERE = Path(__file__).parents[1] / "attacks/app"
NAME = "puppet"
DATA = f"/var/lib/{NAME}"
SITE = trial.Site("/well", f"{NAME}.test")
NEIGHBOUR = trial.Site("/", "neighbour.test")
PATIENCE = 150
"""Seconds after which apt counts as hanging: more than the puppet's timeouts and the drain together."""

_DENIED = "    location /private { deny all; }\n    include "
_PLACES = """
import os, socket, stat
def places():
    "The folders below /run that the app can write to, the upper ones first."
    found = []
    for folder, _, _ in os.walk("/run"):
        if os.access(folder, os.W_OK):
            found.append(folder)
    return found
def sockets(kind):
    "The paths of the app's own sockets whose names end like that."
    named = [os.path.join(place, name) for place in places() for name in os.listdir(place)]
    return sorted(path for path in named if path.endswith(kind) and stat.S_ISSOCK(os.lstat(path).st_mode))
"""
_PROCESSES = """
find /proc -maxdepth 1 -name '[0-9]*' -user "$0" -printf '%f\\n' | while read -r pid; do
    printf '%s ' "$pid"
    tr '\\0\\n' '  ' 2>/dev/null <"/proc/$pid/cmdline"
    echo
done
"""
_LEAVE = """
import os, subprocess
path = {path!r}
with open(path, "w") as file:
    file.write({code!r})
subprocess.Popen(
    ["/bin/sh", "-c", 'setsid /usr/bin/python3 "$0" >/dev/null 2>&1 </dev/null &', path], close_fds=True
).wait()
"""


@dataclass
class Puppet:
    """The app that was broken into, installed on ``machine``; its versions are 1.0, 1.1 and so on."""

    machine: Container
    build: Builder
    folder: Path
    number: int = 0

    def __call__(self, code: str, *, timeout: float = 30) -> str:
        """Run ``code`` in the app's process; return its variable ``result``, or a traceback."""
        data = {"code": _PLACES + textwrap.dedent(code)}
        headers = {"Host": SITE.host}
        return self.machine.get("/do", headers=headers, data=data, timeout=timeout).text

    def leave(self, name: str, code: str) -> None:
        """Leave a program behind: a process in a session of its own, whose parent has ended."""
        path = f"{DATA}/{name}.py"
        result = self(_LEAVE.format(path=path, code=_PLACES + textwrap.dedent(code)))
        assert result == "", result

    def keep(self, name: str, text: str) -> None:
        """Write a file into the app's data folder."""
        result = self(
            f"path = {f'{DATA}/{name}'!r}\nos.makedirs(os.path.dirname(path), exist_ok=True)\n"
            f"open(path, 'w').write({textwrap.dedent(text)!r})"
        )
        assert result == "", result

    def version(self, number: int | None = None) -> str:
        """Return Debian's version of the ``number``-th release, or of the last one."""
        return f"1.{self.number if number is None else number}-1+deb13"

    def release(
        self,
        code: str = "",
        *,
        settings: str = "",
        edit: Callable[[str], str] = str,
        tables: str = "",
        files: Mapping[str, str] | None = None,
    ) -> Path:
        """Build the next release and return its deb.

        ``code`` is run when it is imported; ``settings`` are further lines of ``[tool.debonair]``,
        ``tables`` further tables of it; ``files`` are further modules.
        """
        self.number += 1
        ignored = shutil.ignore_patterns("dist", "__pycache__")
        project = self.folder / f"{NAME}-1.{self.number}"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(HERE / NAME, project, ignore=ignored)
        config = project / "pyproject.toml"
        text = config.read_text().replace('version = "1.0"', f'version = "1.{self.number}"', 1)
        for line in settings.splitlines():
            text = re.sub(rf"(?m)^{line.partition(' = ')[0]} = .*\n", "", text)
        if 'server = "command"' in settings:  # uWSGI no longer serves it
            text = text.replace("[tool.debonair.uwsgi]\nprocesses = 1\n", "")
        text = text.replace("[tool.debonair]\n", f"[tool.debonair]\n{settings}\n", 1)
        config.write_text(f"{text}\n{tables}\n")
        module = project / f"{NAME}.py"
        text = module.read_text().replace('VERSION = "1.0"', f'VERSION = "1.{self.number}"')
        module.write_text(edit(text.replace("# FURTHER CODE\n", f"{textwrap.dedent(code)}\n")))
        for name, text in (files or {}).items():
            (project / name).write_text(text)
        return self.build(project, f"{self.machine.suite}-{self.machine.architecture}")

    def upgrade(self, code: str = "", *, timeout: float = PATIENCE, **how: Any) -> Completed:
        """Build the next release and install it with apt; it may take ``timeout`` seconds."""
        return apt_install(self.machine, self.release(code, **how), timeout=timeout)

    def status(self) -> Mapping[str, Any]:
        """Return the status from the app's own command."""
        found = self.machine.run([NAME, "status", "--json"], check=False, timeout=60).stdout
        answer = json.loads(found)
        assert isinstance(answer, dict)
        return answer

    def page(self) -> str:
        """Return the release that answers a visitor."""
        return self.machine.get("/", headers={"Host": SITE.host}).text

    def taken(self, done: Completed) -> None:
        """Assert that the release installed last is in service, and that apt and dpkg succeeded."""
        assert done.status == 0, done.stdout + done.stderr
        assert sound(self.machine) == ""
        assert self.page() == f"1.{self.number}", done.stdout + done.stderr

    def processes(self) -> list[str]:
        """Return pid and command line of each process of the app's user."""
        listed = self.machine.run(["sh", "-c", _PROCESSES, NAME]).stdout
        return [line.strip() for line in listed.splitlines()]

    def kill(self) -> None:
        """End all processes of the app's user."""
        for line in self.processes():
            self.machine.run(["kill", "-KILL", line.split()[0]], check=False)


def others_of(puppet: Puppet, marker: str) -> list[str]:
    """Return the processes of the app that contain ``marker``, after short-lived ones have ended."""
    deadline = time.monotonic() + 15
    while (
        found := [line for line in puppet.processes() if marker in line]
    ) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def apt_install(machine: Container, deb: Path, *, timeout: float = PATIENCE) -> Completed:
    """Install a deb with apt, all dependencies of which are there, within ``timeout`` seconds."""
    machine.copy_in(deb, f"/srv/{deb.name}")
    argv = ["apt-get", "install", "--yes", "--allow-downgrades", "--reinstall", f"/srv/{deb.name}"]
    return machine.run(argv, check=False, timeout=timeout)


def sound(machine: Container, *, name: str = NAME) -> str:
    """Return dpkg's problems with the machine, empty if there are none."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", name]
    letters = machine.run(query, check=False).stdout.strip()
    audit = machine.run(["dpkg", "--audit"], check=False).stdout
    return audit if letters == "ii" else f"{name} is {letters}: {audit}"


def begin(bed: Bed, machine: Container, build: Builder, folder: Path) -> Puppet:
    """Install the puppet on ``machine``, and wait until it is served."""
    puppet = Puppet(machine, build, folder, number=-1)
    trial.install(bed, machine, puppet.release())
    trial.healthy(machine, NAME, SITE)
    return puppet


def settle(bed: Bed, puppet: Puppet) -> None:
    """Install the puppet's neighbour, whose admin denies a part of it to everybody."""
    machine = puppet.machine
    trial.install(bed, machine, puppet.build(HERE / "neighbour", f"{machine.suite}-{machine.architecture}"))
    site = "/etc/nginx/sites-available/neighbour"
    text = (machine.read(site) or "").replace("    include ", _DENIED, 1)
    machine.write(site, text.encode())
    machine.run(["systemctl", "reload", "nginx"])
    trial.healthy(machine, "neighbour", NEIGHBOUR)
    deadline = time.monotonic() + 20
    while machine.get("/private", headers={"Host": NEIGHBOUR.host}).status != 403:
        assert time.monotonic() < deadline, "nginx has not read the neighbour's site"
        time.sleep(0.2)


def clean(puppet: Puppet) -> None:
    """End the attacker's processes, and empty the app's data: the next attack starts from nothing."""
    machine = puppet.machine
    # On a busy machine, systemd takes the emperor for a stranger's (PrivatePIDs=). If the host has control
    # groups of version 1, it does not see either that the unit has no process left, and waits three limits.
    machine.run(["systemctl", "stop", NAME], check=False, timeout=300)
    puppet.kill()
    machine.run(["find", DATA, "-mindepth", "1", "-delete"], check=False)
    machine.run(["systemctl", "start", NAME], timeout=60)
    trial.healthy(machine, NAME, SITE)
