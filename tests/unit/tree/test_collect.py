"""What an app's own command makes at build."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from samples import sample_project, sample_service
from wheelmaker import make_wheel

from debonair import target
from debonair.debian.interpreter import Interpreter
from debonair.errors import MachineError, ProjectError, WheelError
from debonair.host.cache import Cache
from debonair.host.run import CommandError, Completed
from debonair.project import Project, settings
from debonair.tree import collect as collected
from debonair.tree.app_files import AppFile
from debonair.wheels import Wheel

TRIXIE = target.load("trixie-arm64")


class Desk:
    """Stands in for this machine: a Python, a wheel, and a command that does what a test says."""

    def __init__(self, tmp_path: Path) -> None:
        self.interpreter: Interpreter | None = Interpreter(("/x/ld.so", "/x/python3.13"), "3.13.5")
        path = make_wheel(tmp_path / "wheels", "flask", "1.0", {"flask.py": b"x = 1\n"})
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.wheels = (Wheel("flask", "1.0", path.name, digest, path),)
        self.targets: list[str] = []
        self.ran: list[list[str]] = []
        self.command: Callable[[Path], None] = lambda copy: None

    def obtain(self, meant: target.Target) -> tuple[Wheel, ...]:
        self.targets.append(meant.name)
        return self.wheels

    def run(self, argv: Sequence[str], *, cwd: Path, timeout: float) -> Completed:
        del timeout
        self.ran.append(list(argv))
        self.command(cwd)
        return Completed(0, "", "")

    def variables(self) -> dict[str, str]:
        pairs = (word.partition("=") for word in self.ran[-1] if "=" in word)
        return {name: value for name, _, value in pairs}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setattr(collected, "complete", lambda version, **_: desk.interpreter)
    monkeypatch.setattr(collected, "run", desk.run)
    monkeypatch.setattr(collected, "host_architecture", lambda: "amd64")
    return desk


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / "polls").mkdir(parents=True)
    (root / "manage.py").write_text("")
    (root / "manage.py").chmod(0o755)
    (root / "polls/a.css").write_text("a")
    (root / "polls/link.css").symlink_to("a.css")
    return sample_project(
        root=root,
        config_file=root / "debonair.toml",
        collect="python manage.py collectstatic",
        exclude=tuple(settings.defaults()["exclude"]),
        service=sample_service(environment={"GREETING": "hello you"}),
    )


def files(tmp_path: Path, project: Project, desk: Desk) -> dict[str, AppFile]:
    cache = Cache(tmp_path / "cache")
    made = collected.files(project, TRIXIE, desk.obtain, cache=cache, environ={})
    return {file.path: file for file in made}


def collect(copy: Path) -> None:
    (copy / "static").mkdir()
    (copy / "static/a.css").write_bytes((copy / "polls/a.css").read_bytes())
    (copy / "polls/__pycache__").mkdir()
    (copy / "polls/__pycache__/x.pyc").write_text("")


def test_what_the_command_makes_is_the_apps(tmp_path: Path, project: Project, desk: Desk) -> None:
    desk.command = collect
    found = files(tmp_path, project, desk)
    assert sorted(found) == ["manage.py", "polls/a.css", "polls/link.css", "static/a.css"]
    assert (found["static/a.css"].data, found["manage.py"].mode) == (b"a", 0o755)
    assert found["polls/link.css"].target == "a.css"
    assert not (project.root / "static").exists(), "it runs in a copy"


def test_it_has_the_locked_packages_and_nothing_of_this_machine(
    tmp_path: Path, project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "elsewhere")
    seen = dict[str, str]()

    def look(copy: Path) -> None:
        seen["flask"] = (copy / "../venv/lib/python3.13/site-packages/flask.py").read_text()
        seen["python"] = (copy / "../venv/bin/python").read_text()
        seen["time"] = str(int((copy / "manage.py").stat().st_mtime))

    desk.command = look
    files(tmp_path, project, desk)
    assert desk.targets == ["trixie-amd64"], "the suite of the target, on this machine"
    assert seen["flask"] == "x = 1\n"
    assert seen["python"] == '#!/bin/sh\nexec /x/ld.so /x/python3.13 -S "$@"\n'
    assert seen["time"] == desk.variables()["SOURCE_DATE_EPOCH"]
    assert desk.ran[-1][:2] == ["env", "-i"]
    assert desk.ran[-1][-3:] == ["sh", "-c", "python manage.py collectstatic"]
    assert "DJANGO_SETTINGS_MODULE" not in desk.variables()
    assert desk.variables()["GREETING"] == "hello you"


def test_it_is_run_once_for_the_same(tmp_path: Path, project: Project, desk: Desk) -> None:
    desk.command = collect
    first = files(tmp_path, project, desk)
    assert files(tmp_path, project, desk) == first
    assert len(desk.ran) == 1
    files(tmp_path, replace(project, version="2.0"), desk)
    assert len(desk.ran) == 1, "a version is nothing to it"
    (project.root / "polls/a.css").write_text("b")
    assert files(tmp_path, project, desk)["static/a.css"].data == b"b"
    files(tmp_path, replace(project, collect="another"), desk)
    desk.interpreter = Interpreter(("/x/python3.13",), "3.13.6")
    files(tmp_path, project, desk)
    assert len(desk.ran) == 4


def test_it_can_write_where_the_app_can(tmp_path: Path, project: Project, desk: Desk) -> None:
    (project.root / "logs").mkdir()
    (project.root / "logs/README").write_text("kept")

    def write(copy: Path) -> None:
        (copy / "logs/errors").write_text("one")
        (copy / "var/app.db").write_text("two")
        collect(copy)

    desk.command = write
    led = replace(project, writable=("logs/", "var/app.db"))
    found = files(tmp_path, led, desk)
    assert sorted(found) == ["logs/README", "manage.py", "polls/a.css", "polls/link.css", "static/a.css"]


def test_a_command_that_fails(tmp_path: Path, project: Project, desk: Desk) -> None:
    def fail(copy: Path) -> None:
        raise CommandError(
            ["env"], 1, "\n".join(["Traceback", *"abcd", "ImproperlyConfigured: no STATIC_ROOT"])
        )

    desk.command = fail
    with pytest.raises(ProjectError) as caught:
        files(tmp_path, project, desk)
    assert caught.value.message == (
        "debonair.toml: 'collect' exited with status 1:\n  a\n  b\n  c\n  d\n"
        "  ImproperlyConfigured: no STATIC_ROOT"
    )
    assert "[service.environment]" in caught.value.hint


def test_the_cause_of_the_last_error_is_shown(tmp_path: Path, project: Project, desk: Desk) -> None:
    def fail(copy: Path) -> None:
        cause = ["Traceback", "FileNotFoundError: [Errno 2] logs/errors", "During handling of", *"abcde"]
        raise CommandError(["env"], 1, "\n".join([*cause, "ValueError: Unable to configure handler"]))

    desk.command = fail
    with pytest.raises(ProjectError) as caught:
        files(tmp_path, project, desk)
    shown = caught.value.message.splitlines()[1:]
    assert shown[:2] == ["  FileNotFoundError: [Errno 2] logs/errors", "  b"]
    assert shown[-1] == "  ValueError: Unable to configure handler"


def test_a_package_that_does_not_run_here(
    tmp_path: Path, project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise WheelError("fast 1.0 has no wheel for trixie-amd64.", "Lock another.")

    monkeypatch.setattr(desk, "obtain", lacking)
    with pytest.raises(WheelError, match=r"'collect' runs on this machine.* fast 1\.0 has no wheel"):
        files(tmp_path, project, desk)
    assert desk.ran == []


def test_a_machine_that_cannot(
    tmp_path: Path, project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.interpreter = None
    with pytest.raises(
        MachineError,
        match=r"'collect' needs Python 3\.13, which is not on this machine and cannot be downloaded\.",
    ):
        files(tmp_path, project, desk)
    monkeypatch.setattr(collected, "host_architecture", lambda: "s390x")
    with pytest.raises(
        MachineError,
        match=r"'collect' runs on this machine \(s390x\), but no target of trixie is for this",
    ):
        files(tmp_path, project, desk)
