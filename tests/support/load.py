"""Load on a web server: a program with only the standard library, run on the machine that it loads.

It sends two kinds of requests together, only to 127.0.0.1, until SIGTERM or --seconds, whichever comes
first. A closed client sends a request, waits for the answer, and repeats that on the same connection. Open
requests have a constant rate, whatever the result of those before, and a connection each. Their latency
counts from when they were due, so that a server that stops cannot hide behind a client that waits.

Each request gives a line of JSON: kind, path, due time (seconds since the epoch), latency (seconds),
status, body and problem. The status is 0 without an answer.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import select
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Line = tuple[str, str, float, float, int, str, str]

_PATIENCE = 30.0  # seconds for an answer
_MOST = 500_000  # requests of one run
_WAITING = 256  # requests of the open loop that may be under way


class Load:
    """The requests to a server, and its answers."""

    def __init__(self, port: int, paths: list[str], seconds: float) -> None:
        self.port = port
        self.paths = itertools.cycle(paths)
        self.until = time.monotonic() + seconds
        self.ended = threading.Event()
        self.lines: list[Line] = []

    def goes_on(self) -> bool:
        return not self.ended.is_set() and time.monotonic() < self.until and len(self.lines) < _MOST

    def closed(self, pause: float) -> None:
        """Run one client, which waits ``pause`` seconds between an answer and its next request."""
        connection = self.connection()
        while self.goes_on():
            self.ask("closed", connection, time.monotonic(), next(self.paths))
            self.ended.wait(pause)
        connection.close()

    def open(self, rate: float) -> None:
        """Send ``rate`` requests a second."""
        began = time.monotonic()
        with ThreadPoolExecutor(_WAITING) as pool:
            for number in itertools.count():
                due = began + number / rate
                if self.ended.wait(max(due - time.monotonic(), 0)) or not self.goes_on():
                    return
                pool.submit(self.once, due, next(self.paths))

    def once(self, due: float, path: str) -> None:
        connection = self.connection()
        self.ask("open", connection, due, path)
        connection.close()

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)

    def ask(self, kind: str, connection: http.client.HTTPConnection, due: float, path: str) -> None:
        when = time.time() - (time.monotonic() - due)
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the server has closed it, which clients notice
        used = connection.sock is not None
        status, body, problem = get(connection, path)
        if used and not status:
            # A server may also close a connection just while the request is under way. A client then
            # repeats it on a new connection, as browsers do (RFC 9112, 9.3.1). A failure on a new
            # connection counts.
            kind += " again"
            status, body, problem = get(connection, path)
        self.lines.append((kind, path, when, time.monotonic() - due, status, body, problem))


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, str, str]:
    """Return status, body and problem; after a problem the connection is closed."""
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode(errors="replace"), ""
    except (OSError, http.client.HTTPException) as wrong:
        connection.close()
        return 0, "", repr(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--path", action="append", required=True, help="one of those asked for in turn")
    parser.add_argument("--clients", type=int, default=4, help="of the closed loop")
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between a client's requests")
    parser.add_argument("--rate", type=float, default=50, help="requests a second of the open loop")
    parser.add_argument("--seconds", type=float, default=600, help="the longest time to run")
    options = parser.parse_args()
    load = Load(options.port, options.path, options.seconds)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: load.ended.set())
    threads = [threading.Thread(target=load.closed, args=[options.pause]) for _ in range(options.clients)]
    if options.rate:
        threads.append(threading.Thread(target=load.open, args=[options.rate]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with options.output.open("w") as output:
        for line in load.lines:
            output.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
