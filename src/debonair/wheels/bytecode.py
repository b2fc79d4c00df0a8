"""Compile Python bytecode with the target's own minor version, for any later location.

The files are unchecked hash-based pycs (PEP 552). They contain no time, so they are reproducible. Python
does not compare them with their source, which nobody on the Pi may change anyway.
"""

from __future__ import annotations

import marshal
import posixpath
from collections.abc import Iterable
from typing import TYPE_CHECKING

from debonair.errors import MachineError
from debonair.host.run import CommandError, run

if TYPE_CHECKING:
    from debonair.debian.interpreter import Interpreter

_FORMAT = 4  # marshal's format: every Python since 3.4 reads and writes it alike

_PROGRAM = """\
import importlib.util, marshal, sys
sys.dont_write_bytecode = True
out = []
for path, source in marshal.loads(sys.stdin.buffer.read()):
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        continue
    head = importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0" + importlib.util.source_hash(source)
    out.append((path, head + marshal.dumps(code)))
sys.stdout.write(marshal.dumps(out, 4).hex())
"""


def compiled(sources: Iterable[tuple[str, bytes]], interpreter: Interpreter) -> dict[str, bytes]:
    """Compile modules and return their bytecode by path.

    ``sources`` are pairs: the path of a module when it runs, and its bytes. A module that does not compile
    (a code template, a file for another Python) is left out, as in pip. Raises ``MachineError`` if the
    interpreter itself fails.
    """
    given = marshal.dumps([(path, data) for path, data in sources], _FORMAT)
    argv = [*interpreter.argv, "-I", "-S", "-W", "ignore", "-c", _PROGRAM]
    try:
        answer = bytes.fromhex(run(argv, stdin=given).stdout)
        return dict(marshal.loads(answer))  # noqa: S302 - from the process that was just started
    except (CommandError, ValueError, EOFError, TypeError) as broken:
        raise MachineError(
            f"Python {interpreter.identity} could not compile the bytecode: {broken}.",
            hint=f"Check this interpreter: {interpreter.argv[0]} --version",
        ) from broken


def cache_path(path: str, python: str) -> str:
    """Return the path of the bytecode of the module at ``path`` (PEP 3147), for ``python`` such as 3.13."""
    folder, name = posixpath.split(path)
    stem = name.removesuffix(".py")
    return posixpath.join(folder, "__pycache__", f"{stem}.cpython-{python.replace('.', '')}.pyc")
