"""An app with a web server of its own: the example that uvicorn serves, and its websocket."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import talker
from debians import EXAMPLES, Boot, Builder
from late import Late, begin, install, served, upgrade
from traffic import Traffic, under_load

from debonair.debian.rootfs.container import Container
from debonair.host import run

pytestmark = [pytest.mark.boot, pytest.mark.long]

BACK = 30.0  # seconds within which the page must answer again, on a machine that is busy with other things
PATHS = [*["/"] * 12, "/?pause=0.4"]
PAGE = """\
async def page(request):
    await asyncio.sleep(float(request.query_params.get("pause", 0)))
    return PlainTextResponse(f"release: {RELEASE}\\n")
"""
PLAIN = """\
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"release: 0.9\\n"]
"""


def releases(folder: Path, build: Builder, suite: str) -> dict[str, Late]:
    """Build releases of the example: 0.9 is served by uWSGI, 1.2 cannot be loaded."""
    made = {}
    for number in ("0.9", "1.0", "1.1", "1.2"):
        source = shutil.copytree(EXAMPLES / "chat", folder / number)
        config, code = source / "pyproject.toml", source / "chat/__init__.py"
        text = config.read_text().replace('version = "1.0"', f'version = "{number}"')
        text = text.replace(
            "[tool.debonair]\n", "[tool.debonair]\nkeep-releases = 3\nhealth-timeout = 15\n"
        )
        if number == "0.9":
            text = re.sub(r"(?m)^server = .*\n(#.*\n)?command = .*\n", 'wsgi = "plain:app"\n', text)
            (source / "plain.py").write_text(PLAIN)
        config.write_text(text)
        text = re.sub(r"async def page\(.*\n.*\n", lambda _: PAGE, code.read_text())
        text = text.replace('"1.0"', f'"{number}"')
        code.write_text("import asyncio\n" + text + ("\nimport nothing\n" if number == "1.2" else ""))
        made[number] = Late(number, build(source, f"{suite}-amd64"))
    return made


@contextmanager
def talking(machine: Container, message: str, log: Path) -> Iterator[None]:
    """Let somebody into the room until the end of the body; ``log`` gets what they see there."""
    process = run.start([*machine.network, sys.executable, "-I", talker.__file__, message], output=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def await_lines(log: Path, *lines: str) -> None:
    deadline = time.monotonic() + BACK
    while log.read_text().splitlines() != list(lines):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def server(machine: Container) -> int:
    """Return the process id of the app's web server, 0 if there is none."""
    facts = json.loads(machine.run(["chat", "status", "--json"], check=False).stdout)
    return int(facts["workers"][0]["pid"]) if facts["workers"] else 0


def back(machine: Container, killed: int) -> float:
    """Kill a process of the service, and return the seconds until the page answered again."""
    before = server(machine)
    machine.run(["sh", "-c", 'kill -KILL "$0"', str(killed)])
    began = time.monotonic()
    while machine.get("/").status != 200 or server(machine) in {0, before}:
        assert time.monotonic() < began + BACK, machine.evidence("chat")
        time.sleep(0.05)
    return time.monotonic() - began


def assert_unnoticed(traffic: Traffic) -> None:
    assert [answer.describe() for answer in traffic.failed] == []
    assert traffic.mixed == []
    assert traffic.stale == []


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_its_life(
    suite: str, boot: Boot, build: Builder, tmp_path: Path, show: Callable[[str], None]
) -> None:
    known = releases(tmp_path, build, suite)
    with boot(suite) as machine:
        # From uWSGI to a server of its own the unit changes, so that the service is started anew.
        begin(machine, known["0.9"])
        begin(machine, known["1.0"])
        with under_load(machine, seconds=300, clients=2, rate=30, paths=PATHS) as traffic:
            upgrade(machine, traffic, [known["1.1"]])
            for number in ("0.9", "1.1"):
                with traffic.switch(number):
                    machine.run(["chat", "rollback", known[number].version])
                assert served(machine) == number
        show(traffic.table(f"{suite}, an upgrade, and rollbacks to uWSGI and from it"))
        assert_unnoticed(traffic)
        assert set(traffic.served()) == {"0.9", "1.0", "1.1"}

        # Who is in the room when the server changes is told to come again.
        one, two = tmp_path / "one", tmp_path / "two"
        with talking(machine, "hello", one):
            await_lines(one, "entered: 101", "heard: hello")
            with talking(machine, "you too", two):
                await_lines(two, "entered: 101", "heard: you too")
                await_lines(one, "entered: 101", "heard: hello", "heard: you too")
                machine.run(["chat", "rollback", known["1.0"].version])
                await_lines(two, "entered: 101", "heard: you too", "closed: 1012")
        with talking(machine, "again", tmp_path / "three"):
            await_lines(tmp_path / "three", "entered: 101", "heard: again")

        # What the client says of itself is not believed; its port is.
        forged = {"Host": "pi.local:8080", "X-Forwarded-For": "1.2.3.4", "Upgrade": "h2c"}
        found = machine.get("/healthz", headers=forged).text.splitlines()
        assert found[1:] == ["asked for: http://pi.local:8080/healthz", "by: 127.0.0.1"]

        # A release that cannot be loaded gets no request.
        install(machine, known["1.2"])
        refused = machine.run(["chat", "status"], check=False)
        assert refused.status == 3
        assert "1.2-1+deb" in refused.stdout
        assert "No module named 'nothing'" in refused.stdout
        assert served(machine) == "1.0"

        # Killed, it is back, and with it all that was killed above it.
        emperor = int(machine.run(["systemctl", "show", "-P", "MainPID", "chat"]).stdout)
        master = int(str(machine.read(f"/proc/{emperor}/task/{emperor}/children")).split()[0])
        times = {
            name: back(machine, pid)
            for name, pid in (("server", server(machine)), ("master", master), ("emperor", emperor))
        }
        show(f"{suite}, back after: " + ", ".join(f"{name} {took:.1f} s" for name, took in times.items()))
        assert "Uvicorn running on unix socket" in machine.run(["chat", "logs"]).stdout

        machine.run(["apt-get", "purge", "--yes", "chat"])
        assert machine.run(["sh", "-c", "ls -d /run/chat /usr/lib/chat 2>&1"], check=False).status == 2
