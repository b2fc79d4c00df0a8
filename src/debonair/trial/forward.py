"""Forward a port of this machine to a port inside a trial.

This file is also the program that forwards. It inherits a socket that listens on this machine, and runs in
the network namespace of the trial. The inherited socket remains in the network in which it was created.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Copy bytes until ``source`` ends, then signal the end to ``sink``."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def join(client: socket.socket, port: int) -> None:
    """Join ``client`` to ``port`` of the loopback of this process, until both ends are done."""
    with client:
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            return
        with server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def serve(listening: socket.socket, port: int) -> None:
    """Join each client of ``listening`` to ``port``, each in a thread, until the socket is closed."""
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=join, args=(client, port), daemon=True).start()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
