"""A Python that compiles bytecode in the process of the test, because a unit test starts no other."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from debonair.debian.interpreter import Interpreter
from debonair.host.run import Completed
from debonair.wheels import bytecode

HERE = Interpreter(("/usr/bin/python3",), sys.version.split()[0])


def compile_here(monkeypatch: pytest.MonkeyPatch) -> Interpreter:
    """Make ``bytecode.compiled`` run its program here, and return the interpreter to call it with."""

    def run(argv: Sequence[str | Path], *, stdin: bytes | None = None) -> Completed:
        assert argv[0] == HERE.argv[0]
        out = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin or b"")))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
            exec(str(argv[-1]), {})
        return Completed(0, out.getvalue(), "")

    monkeypatch.setattr(bytecode, "run", run)
    return HERE
