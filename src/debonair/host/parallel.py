"""Work on many files in parallel: many requests to a remote storage, or one thread for each core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from debonair.host.interruption import threads
from debonair.host.progress import progress

T = TypeVar("T")
R = TypeVar("R")

CORES = os.cpu_count() or 1
"""Number of threads that unpack, compress and hash in parallel; Python releases its lock for that."""


def each(at_once: int, work: Callable[[T], R], items: Sequence[T], label: str) -> list[R]:
    """Return the result of ``work`` for each of ``items``, in their order; ``label`` is for a bar.

    ``at_once`` of them run in parallel, in threads and in any order; if that is 1, one after another.
    Raises what the first failure raises, after those that have started have ended; the others never start.
    """
    if at_once == 1 or len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import as_completed  # noqa: PLC0415 - unused by a folder

    with progress(label, len(items)) as bar, threads(at_once) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
                bar.advance()
        finally:
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]
