"""A connection on the loopback that is cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cutting(port: int, after: int) -> Iterator[int]:
    """Forward to ``port``; after ``after`` bytes in that direction, cut all connections and accept no more.

    Yields the port to connect to.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    left = [after]
    open_: list[socket.socket] = []
    threads: list[threading.Thread] = []
    lock = threading.Lock()

    def end() -> None:
        with lock:
            for each in [listener, *open_]:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def pump(source: socket.socket, goal: socket.socket, *, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                if counted:
                    with lock:
                        data, left[0] = data[: left[0]], left[0] - len(data)
                goal.sendall(data)
                if left[0] <= 0:
                    end()
                    break
        for each in (source, goal):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                with lock:
                    open_.extend((near, far))
                for source, goal, counted in ((near, far, True), (far, near, False)):
                    thread = threading.Thread(target=pump, args=(source, goal), kwargs={"counted": counted})
                    threads.append(thread)
                    thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        end()
        accepting.join()
        for thread in threads:
            thread.join()
        for each in [listener, *open_]:
            each.close()
