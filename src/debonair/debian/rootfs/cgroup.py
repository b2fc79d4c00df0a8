"""A control group of its own for each container; cgroups(7), cgroup_namespaces(7).

If two containers shared one group, systemd in the first would take services of the second for its own
services of the same name. It would then wait for processes that do not exist.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 2.0


@contextmanager
def create(
    name: str, *, mounts: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc/self")
) -> Iterator[Path]:
    """Create the group ``name`` below this process's own, and return its folder; it is removed at the end.

    The folder is that of this process's own group if it may not create groups.
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
        # With an older hierarchy, systemd-nspawn has also created the group there.
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
