"""Many files at once: what waits for a storage far away may wait for many answers, and cores share work."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from debonair.host.progress import progress

T = TypeVar("T")
R = TypeVar("R")

CORES = os.cpu_count() or 1
"""How many threads unpack, compress and hash at the same time: Python lets go of them for that."""


def each(at_once: int, work: Callable[[T], R], items: Sequence[T], label: str) -> list[R]:
    """Return what ``work`` makes of each of ``items``, in their order; ``label`` is for a bar.

    ``at_once`` of them run at the same time, in threads and in any order; one after another if that is 1.
    Raises what the first to fail raises, after those that have begun have ended; the others never begin.
    """
    if at_once == 1 or len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415 - a folder needs none

    with progress(label, len(items)) as bar, ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
                bar.advance()
        finally:
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]
