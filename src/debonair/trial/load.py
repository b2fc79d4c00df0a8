"""Requests to a web server inside a trial, for as long as a change of the app lasts.

This file is also the program that sends them. It runs inside the Debian on trial, with the standard library
alone, and sends requests only to 127.0.0.1. It ends when its input ends, or after ``_SECONDS``. Its output
is a line of JSON that counts the requests.
"""

from __future__ import annotations

import http.client
import json
import select
import sys
import threading
import time
from collections import Counter

_SECONDS = 1800.0
_MOST = 200_000  # requests
_PATIENCE = 60.0  # seconds for an answer
_PAUSE = 0.02  # seconds between two requests of a client
_CLIENTS = 4


class Load:
    """Clients that request one page again and again, and what became of their requests."""

    def __init__(self, port: int, path: str, host: str) -> None:
        self.port, self.path = port, path
        self.headers = {"Host": host} if host else {}
        self.until = time.monotonic() + _SECONDS
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.requests = 0
        self.slowest = 0.0
        self.problems: Counter[str] = Counter()

    def client(self, *, stays: bool) -> None:
        """Send requests until the end; one that ``stays`` keeps its connection, as a browser does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        while not self.ended.wait(_PAUSE) and time.monotonic() < self.until and self.requests < _MOST:
            began = time.monotonic()
            problem = self.ask(connection)
            if not stays:
                connection.close()
            self.note(problem, time.monotonic() - began)
        connection.close()

    def ask(self, connection: http.client.HTTPConnection) -> str:
        """Send one request; return why it failed, or nothing."""
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the server has closed it, which a client notices
        again = connection.sock is not None
        problem = self.get(connection)
        if again and problem.startswith("no answer"):
            # A server may close a connection while a request is on its way. A client then repeats it on a
            # new connection, as browsers do (RFC 9112, 9.3.1). A failure there counts.
            problem = self.get(connection)
        return problem

    def get(self, connection: http.client.HTTPConnection) -> str:
        """Request the page on ``connection``; return why that failed, or nothing."""
        try:
            connection.request("GET", self.path, headers=self.headers)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as wrong:
            connection.close()
            return f"no answer: {type(wrong).__name__}"
        return f"{reply.status} {reply.reason}"[:80] if reply.status >= 400 else ""

    def note(self, problem: str, seconds: float) -> None:
        """Count a request that took ``seconds``."""
        with self.lock:
            self.requests += 1
            self.slowest = max(self.slowest, seconds)
            if problem:
                self.problems[problem] += 1

    def report(self) -> dict[str, object]:
        """Return the counts."""
        return {
            "requests": self.requests,
            "failed": sum(self.problems.values()),
            "slowest": self.slowest,
            "problems": dict(self.problems.most_common(5)),
        }


def main(port: int, path: str, host: str) -> None:
    """Send requests until standard input ends, and print the counts."""
    load = Load(port, path, host)
    threads = [
        threading.Thread(target=load.client, kwargs={"stays": number % 2 == 0}, daemon=True)
        for number in range(_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    load.ended.set()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(load.report()) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
