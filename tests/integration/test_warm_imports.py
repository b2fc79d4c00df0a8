"""A warm build is fast because it imports nothing of what it does not do again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from debonair.host.cache import Cache

GUESTBOOK = Path(__file__).parents[2] / "examples/guestbook"
SLOW = frozenset({"requests", "elftools", "yaml", "installer"})
PROGRAM = """\
import json, sys
from debonair.cli.main import main
try:
    main(sys.argv[1:], prog_name="debonair")
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported(words: list[str | Path], environ: Mapping[str, str]) -> set[str]:
    """Return the packages that are imported in the process in which ``debonair`` runs with ``words``."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_warm_build_imports_none_of_it(tmp_path: Path) -> None:
    project = tmp_path / "guestbook"
    shutil.copytree(GUESTBOOK, project, ignore=shutil.ignore_patterns("dist", "__pycache__"))
    words: list[str | Path] = ["build", project, "--target=trixie-arm64", "--out", tmp_path / "out"]
    environ = {"SOURCE_DATE_EPOCH": "1700000000"}
    imported(words, environ)  # now all is there that may have to be fetched
    cold = {**environ, "DEBONAIR_CACHE": str(tmp_path / "cache")}
    (tmp_path / "cache").mkdir()
    for name in ("wheels", "locks", "pythons"):  # and no layer
        (tmp_path / "cache" / name).symlink_to(Cache.of(os.environ).root / name)
    assert {"installer", "elftools"} <= imported(words, cold), "nothing was unpacked"
    assert imported(words, cold) & SLOW == set()
