"""A service that is stopped while the machine is busy: it answers its requests, and then ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from debians import Boot, Builder
from guestbooks import Guestbooks

from debonair import trial

pytestmark = pytest.mark.boot

WAITS = "import time; from flask import request; time.sleep(float(request.args.get('wait', 0)))"
ROUNDS = 5
STOPS = f"""\
import os
import subprocess
import threading
import time
import urllib.request

ADDRESS = "http://127.0.0.1/healthz"


def ask(wait, answers):
    try:
        with urllib.request.urlopen(f"{{ADDRESS}}?wait={{wait}}", timeout=60) as page:
            answers.append(page.status)
    except OSError as failed:
        answers.append(str(failed))


def systemctl(*words):
    return subprocess.run(["systemctl", *words], capture_output=True, text=True).stdout.strip()


busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4 * os.cpu_count())]
try:
    for _ in range({ROUNDS}):
        systemctl("start", "guestbook")
        answers = []
        ask(0, answers)
        thread = threading.Thread(target=ask, args=(4, answers))
        thread.start()
        time.sleep(2)
        systemctl("stop", "guestbook")
        thread.join()
        print(*answers, systemctl("is-active", "guestbook"))
finally:
    for process in busy:
        process.kill()
"""
"""For the Debian: stop the service while it has a request, several times."""


def test_a_request_is_answered_before_the_end(boot: Boot, build: Builder, tmp_path: Path) -> None:
    def edit(app: str) -> str:
        return app.replace("def healthz():\n", f"def healthz():\n        {WAITS}\n", 1)

    with boot("trixie") as machine:
        trial.install(boot.bed, machine, Guestbooks(build, tmp_path, "")("1.0", edit=edit))
        output = machine.run(["python3", "-c", STOPS], timeout=600).stdout
        assert output.splitlines() == ["200 200 inactive"] * ROUNDS, output
