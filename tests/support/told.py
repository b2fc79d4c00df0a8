"""A trial on a machine that answers as the test tells it to."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from debonair import trial
from debonair.debian.rootfs.machine import Machine
from debonair.errors import Error
from debonair.host.cache import Cache
from debonair.trial.choice import Choice

DEB = Choice(Path("app_1.0-1+deb13_amd64.deb"), "app", "1.0-1+deb13", "amd64", "trixie")
RELEASE = json.dumps({"health": "/healthz", "host": "localhost", "package": "app"})


class Told(Machine):
    """A machine that answers as the programs are told to."""

    suite = "trixie"
    architecture = "amd64"
    prefix = ("enter",)
    network = ("enter-network",)
    lives = 2
    served = ""
    given_up = False
    fields: Mapping[str, str] = MappingProxyType({"Package": "app", "Depends": "nginx"})

    @property
    def alive(self) -> bool:
        self.lives -= 1
        return self.lives >= 0

    def serve(self, package: str) -> None:
        self.served = package

    def broken(self, package: str) -> bool:
        assert package == "app"
        return self.given_up

    def evidence(self, package: str) -> str:
        return f"what {package} said"


def http(status: str = "200 OK", body: str = "ok", kind: str = "text/plain") -> str:
    return base64.b64encode(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()).decode()


def tried(
    tmp_path: Path,
    *,
    port: int | None = None,
    keep: bool = False,
    command: tuple[str, ...] = (),
    complaints: list[Error] | None = None,
    **more: Any,
) -> int:
    complaints = [] if complaints is None else complaints
    options = trial.Options(port=port, keep=keep, command=command, **more)
    return trial.try_deb([DEB.path], options, complain=complaints.append, cache=Cache(tmp_path), environ={})
