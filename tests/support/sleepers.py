"""Apps that sleep: build them under any name, watch them fall asleep, measure and wake them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from debonair.debian.rootfs.machine import Machine

HELLO = Path(__file__).parents[2] / "examples/hello"
SLEEP_AFTER = 2  # seconds
_PATIENCE = 15.0  # seconds; uWSGI looks for idle apps once a second
_TAKEN_BACK = 2.5  # seconds in which the emperor takes the socket back; requests wait in the meantime


@dataclass(frozen=True)
class Sleeper:
    """Builds the smallest app under any name and version; its page shows both."""

    folder: Path
    build: Callable[[Path, str], Path]

    def __call__(self, package: str, version: str = "1.0") -> Path:
        """Return the deb, for trixie on amd64."""
        root = self.folder / f"{package}-{version}"
        shutil.copytree(HELLO, root, ignore=shutil.ignore_patterns("dist"))
        settings = f'version = "{version}"\nsleep-after = "{SLEEP_AFTER}s"\n'
        settings += f'nginx.server-name = "{host(package)}"\nuwsgi.processes = 2'
        _change(root / "debonair.toml", '"hello-pi"', f'"{package}"')
        _change(root / "debonair.toml", 'version = "1.0"', settings)
        _change(root / "app.py", "a Raspberry Pi", f"{package} {version}")
        return self.build(root, "trixie-amd64")


@dataclass(frozen=True)
class Memory:
    """The memory of an app's processes, in kB (proc_pid_smaps(5))."""

    private: int
    """Pages that no other process has."""
    proportional: int
    """Those, and its share of the others."""


def host(package: str) -> str:
    """Return the host name of the site of ``package``."""
    return f"{package}.example.org"


def install(machine: Machine, *debs: Path) -> None:
    """Install ``debs``, the dependencies of which are there."""
    for deb in debs:
        machine.copy_in(deb, f"/srv/{deb.name}")
    machine.run(["dpkg", "--install", *(f"/srv/{deb.name}" for deb in debs)])


def emperor(machine: Machine, package: str) -> str:
    """Return the process id of the service."""
    return machine.run(["systemctl", "show", "-P", "MainPID", package]).stdout.strip()


def processes(machine: Machine, package: str) -> list[str]:
    """Return the processes of the service except its emperor."""
    group = machine.run(["systemctl", "show", "-P", "ControlGroup", package]).stdout.strip()
    found = (machine.read(f"/sys/fs/cgroup{group}/cgroup.procs") or "").split()
    main = emperor(machine, package)
    assert main in found
    return [pid for pid in found if pid != main]


def fall_asleep(machine: Machine, package: str) -> None:
    """Wait until ``package`` has no process left except its emperor."""
    deadline = time.monotonic() + _PATIENCE
    while processes(machine, package):
        assert time.monotonic() < deadline, f"{package} does not sleep"
        time.sleep(0.1)
    time.sleep(_TAKEN_BACK)


def memory(machine: Machine, package: str) -> Memory:
    """Return the memory of the emperor of ``package``."""
    rollup = machine.read(f"/proc/{emperor(machine, package)}/smaps_rollup") or ""
    sizes = {
        line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines() if line.endswith(" kB")
    }
    return Memory(sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Pss"])


def page(machine: Machine, package: str) -> tuple[str, float]:
    """Return the page of ``package``, through nginx, and the seconds that it took."""
    found = machine.get("/", headers={"Host": host(package)})
    assert found.status == 200, found.text
    return found.text.strip(), found.seconds


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
