"""Many files at once, where a storage is far away: what waits for answers may wait for many of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from debonair.apt.storage import Storage
from debonair.progress import progress

T = TypeVar("T")
R = TypeVar("R")


def each(storage: Storage, work: Callable[[T], R], items: Sequence[T], label: str) -> list[R]:
    """Return what ``work`` makes of each of ``items``, in their order; ``label`` is for a bar.

    As many run at the same time as ``storage`` bears, in any order; one after another if it bears one.
    Raises what the first to fail raises, after those that have begun have ended; the others never begin.
    """
    if storage.at_once == 1 or len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415 - a folder needs none

    with progress(label, len(items)) as bar, ThreadPoolExecutor(storage.at_once) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
                bar.advance()
        finally:
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]
