"""Ctrl-C ends everything within a second, whatever this process waits for, and leaves nothing behind.

The first Ctrl-C (or SIGTERM, or the end of the terminal) raises ``KeyboardInterrupt`` in the main thread,
which unwinds and cleans up. Further ones are ignored until that is done. Python cannot interrupt two waits.
A thread beside the main one checks ``begun`` by itself. A call of a library in C or Rust, such as the
search for a host's name, may not return. Then ``leave`` cleans up in the main thread's place, and ends the
process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from debonair.host import modes

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STUCK = 0.5
"""Seconds after which the main thread counts as stuck in a call of a library."""
_PATIENCE = 0.25
"""Seconds for other threads to end, and for programs to end by themselves."""

begun = threading.Event()
"""Set when this process is to end."""
_numbers: list[int] = []
"""The signals that came."""
_unwinding = threading.Event()
_unfinished: set[Path] = set()
_programs: list[subprocess.Popen[bytes]] = []
_starting = threading.Event()
"""Set while the main thread starts a program: an interruption then would lose it."""


@contextmanager
def guarded() -> Iterator[None]:
    """Handle the signals that end this process while the body runs; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    begun.clear()
    _unwinding.clear()
    _numbers.clear()
    # A shell starts programs in the background with SIGINT ignored; nohup ignores SIGHUP.
    before = {each: signal.getsignal(each) for each in _SIGNALS}
    handled = [each for each, how in before.items() if how is not signal.SIG_IGN]
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reader,), daemon=True)
    watcher.start()
    for each in handled:
        signal.signal(each, _interrupt)
    try:
        with modes.kept():
            yield
    finally:
        for each in handled:
            # Once the end has begun, nothing may disturb it.
            signal.signal(each, signal.SIG_IGN if begun.is_set() else before[each])
        signal.set_wakeup_fd(wakeup)
        os.close(writer)
        watcher.join(_PATIENCE)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Begin to end this process: unwind the main thread."""
    del frame
    _begin(number)
    if not _unwinding.is_set() and not _starting.is_set():
        _unwinding.set()
        raise KeyboardInterrupt


def _begin(number: int) -> None:
    """Note that the signal ``number`` ends this process."""
    _numbers.append(number)
    if number == signal.SIGHUP:
        modes.discard_output()
    begun.set()


def status() -> int:
    """Return the exit status of a process that was interrupted, as a shell reports that of a signal."""
    return 128 + (_numbers[0] if _numbers else signal.SIGINT)


def patience(seconds: float) -> float:
    """Return how long to wait for a program's end: ``seconds``, or almost not if this process is to end."""
    return min(seconds, _PATIENCE) if begun.is_set() else seconds


@contextmanager
def left_to_program() -> Iterator[Callable[[int], None]]:
    """Leave Ctrl-C to a program that uses this process's terminal while the body runs, as system(3) does.

    Yield a function for its exit status, which interrupts this process if Ctrl-C has ended the program.
    """
    before = signal.getsignal(signal.SIGINT)
    pressed: list[int] = []

    def ended(status: int) -> None:
        if pressed and status in (-signal.SIGINT, 128 + signal.SIGINT):
            _interrupt(signal.SIGINT, None)

    if before is not _interrupt or not os.isatty(0):
        yield ended
        return
    # The program would inherit a signal that is ignored.
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield ended
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(reader: int) -> None:
    """Read the numbers of signals, as the kernel delivers them; end the process if nobody else does."""
    with os.fdopen(reader, "rb", buffering=0) as source:
        while numbers := source.read(1):
            if numbers[0] in _SIGNALS and signal.getsignal(numbers[0]) is _interrupt:
                _begin(numbers[0])
                if not _unwinding.wait(_STUCK):
                    with suppress(OSError):
                        os.write(2, b"Interrupted.\n")
                    leave(status())


def check() -> None:
    """Raise ``KeyboardInterrupt`` in a thread beside the main one, if this process is to end.

    A thread calls this wherever it waits. The main thread gets the exception by itself.
    """
    if begun.is_set() and threading.current_thread() is not threading.main_thread():
        raise KeyboardInterrupt


@contextmanager
def unfinished(path: Path) -> Iterator[None]:
    """Have ``leave`` remove the file or folder ``path``, if the body has not ended by then."""
    _unfinished.add(path)
    try:
        yield
    finally:
        _unfinished.discard(path)


def started(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Return the program that ``start`` starts, and have ``leave`` end it.

    An interruption waits until it is known.
    """
    main = threading.current_thread() is threading.main_thread()
    if main:
        _starting.set()
    try:
        process = start()
        _programs[:] = [process, *(each for each in _programs if each.returncode is None)]
    finally:
        if main:
            _starting.clear()
    if main and begun.is_set() and not _unwinding.is_set():
        _unwinding.set()
        raise KeyboardInterrupt
    return process


def leave(status: int) -> None:
    """Clean up, and end this process without waiting for threads that a server keeps waiting."""
    left = [each for each in list(_programs) if each.poll() is None]
    for each in left:
        with suppress(OSError):
            each.terminate()
    until = time.monotonic() + _PATIENCE
    while any(each.poll() is None for each in left) and time.monotonic() < until:
        time.sleep(0.01)
    for each in left:
        with suppress(OSError):
            each.kill()
    for path in list(_unfinished):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    atexit._run_exitfuncs()  # noqa: SLF001 - removes temporary folders
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def threads(at_once: int | None) -> ThreadPoolExecutor:
    """Return a pool of threads that an interruption does not wait for longer than ``_PATIENCE``."""
    from concurrent.futures import Future, ThreadPoolExecutor, wait  # noqa: PLC0415 - slow to import

    class Threads(ThreadPoolExecutor):
        """The pool."""

        def __init__(self) -> None:
            super().__init__(at_once)
            self.jobs: WeakSet[Future[Any]] = WeakSet()

        def submit(self, *words: Any, **more: Any) -> Future[Any]:
            """Start a job, and remember it."""
            job: Future[Any] = super().submit(*words, **more)
            self.jobs.add(job)
            return job

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
            """Wait for all jobs, unless this process is to end."""
            if not begun.is_set():
                super().shutdown(wait=wait, cancel_futures=cancel_futures)
                return
            super().shutdown(wait=False, cancel_futures=True)
            _wait(list(self.jobs))

    def _wait(jobs: list[Future[Any]]) -> None:
        wait([job for job in jobs if not job.cancelled()], _PATIENCE)

    return Threads()
