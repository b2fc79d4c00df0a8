"""An app on the same machine: its page ``/private`` is not for everybody, which its site in nginx says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def app(environ: Mapping[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"what the neighbour keeps" if environ["PATH_INFO"] == "/private" else b"the neighbour"]
