"""Two commands that run at the same time make what both need once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """\
import sys, time
from pathlib import Path
from debonair.host import memo
from debonair.host.cache import Cache

cache, made = Cache(Path(sys.argv[1])), Path(sys.argv[2])

def make():
    with made.open("a") as file:
        file.write("made\\n")
    time.sleep(1)
    return "value"

print(memo.remember(cache.folder("locks") / "key", str, make, cache))
"""


def test_two_processes_make_a_value_once(tmp_path: Path) -> None:
    made = tmp_path / "made"
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "cache"), str(made)]
    builds = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [build.communicate(timeout=60)[0] for build in builds] == ["value\n", "value\n"]
    assert [build.returncode for build in builds] == [0, 0]
    assert made.read_text() == "made\n"
