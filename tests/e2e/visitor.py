"""A visitor of the guest book, which writes a line of JSON for each answer: [heading or key, status].

It is run by this machine's Python in the network of a booted Debian: ``visitor.py read|sign SECONDS``. A
reader asks for the page; a signer leaves an entry with a key of its own in it. Status 0 is no answer.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import sys
import time
from urllib.parse import urlencode

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(key: str) -> tuple[int, str]:
    """Sign with ``key``, or read the page if it is empty; return the status and the page."""
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
    try:
        if key:
            connection.request("POST", "/", urlencode({"name": "visitor", "message": key}), FORM)
        else:
            connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as nothing:
        return 0, f"<h1>{nothing!r}</h1>"
    finally:
        connection.close()


def main(what: str, pause: float) -> None:
    """Ask again and again, ``pause`` seconds after each answer."""
    for number in itertools.count():
        key = f"{os.getpid()}-{number}" if what == "sign" else ""
        status, page = ask(key)
        heading = re.search("<h1>(.*?)</h1>", page)
        sys.stdout.write(json.dumps([key or (heading[1] if heading else page[:80]), status]) + "\n")
        sys.stdout.flush()
        time.sleep(pause)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
