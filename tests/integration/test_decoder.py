"""Types that are described while threads ask for them: what msgspec itself does not bear."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys, threading
sys.setswitchinterval(1e-6)
import msgspec
from debonair.host import decoder
ways = {
    "packed": (decoder.unpacked, msgspec.msgpack.encode),
    "json": (decoder.json, msgspec.json.encode),
    "plain": (decoder.converted, msgspec.to_builtins),
}
read, write = ways[sys.argv[1]]
for number in range(300):
    inner = msgspec.defstruct("Inner", [("x", "int")], namespace={"__module__": __name__})
    middle = msgspec.defstruct("Middle", [("inner", "tuple[Inner, ...]"), ("y", "dict[str, list[int]]")])
    middle.__module__ = __name__
    outer = msgspec.defstruct("Outer", [("middle", "Middle | None"), ("z", "str")])
    outer.__module__ = __name__
    Inner, Middle = inner, middle
    data = write({"middle": {"inner": [{"x": 1}], "y": {"a": [1]}}, "z": "z"})
    together = threading.Barrier(4)
    def ask():
        together.wait()
        assert read(data, outer).middle.inner[0].x == 1
    threads = [threading.Thread(target=ask) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


@pytest.mark.parametrize("way", ["packed", "json", "plain"])
def test_threads_ask_for_a_type_at_once(way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, way], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
