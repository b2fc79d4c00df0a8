"""A sandbox that runs nothing: it records its input, and the test sets its output."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wheelmaker import make_wheel

from debonair.host import sandbox


@dataclass
class Box:
    """Replaces ``sandbox.Sandbox``: its backend makes a wheel of m 1.0 with the ``tag``."""

    tag: str = "py3-none-any"
    name: str = "m"
    asks: list[list[str]] = field(default_factory=list)
    """The backend's requests in each run; after the last of them it has none."""
    raises: Exception | None = None
    metadata: bytes = b"Metadata-Version: 2.1\nName: m\nVersion: 1.0\n"
    out: bytes | None = None
    """The output, whatever the request."""
    given: list[dict[str, tuple[bytes, int, int]]] = field(default_factory=list)
    """By run and path: bytes, mode, time."""
    variables: list[Mapping[str, str]] = field(default_factory=list)
    python: Path = Path("/usr/bin/python3")

    @property
    def calls(self) -> list[dict[str, object]]:
        """The backend.json of each run."""
        return [json.loads(run["backend.json"][0]) for run in self.given]

    def run(self, words: Sequence[str], given: bytes, variables: Mapping[str, str]) -> tuple[bytes, str]:
        assert words[-2:] == ["{folder}", "{out}"]
        with tarfile.open(fileobj=io.BytesIO(given + bytes(1024))) as archive:
            self.given.append({
                member.name.removeprefix("./"): (file.read(), member.mode, int(member.mtime))
                for member in archive
                if member.isfile() and (file := archive.extractfile(member))
            })  # fmt: skip
        self.variables.append(variables)
        if self.raises:
            raise self.raises
        if self.out is not None:
            return self.out, ""
        asked = self.asks[len(self.given) - 1] if len(self.given) <= len(self.asks) else []
        wants = self.calls[-1]
        requires = wants["requires"]
        assert isinstance(requires, list)
        if not {*asked} <= {*requires}:
            return json.dumps({"asked": asked}).encode() + b"\n", ""
        if wants["metadata"]:
            return json.dumps({"asked": asked}).encode() + b"\n" + self.metadata, ""
        with tempfile.TemporaryDirectory() as folder:
            wheel = make_wheel(Path(folder), self.name, "1.0", {"m.py": b""}, self.tag)
            head = json.dumps({"asked": asked, "wheel": wheel.name}).encode()
            return head + b"\n" + wheel.read_bytes(), ""


def boxed(monkeypatch: pytest.MonkeyPatch, box: Box) -> Box:
    """Replace the sandbox by ``box``."""
    monkeypatch.setattr(sandbox, "find", lambda: (box, ""))
    return box
