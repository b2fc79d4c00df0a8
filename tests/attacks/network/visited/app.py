"""Says what it was told of a request: one value a line, ``NAME=value``, as an app sees them (PEP 3333)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote


def app(environ: Mapping[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    page, query = environ["PATH_INFO"], unquote(environ["QUERY_STRING"])
    if page == "/read":
        try:
            answer = Path(query).read_text(errors="replace")
        except OSError as refused:
            answer = repr(refused)
    else:
        time.sleep(float(query or 0))
        told = {name: value for name, value in environ.items() if isinstance(value, str)}
        answer = "".join(f"{name}={value}\n" for name, value in sorted(told.items()))
    start("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"a page of the app\n{answer}".encode()]
