"""What the judges of shell, units and configuration say of what is rendered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from samples import EPOCH, VERSION, sample_project, sample_service
from wheelmaker import make_wheel

from debonair import target
from debonair.host.run import run
from debonair.resources import resource
from debonair.tree.service import render
from debonair.wheels import Wheel
from debonair.wheels.unpack import unpack

SUITES = ["trixie-amd64", "bookworm-amd64"]


OTHERS = ("boot", "server", "storage")


@pytest.fixture(params=[*render.SCRIPTS, *(f"system {name}" for name in render.SCRIPTS), *OTHERS])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A maintainer script of an app, with either emperor; what its service runs; what ssh runs."""
    system = sample_project(emperor="system", service=sample_service())
    texts = render.members(sample_project(), VERSION)
    texts |= {f"system {name}": text for name, text in render.members(system, VERSION).items()}
    texts["boot"] = resource("packaging/device/boot").read_text()
    own = sample_project(wsgi="", command='uvicorn --uds "$SOCKET" app:app', uwsgi={})
    sources = render.render(own, target.load(SUITES[0]), version=VERSION, epoch=EPOCH)
    texts["server"] = next(found.data.decode() for found in sources if found.path.endswith("/dist/server"))
    texts["storage"] = resource("packaging/repo/storage.sh").read_text()
    path = tmp_path / str(request.param).replace(" ", "-")
    path.write_text(texts[request.param])
    return path


def test_shellcheck_finds_nothing(script: Path) -> None:
    done = run(["shellcheck", "--shell=sh", "--severity=style", script], check=False)
    assert done.stdout == ""
    assert done.status == 0


def test_dash_parses_it(script: Path) -> None:
    assert run(["sh", "-n", script]).stderr == ""


def test_a_command_starts_the_interpreter_of_the_venv_that_it_lies_in(tmp_path: Path) -> None:
    points = {"console_scripts": {"thing": "thing:main"}}
    path = make_wheel(tmp_path, "Thing", "1.0", {"thing.py": b""}, entry_points=points)
    wheel = Wheel("Thing", "1.0", path.name, "0" * 64, path)
    sources = {source.path: source for source in unpack(wheel, "app", target.load(SUITES[0]), None)}
    command = tmp_path / "a venv/bin/thing"
    command.parent.mkdir(parents=True)
    command.write_bytes(sources["usr/lib/app/dist/venv/bin/thing"].data)
    command.chmod(0o755)
    (command.parent / "python3").symlink_to(sys.executable)
    (tmp_path / "thing.py").write_text(
        "import sys\ndef main():\n    print(sys.executable, *sys.argv, sep='|')\n    return 7\n"
    )
    (tmp_path / "link").symlink_to(command)
    done = run([tmp_path / "link", "an argument"], check=False, env={"PYTHONPATH": str(tmp_path)})
    assert done.status == 7
    assert done.stdout == f"{command.parent}/python3|{tmp_path}/link|an argument\n"


@pytest.mark.parametrize("suite", SUITES)
def test_the_manual_page_has_no_warning(suite: str, tmp_path: Path) -> None:
    sources = render.render(sample_project(), target.load(suite), version=VERSION, epoch=EPOCH)
    page = next(source for source in sources if "/man/" in source.path)
    (tmp_path / "page.1.gz").write_bytes(page.data)
    done = run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", tmp_path / "page.1.gz"])
    assert done.stderr == ""
    assert "guestbook" in done.stdout
