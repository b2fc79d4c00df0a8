"""The attacker wants root to believe an answer of the app: to crash, to wait, or to read a file by it."""

from __future__ import annotations

import json
import time

import pytest
from puppets import DATA, NAME, Puppet, sound

pytestmark = [pytest.mark.boot, pytest.mark.long]

NESTED = 20_000

ANSWERS = {
    "nothing": "",
    "no json": "<html>",
    "a number": "7",
    "a list": "[1, 2]",
    "null": "null",
    "a text": '"workers"',
    "workers is a number": '{"pid": 1, "workers": 5}',
    "workers is null": '{"pid": 1, "workers": null}',
    "workers is a text": '{"pid": 1, "workers": "idle"}',
    "a worker is a number": '{"pid": 1, "workers": [1]}',
    "a worker is null": '{"pid": 1, "workers": [null]}',
    "a worker is empty": '{"pid": 1, "workers": [{}]}',
    "a status is a list": '{"pid": 1, "workers": [{"pid": 4, "id": 1, "status": [], "requests": 1}]}',
    "requests are a text": '{"pid": 1, "workers": [{"pid": 4, "id": 1, "status": "", "requests": "1"}]}',
    "no pid": '{"workers": []}',
    "pid 1": '{"pid": 1, "workers": [{"pid": 1, "id": 1, "status": "busy", "requests": 1}]}',
    "pid is negative": '{"pid": -1, "workers": [{"pid": -1, "id": 1, "status": "idle", "requests": 1}]}',
    "pid is huge": '{"pid": 1e999, "workers": [{"pid": 1e999, "id": 1, "status": "idle", "requests": 1}]}',
    "pid is infinite": '{"pid": Infinity, "workers": [{"pid": NaN, "id": 1, "status": "", "requests": 1}]}',
    "pid has many digits": '{"pid": ' + "9" * 900_000 + ', "workers": []}',
    "pid is a list": '{"pid": [1], "workers": [{"pid": [1], "id": 1, "status": "idle", "requests": 1}]}',
    "pid is a path": '{"pid": "../../etc", "workers": [{"pid": "../../etc", "id": 1, "status": "idle", '
    '"requests": 1}]}',
    "pid is a text with a null byte": '{"pid": "1\\u0000", "workers": [{"pid": "1\\u0000", "id": 1, '
    '"status": "idle", "requests": 1}]}',
    "many workers": '{"pid": 1, "workers": [' + "{}," * 300_000 + "{}]}",
    "nested too deep": "[" * NESTED + "]" * NESTED,
    "nested too deep in workers": '{"pid": 1, "workers": ' + "[" * NESTED + "]" * NESTED + "}",
    "half of it": '{"pid": 1, "workers": [{"pid"',
    "busy for ever": '{"pid": 1, "workers": [{"pid": 4, "id": 1, "status": "busy", "requests": 1}]}',
    "escapes": json.dumps(
        {"pid": 1, "workers": [{"pid": 4, "id": "\x1b[2J", "status": "\x1b[31m", "requests": 1}]}
    ),
}

WAIT = """
import time
ONLY = "1.{}"
while not [path for path in sockets("stats") if ONLY in path]:
    time.sleep(0.01)
"""

LISTEN = """
import threading, time
HOW = {how!r}
def serve(one):
    try:
        if HOW == "whole":
            with open("{data}/answer", "rb") as file:
                one.sendall(file.read())
        elif HOW == "dripped":
            while True:
                one.sendall(b" ")
                time.sleep(1)
        elif HOW == "for ever":
            while True:
                one.sendall(b" " * 65536)
        elif HOW == "silent":
            time.sleep(3600)
    except OSError:
        pass
    one.close()
def listen(path):
    os.rename(path, path + ".mine")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        os.chmod(path, 0o777)
        listening.listen(50)
        while True:
            one, _ = listening.accept()
            threading.Thread(target=serve, args=[one], daemon=True).start()
for path in sockets("stats"):
    if not ONLY or ONLY in path:
        threading.Thread(target=listen, args=[path]).start()
with open("{data}/ready", "w"):
    pass
"""


def tell(puppet: Puppet, answer: str) -> None:
    """Let the liar answer this from now on."""
    puppet.machine.write(f"{DATA}/answer", answer.encode())


def answering(puppet: Puppet, answer: str, how: str = "whole") -> None:
    """Let the stats socket of the release that serves be the attacker's."""
    tell(puppet, answer)
    puppet.leave("liar", 'ONLY = ""' + LISTEN.format(how=how, data=DATA))
    deadline = time.monotonic() + 20
    while puppet.machine.read(f"{DATA}/ready") is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    puppet.machine.run(["rm", f"{DATA}/ready"])


