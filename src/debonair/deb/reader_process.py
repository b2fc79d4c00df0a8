"""The process that reads packages of strangers: without environment, files, network, or much memory.

``reader_pool`` starts it, writes packages to its standard input, and reads their content from its output.
The process opens everything that it needs before the first package arrives. After that the kernel gives it
no file and no socket any more. So an attacker who takes it over, by a flaw in a decompressor, finds neither
a key nor a way out.
"""

from __future__ import annotations

import importlib
import json
import re
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from debonair.deb.reader import Foreign
from debonair.deb.refusal import Stream, Unfit, drain, exactly
from debonair.errors import Error

Job = Callable[[str, Stream, list[str]], tuple[Any, bytes]]
"""From a path for messages, a package and words to a value that JSON can encode, and bytes.

A function ``prepare`` beside it imports its modules, only then.
"""
_NOTHING = ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_CORE")


def contents(_: str, stream: Stream, words: list[str]) -> tuple[Any, bytes]:
    """Read a package to its end: its fields, its members, and the files that patterns in ``words`` name.

    ``{package}`` in a pattern is its name. Raises ``Unfit`` if dpkg does not accept the package.
    """
    deb = Foreign(stream)
    named = re.escape(deb.fields["Package"])
    patterns = [re.compile(word.replace("{package}", named)) for word in words]
    found, kept = deb.rest(lambda path: any(pattern.fullmatch(path) for pattern in patterns))
    sizes = [(path, len(data)) for path, data in kept.items()]
    return {"fields": deb.fields, "members": found, "kept": sizes}, b"".join(kept.values())


def main(name: str, memory: int) -> None:
    """Answer one request after another with the job ``name``; ``memory`` are the bytes that it may take."""
    module = importlib.import_module(name.partition(":")[0])
    _prepare()
    getattr(module, "prepare", lambda: None)()
    _limit("RLIMIT_AS", memory)
    for limit in _NOTHING:
        _limit(limit, 0)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while line := source.readline(1 << 16):
        request = json.loads(line)
        _limit_time(request["seconds"])
        package = _Package(source, request["size"])
        answer, data = answered(name, request["path"], package, request["words"])
        drain(package.read)
        document = json.dumps(answer).encode()
        sink.write(b"%d %d\n" % (len(document), len(data)))
        sink.write(document)
        sink.write(data)
        sink.flush()


def answered(name: str, path: str, package: Stream, words: list[str]) -> tuple[dict[str, Any], bytes]:
    """Return the answer of the job ``name``: its result, or why it refused the package; and bytes."""
    try:
        result, data = _load(name)(path, package, words)
    except Unfit as unfit:
        return {"unfit": [unfit.why, unfit.hint]}, b""
    except MemoryError:
        return {"unfit": ["reading it takes more memory than the limit allows", ""]}, b""
    except Error as error:
        return {"error": [type(error).__name__, error.message, error.hint]}, b""
    except Exception as broken:  # a defect of ours, which must not end the calling process
        return {"broken": f"{type(broken).__name__}: {broken}"[:500]}, b""
    return {"found": result}, data


def _load(name: str) -> Job:
    module, _, function = name.partition(":")
    job: Job = getattr(importlib.import_module(module), function)
    return job


class _Package:
    """The current package: a known number of bytes of the input."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, and none at the end."""
        data = exactly(self._stream, length, "it") if (length := min(size, self._left)) else b""
        self._left -= len(data)
        return data


def _prepare() -> None:
    """Import the modules that only some packages need: later no file can be opened."""
    import bz2  # noqa: F401, PLC0415

    from debonair.deb import zstd  # noqa: PLC0415

    zstd.load()


def _limit(name: str, most: int) -> None:
    # Not every system knows each limit, or allows it to be as low
    with suppress(ValueError, OSError, AttributeError):
        resource.setrlimit(getattr(resource, name), (most, most))


def _limit_time(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, resource.RLIM_INFINITY)
        )
