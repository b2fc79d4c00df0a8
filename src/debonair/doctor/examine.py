"""Examine this machine, one task after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from debonair.doctor.tasks import TASKS
from debonair.errors import Error
from debonair.host.cache import Cache
from debonair.host.progress import ticking


class Finding(msgspec.Struct, frozen=True):
    """The answer whether this machine can do a task."""

    task: str
    able: bool
    detail: str
    """A sentence about how the machine does it, or about what it lacks."""
    hint: str
    """A command to type, to do it or to do it better; may be empty."""


def examine(tasks: Sequence[str], cache: Cache, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each of ``tasks``, or for every task if it is empty."""
    for task in tasks or TASKS:
        with ticking(f"Checking {task}"):
            try:
                detail, hint = TASKS[task].check(cache, environ)
                found = Finding(task, able=True, detail=detail, hint=hint)
            except Error as lack:
                found = Finding(task, able=False, detail=lack.message, hint=lack.hint)
        yield found
