"""Apps of makers, as they write them: pins, a camera, the state of the machine, Socket.IO."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from debians import Boot, Builder, debonair

from debonair import trial
from debonair.debian.rootfs.container import Container
from debonair.errors import MachineError

pytestmark = pytest.mark.boot

LAMP = """\
from flask import Flask
import RPi.GPIO as GPIO
from gpiozero import LED
from picamera2 import Picamera2
from libcamera import Transform

app = Flask(__name__)
led = LED(17)
camera = Picamera2()
camera.configure(camera.create_still_configuration(transform=Transform(vflip=1)))
GPIO.setmode(GPIO.BCM)
GPIO.setup(4, GPIO.OUT)

@app.get("/")
def index():
    led.toggle()
    GPIO.output(4, not GPIO.input(4))
    return f"{led.value} {GPIO.input(4)}"
"""
PANEL = """\
from flask import Flask, jsonify
import psutil

app = Flask(__name__)

@app.get("/")
def index():
    return jsonify(memory=psutil.virtual_memory().total, load=psutil.getloadavg())
"""
CHAT = """\
from flask import Flask
from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app)

@app.get("/")
def index():
    return "chat"

@socketio.on("hello")
def hello(data):
    emit("answer", data)
"""
CLIENT = """\
import json, sys, urllib.request
import simple_websocket

def ask(url, data=None):
    return urllib.request.urlopen(urllib.request.Request(url, data, HEADERS), timeout=60).read().decode()

HEADERS = {"Content-Type": "text/plain"}
ADDRESS = f"://127.0.0.1:{sys.argv[1]}/socket.io/?EIO=4&transport="
for number in range(8):
    page = f"http{ADDRESS}polling"
    page += "&sid=" + json.loads(ask(page)[1:])["sid"]
    ask(page, b"40")
    found = ask(page)
    ask(page, b'42["hello","%d"]' % number)
    while "answer" not in found:
        found = ask(page)
    print(found)
link = simple_websocket.Client(f"ws{ADDRESS}websocket")
link.send("40")
link.send('42["hello","by websocket"]')
# simple_websocket keeps a message that comes with the handshake until the next one comes.
found = ""
while "answer" not in found:
    found = link.receive(timeout=30) or ""
print(found)
"""
PIN = """\
import lgpio
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return "pins" if lgpio.gpio_read else ""
"""


def made(folder: Path, app: str, requirements: str) -> Path:
    """Return a project as its author has it, with the settings that ``init`` proposes."""
    folder.mkdir()
    (folder / "app.py").write_text(app)
    (folder / "requirements.txt").write_text(requirements)
    debonair(folder, "init")
    return folder


@pytest.fixture(scope="module")
def machine(boot: Boot, build: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("makers")
    projects = [
        made(folder / "lamp", LAMP, "flask\nRPi.GPIO\ngpiozero\npicamera2\n"),
        made(folder / "panel", PANEL, "flask\npsutil\n"),
        made(folder / "chat", CHAT, "flask\nflask-socketio\ngunicorn\n"),
    ]
    with boot("trixie") as booted:
        for project in projects:
            trial.install(boot.bed, booted, build(project, "trixie-amd64"))
        yield booted


def get(machine: Container, app: str) -> str:
    trial.healthy(machine, app, trial.Site(host=f"{app}.local"))
    return machine.get("/", headers={"Host": f"{app}.local"}).text


def test_pins_and_a_camera_without_a_board(machine: Container) -> None:
    pages = {get(machine, "lamp"), get(machine, "lamp")}
    pages |= {machine.get("/", headers={"Host": "lamp.local"}).text for _ in range(2)}
    assert pages == {"0 0", "1 1"}
    log = machine.run(["journalctl", "-u", "lamp", "-o", "cat"]).stdout
    for name in ("RPi.GPIO", "picamera2"):
        assert f"{name} is a stand-in of 'debonair try'" in log
    listed = machine.run(["dpkg-query", "-W", "-f=${Version} ${Description}\n", "python3-picamera2"]).stdout
    assert listed.startswith("9999-standin stand-in of 'debonair try' without a function\n")
    assert machine.run(["dpkg-query", "-W", "python3-libcamera"]).stdout.split()[1] != "9999-standin"


def test_a_panel_reads_the_state_of_the_machine(machine: Container) -> None:
    found = json.loads(get(machine, "panel"))
    assert found["memory"] > 0
    command = ("python", "-c", "import psutil; print(psutil.boot_time())")
    assert float(machine.run(["panel", "run", *command]).stdout) > 0
    hidden = machine.run(["chat", "run", "cat", "/proc/meminfo"], check=False)
    assert "No such file or directory" in hidden.stdout + hidden.stderr


def test_clients_poll_and_use_websockets(machine: Container) -> None:
    assert get(machine, "chat") == "chat"
    status = json.loads(machine.run(["chat", "status", "--json"]).stdout)
    port = next(filter(None, (urlsplit(address).port for address in status["addresses"])))
    told = machine.run(["/usr/lib/chat/current/venv/bin/python", "-c", CLIENT, str(port)], timeout=300)
    assert told.stdout.splitlines() == [
        *(f'42["answer","{number}"]' for number in range(8)),
        '42["answer","by websocket"]',
    ]


def test_a_typo_in_depends_is_an_error(
    machine: Container, boot: Boot, build: Builder, tmp_path: Path
) -> None:
    project = made(tmp_path / "typo", PANEL, "flask\npsutil\n")
    settings = project / "debonair.toml"
    settings.write_text(
        settings.read_text().replace("\n[service]", '\ndepends = ["python3-lgpoi"]\n[service]')
    )
    with pytest.raises(MachineError, match="python3-lgpoi"):
        trial.install(boot.bed, machine, build(project, "trixie-amd64"))


def test_lgpio_itself_in_the_sandbox(boot: Boot, build: Builder, tmp_path: Path) -> None:
    """The package index has a wheel of lgpio for Debian 12, which needs no pins to be imported."""
    project = made(tmp_path / "pin", PIN, "flask\nlgpio==0.2.2.0\n")
    settings = project / "debonair.toml"
    lines = [
        line
        for line in settings.read_text().splitlines()
        if not line.startswith(("depends", "system-site-packages"))
    ]
    command = "python -c 'import lgpio; print(1 + 1)'"
    timer = f'[timers]\ntick = {{command = "{command}", calendar = "yearly"}}'
    settings.write_text("\n".join(['targets = ["bookworm-amd64"]', *lines, timer, ""]))
    with boot("bookworm") as machine:
        trial.install(boot.bed, machine, build(project, "bookworm-amd64"))
        assert get(machine, "pin") == "pins"
        assert machine.run(["pin", "run", "python", "-c", "import lgpio"]).status == 0
        machine.run(["systemctl", "start", "pin-tick.service"])
        assert "\n2\n" in machine.run(["journalctl", "-u", "pin-tick", "-o", "cat"]).stdout
