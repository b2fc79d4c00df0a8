"""A control group of its own for each container; cgroups(7), cgroup_namespaces(7).

Below one that two containers shared, systemd in the one would find services of the other's where it looks
for its own of that name, and wait for processes that are not there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 2.0


@contextmanager
def own(
    name: str, *, mounts: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc/self")
) -> Iterator[Path]:
    """Make the group ``name`` below this process's own, and give its folder; it is removed at the end.

    It is the folder of this process's group if it may not have groups below it.
    """
    lines = (proc / "cgroup").read_text(encoding="utf-8").splitlines()
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::")), "")
    unified = mounts / "unified"
    parent = (unified if unified.is_dir() else mounts) / path
    group = parent / name
    try:
        group.mkdir()
    except OSError:
        yield parent
        return
    try:
        yield group
    finally:
        # Beside an older hierarchy systemd-nspawn has made the group there too.
        for made in (group, mounts / "systemd" / path / name):
            _remove(made)


def _remove(group: Path) -> None:
    """Remove ``group`` and those below it, once the last process has left them."""
    deadline = time.monotonic() + _PATIENCE
    while group.is_dir() and time.monotonic() < deadline:
        for folder in [*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group]:
            with suppress(OSError):
                folder.rmdir()
        time.sleep(0.01)