def impressed(puppet: Puppet, *words: str) -> list[str]:
    """Return what is wrong with how a verb of the app's command ended, whatever the app answered."""
    done = puppet.machine.run([NAME, *words], check=False, timeout=60)
    output = done.stdout + done.stderr
    wrong = {
        output[-200:]: "Traceback" in output,
        f"ended with {done.status}": done.status not in {0, 3},
        "escapes": "\x1b" in output,
        f"{len(output)} characters": len(output) > 20_000,
    }
    return [text for text, is_so in wrong.items() if is_so]


def test_its_status_crashes(puppet: Puppet) -> None:
    answering(puppet, "")
    wrong = {}
    for what, answer in ANSWERS.items():
        tell(puppet, answer)
        wrong[what] = impressed(puppet, "status") + impressed(puppet, "status", "--json")
    assert {what: texts for what, texts in wrong.items() if texts} == {}


@pytest.mark.parametrize("how", ["dripped", "for ever", "silent"])
def test_its_status_hangs(puppet: Puppet, how: str) -> None:
    answering(puppet, "", how)
    assert impressed(puppet, "status") == []


def test_its_status_reads_a_file_by_a_pid(puppet: Puppet) -> None:
    """A pid leads out of /proc to a fifo, at which whoever opens it waits."""
    puppet.keep("trap/why", "")
    puppet(f"os.mkfifo('{DATA}/trap/statm')\nos.chmod('{DATA}', 0o755)")
    worker = {"pid": f"..{DATA}/trap", "id": 1, "status": "idle", "requests": 1}
    answering(puppet, json.dumps({"pid": 1, "workers": [worker]}))
    assert impressed(puppet, "status") == []


HARD = ("workers is a number", "a worker is null", "pid is infinite", "nested too deep", "busy for ever")


@pytest.mark.parametrize("what", HARD)
def test_its_upgrade_fails(puppet: Puppet, what: str) -> None:
    answering(puppet, ANSWERS[what])
    puppet.taken(puppet.upgrade())


@pytest.mark.parametrize("how", ["dripped", "for ever", "silent"])
def test_its_upgrade_hangs(puppet: Puppet, how: str) -> None:
    answering(puppet, "", how)
    puppet.taken(puppet.upgrade())


@pytest.mark.parametrize("what", ["a worker is null", "pid is infinite", "nested too deep"])
def test_the_release_under_trial_fails_its_upgrade(puppet: Puppet, what: str) -> None:
    """The one who answers for the new release is one that the attacker left, before anybody asks."""
    tell(puppet, ANSWERS[what])
    puppet.leave("liar", WAIT.format(puppet.number + 1) + LISTEN.format(how="whole", data=DATA))
    puppet.taken(puppet.upgrade())


@pytest.mark.usefixtures("neighbour")
def test_root_kills_a_process_of_its_choice(puppet: Puppet) -> None:
    """What never served is killed by the pid that it names: that of the neighbour, or of systemd."""
    machine = puppet.machine
    neighbour = int(machine.run(["systemctl", "show", "-P", "MainPID", "neighbour"]).stdout)
    nginx = int(machine.run(["systemctl", "show", "-P", "MainPID", "nginx"]).stdout)
    answer = json.dumps({"pid": neighbour, "workers": [{"pid": nginx, "status": "idle", "id": 1}]})
    tell(puppet, answer)
    puppet.leave("liar", WAIT.format(puppet.number + 1) + LISTEN.format(how="whole", data=DATA))
    puppet.upgrade("import flask", edit=lambda app: app.replace('return "well"', 'return "ill", 500'))
    for pid in (neighbour, nginx):
        assert machine.run(["test", "-d", f"/proc/{pid}"], check=False).status == 0


CHAIN = """
import os, time
if os.fork() == 0:
    for _ in range(1200):
        if os.fork():
            break
    time.sleep(3600)
    os._exit(0)
"""


def test_its_processes_are_nested_too_deep(puppet: Puppet) -> None:
    """Who looks for the processes below a process, and for those below them, meets a chain of 1200."""
    ill, before = 'return "ill", 500', puppet.page()
    done = puppet.upgrade(CHAIN, edit=lambda app: app.replace('return "well"', ill))
    assert done.status == 0, done.stdout + done.stderr
    assert sound(puppet.machine) == ""
    assert puppet.page() == before
    assert len(puppet.processes()) < 40
