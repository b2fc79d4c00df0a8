"""An app that ran by files of its own, brought as it is: init, build, try."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from debians import Boot, debonair

from debonair import trial
from debonair.deb import archive
from debonair.debian.rootfs.machine import Machine
from debonair.init.imports import uwsgi_options

pytestmark = [pytest.mark.boot, pytest.mark.long]

CLASSIC = {
    "uwsgi.ini": """\
[uwsgi]
socket = 127.0.0.1:5000
processes = 4
threads = 2
plugins = python3
master = true
venv = /home/pi/dashboard/venv
pythonpath = .
module = manage
callable = application
""",
    "dashboard.nginx": """\
server {
    listen 80;
    server_name dashboard.example.org;

    location / {
        include uwsgi_params;
        uwsgi_pass 127.0.0.1:5000;
    }
}
""",
    "manage.py": """\
from flask import Flask

application = Flask(__name__)


@application.route("/")
def page():
    return "<h1>Hello from the dashboard</h1>"
""",
}
UNPREPARED = [
    ("httpbin==0.10.4", "", "<title>httpbin"),
    ("radicale==3.9.0", "", "Redirected to /.web"),
    ("flask==3.1.3", "examples/javascript", "<title>JavaScript Example"),
    ("flask==3.1.3", "examples/celery", "<title>Celery Example"),
]
"""Of the package index, with the folder in which the app is, and what its page says."""
GROWN = {
    "uwsgi.yaml": """\
uwsgi:
  socket: /run/uwsgi/pictures.sock
  wsgi-file: /srv/pictures/web.py
  callable: make()
  pythonpath: /srv/pictures/lib
  env: [GREETING=hello "you", FLASK_ENV=development, API_TOKEN=not-to-be-seen]
  processes: 3
  cheaper: 1
  cheaper-algo: busyness
  cheaper-busyness-min: 20
  max-requests: 500
  harakiri: 20
  lazy_apps: true
  offload-threads: 1
  buffer-size: 65535
  limit-as: 4096
  listen: 100
  mule: mule.py
  add-header: "X-Kept: yes"
  route: ^/moved$ redirect:/
  static-map: /static=/srv/pictures/static
  attach-daemon: /srv/venv/bin/python clock.py
  catch-exceptions: true
  procceses: 9
""",
    "web.py": """\
import os

import kept_here


def make():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{os.environ['GREETING']} {kept_here.NAME} {environ['HTTP_HOST']}".encode()]

    return app
""",
    "lib/kept_here.py": "NAME = 'pictures'\n",
    "mule.py": "import time\n\nwhile True:\n    time.sleep(60)\n",
    "clock.py": "import time\n\nwhile True:\n    time.sleep(60)\n",
    "static/a.css": "body {}\n",
}


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def machine(boot: Boot) -> Iterator[Machine]:
    with boot("trixie") as machine:
        yield machine


def test_the_classic_pair_ends_in_the_page(tmp_path: Path) -> None:
    folder = project(tmp_path / "dashboard", CLASSIC)
    output = debonair(folder, "init", "--yes")
    for name in ("uwsgi.ini", "dashboard.nginx"):
        account = output.partition(f"\n{name}:\n")[2].partition("\n\n")[0]
        for number, line in enumerate(CLASSIC[name].splitlines(), 1):
            if text := line.strip(" ;{}"):
                named = re.search(
                    rf"^ +{number}  {re.escape(text)} +(dropped: |[a-z])", account, re.MULTILINE
                )
                assert named or text in {"[uwsgi]", "server"}, f"{line}\n{account}"
    debonair(folder, "build", "--target", "trixie-amd64")
    tried = debonair(folder, "try", *(folder / "dist").glob("*.deb"))
    assert "<h1>Hello from the dashboard</h1>" in tried


@pytest.mark.parametrize(("sdist", "folder", "words"), UNPREPARED)
def test_what_nobody_prepared_ends_in_the_page(
    sdist: str, folder: str, words: str, *, machine: Machine, boot: Boot, tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*argv, "--dest", tmp_path, sdist], check=True)
    (packed,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(packed, tmp_path, filter="data")
    root = tmp_path / packed.name.removesuffix(".tar.gz") / folder
    debonair(root, "init", "--yes")
    debonair(root, "build", "--target", "trixie-amd64")
    (deb,) = (root / "dist").glob("*.deb")
    package = deb.name.partition("_")[0]
    trial.install(boot.bed, machine, deb)
    try:
        page = trial.healthy(machine, package, trial.Site("/"))
    finally:
        machine.run(["apt-get", "purge", "--yes", package])
    assert words in page.text


def test_real_uwsgi_takes_what_was_imported(machine: Machine, boot: Boot, tmp_path: Path) -> None:
    folder = project(tmp_path / "pictures", GROWN)
    output = debonair(folder, "init", "--yes")
    assert "FLASK_ENV=development was left out" in " ".join(output.split())
    debonair(folder, "build", "--target", "trixie-amd64")
    (deb,) = (folder / "dist").glob("*.deb")
    assert not any(b"not-to-be-seen" in data for data in archive.read(deb, keep=bool).contents.values())
    trial.install(boot.bed, machine, deb)
    page = trial.healthy(machine, "pictures", trial.Site("/"))
    assert page.text == 'hello "you" pictures 127.0.0.1'
    assert page.headers["x-kept"] == "yes"
    assert machine.get("/static/a.css").text == "body {}\n"
    assert machine.get("/moved").status == 302
    worker = machine.run(["systemctl", "is-active", "pictures-clock.service"], check=False)
    assert worker.stdout == "active\n"


def test_every_option_of_real_uwsgi_is_known(machine: Machine) -> None:
    helped = machine.run(["uwsgi-core", "--plugins", "python3", "--help"]).stdout
    names = set(re.findall(r"--([a-z0-9-]+)(?=[ |])", helped))
    assert len(names) > 800
    assert names <= uwsgi_options.known()
