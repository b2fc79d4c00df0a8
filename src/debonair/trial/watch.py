"""The answer of an app that apt is about to refuse, while it still runs.

apt waits for a new app until it is healthy, half a minute by default, and then stops it. Only a request in
between shows its error page. This file is also the program that sends it. It runs inside the Debian on
trial, with the standard library and the package's own programs. It ends when its input ends.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from pathlib import Path

_MOST = 64_000  # bytes of an answer
_PATIENCE = 10.0  # seconds
_PAUSE = 0.5


def ask(package: str) -> bytes:
    """Return the answer of the health page of ``package`` on its own sockets, empty if there is none."""
    programs = f"/usr/lib/{package}/libexec"
    if not Path(programs, "probe.py").is_file():
        return b""  # not unpacked yet; Python would remember that the folder is missing
    if programs not in sys.path:
        sys.path.insert(0, programs)
    from probe import http_request, request  # noqa: PLC0415

    release = json.loads(Path(f"/usr/lib/{package}/dist/release.json").read_bytes())
    form = http_request if release.get("server") == "command" else request
    packet = form(release["health"], release["host"])
    for name in ("next", "web"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            try:
                connection.connect(f"/run/{package}/sockets/{name}/app.sock")
                connection.sendall(packet)
                answer = b""
                while len(answer) < _MOST and (part := connection.recv(65536)):
                    answer += part
            except OSError:
                continue
        return answer
    return b""


def main(package: str) -> None:
    """Print the first error that the app answers twice in a row, in hexadecimal."""
    before = ""
    while not select.select([sys.stdin], [], [], _PAUSE)[0]:
        try:
            answer = ask(package)
        except (ImportError, OSError, ValueError, KeyError):  # only half unpacked
            continue
        status = answer[9:12].decode(errors="replace")
        if not answer.startswith(b"HTTP/1.") or status < "400":
            status = ""
        if status and status == before:
            sys.stdout.write(answer.hex() + "\n")
            return
        before = status


if __name__ == "__main__":
    main(sys.argv[1])
