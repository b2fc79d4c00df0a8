"""A command that waits for something that never comes, and the folders that it may write to."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from publisher import environment

PATIENCE = 5
"""Seconds to end: a busy machine takes longer than the one second that people notice."""
SETTINGS = """\
package = "hello-pi"
version = "1.0"
maintainer = "Ada <ada@example.org>"
description = "Says hello"
targets = ["trixie-amd64", "trixie-arm64"]
"""


class Silent:
    """A server that takes requests, and answers with nothing, or with a byte from time to time."""

    def __init__(self, *, trickles: bool = False) -> None:
        self.asked = threading.Event()
        self._trickles = trickles
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(
                    target=self._serve, args=(self._listening.accept()[0],), daemon=True
                ).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(4096)
            if self._trickles:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            self.asked.set()
            while not self._over.wait(0.1):
                if self._trickles:
                    client.sendall(b"x")

    def close(self) -> None:
        self._over.set()
        self._listening.close()


@dataclass
class Place:
    """The folders of one command, and what it waits for."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    servers: list[Silent] = field(default_factory=list)
    held: BinaryIO | None = None
    """The lock of another command."""

    def __post_init__(self) -> None:
        for name in ("tmp", "cache", "home", "project", "bin"):
            (self.folder / name).mkdir()
        self.environ |= {
            **{key: value for key, value in environment().items() if not key.startswith(("UV_", "PIP_"))},
            "TMPDIR": str(self.folder / "tmp"),
            "DEBONAIR_CACHE": str(self.folder / "cache"),
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "SOURCE_DATE_EPOCH": "1700000000",
            "DEBONAIR_PIWHEELS": "off",
        }

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def write(self, **files: str) -> None:
        texts = {"debonair_toml": SETTINGS, "app_py": "app = print\n", **files}
        for name, text in texts.items():
            (self.project / name.replace("_", ".")).write_text(text)

    def server(self, *, trickles: bool = False) -> Silent:
        self.servers.append(Silent(trickles=trickles))
        return self.servers[-1]

    def program(self, name: str) -> Path:
        """Put a program into PATH that never ends; return the file that exists when it runs."""
        path, there = self.folder / "bin" / name, self.folder / f"{name} runs"
        path.write_text(f"#!/bin/sh\n: >'{there}'\nexec sleep 7531\n")
        path.chmod(0o755)
        return there

    def files(self) -> set[str]:
        """Every file and folder, except those that are kept on purpose."""
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}
        kept = ("cache/apt/", "home/", "bin/")
        return {path for path in found if not path.startswith(kept) and not path.endswith(" runs")}


Reached = Callable[[int], bool]
"""Tells whether the command with this process id waits."""
Wait = Callable[[Place], tuple[list[str], Reached]]


def wheel(server: Silent, name: str = "x", digest: str = "0" * 64) -> str:
    """A lock with a file of a server, of which no byte may be right."""
    file = f"{name}-1.0-py3-none-any.whl"
    return (
        'lock-version = "1.0"\ncreated-by = "test"\n'
        f'[[packages]]\nname = "{name}"\nversion = "1.0"\n[[packages.wheels]]\n'
        f'url = "http://127.0.0.1:{server.port}/{file}"\nhashes = {{ sha256 = "{digest}" }}\n'
    )


def fetch_a_silent_wheel(place: Place) -> tuple[list[str], Reached]:
    server = place.server()
    place.write(requirements_txt="x\n", pylock_toml=wheel(server))
    return ["build", "-t", "trixie-amd64"], lambda _: server.asked.is_set()
