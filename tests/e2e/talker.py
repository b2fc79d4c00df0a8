"""Somebody in the room of examples/chat: says one thing, and prints what is heard, and how it ended.

A websocket (RFC 6455) by the standard library alone, as far as a few short words need it.
"""

from __future__ import annotations

import socket
import sys

_HELLO = (
    b"GET /room HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_TEXT, _CLOSE = 1, 8
_MASK = bytes(4)  # a client masks what it sends; by this nothing changes


def main(message: str) -> None:
    """Enter the room and say ``message``; return when the connection has ended."""
    with socket.create_connection(("127.0.0.1", 80), timeout=120) as wire, wire.makefile("rb") as heard:
        wire.sendall(_HELLO)
        tell(f"entered: {heard.readline().split()[1].decode()}")
        while heard.readline().strip():
            pass
        wire.sendall(bytes([0x80 | _TEXT, 0x80 | len(message)]) + _MASK + message.encode())
        while head := heard.read(2):
            body = heard.read(head[1])
            if head[0] & 15 == _TEXT:
                tell(f"heard: {body.decode()}")
            elif head[0] & 15 == _CLOSE:
                tell(f"closed: {int.from_bytes(body[:2], 'big')}")
                return
    tell("cut")


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
