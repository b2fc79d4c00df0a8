"""What is run as the app: the words for systemd-run, and what becomes of them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import NoReturn

import call
import pi
import pytest
import sandbox
import task
import terminal
from release import Home, Release

UNIT = "guestbook.run-7.service"
SWITCH = "guestbook.run-switch.service"


class Systemd:
    """Notes what is run, with the drop-ins of its unit at that time."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.ran: list[list[str]] = []
        self.settings = ""
        self.answer = (0, "")
        self.result = "success"
        self.unit = ""
        self.states = ["inactive", "failed"]
        """The state of the unit before and after it, once each."""

    def __call__(self, *argv: str, **_: object) -> tuple[int, str]:
        self.ran.append(list(argv))
        if argv[0] != "systemd-run":
            return 0, ""
        self.unit = next(word for word in argv if word.startswith("--unit=")).removeprefix("--unit=")
        folder = self.home.root / "run/systemd/system" / f"{self.unit}.d"
        self.settings = "".join(path.read_text() for path in sorted(folder.iterdir()))
        return self.answer

    def systemctl(self, *words: str, **_: object) -> tuple[int, str]:
        self.ran.append(["systemctl", *words])
        return 0, ""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return pi.home(tmp_path)


@pytest.fixture
def release(home: Home, monkeypatch: pytest.MonkeyPatch) -> Release:
    monkeypatch.setattr(pwd, "getpwnam", {"guestbook": pi.ACCOUNT}.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getpid", lambda: 7)
    monkeypatch.setattr(shutil, "which", lambda name, *, path: None if name == "nix" else f"/bin/{name}")
    pi.unpack(home, "1.0", {"systemd/guestbook.service": "[Service]\nProtectSystem=strict\n"})
    found, _ = home.snapshot()
    home.point(found)
    return found


@pytest.fixture
def systemd(home: Home, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    found = Systemd(home)
    monkeypatch.setattr(call, "systemd_runs", lambda: True)
    monkeypatch.setattr(call, "call", found)
    monkeypatch.setattr(call, "systemctl", found.systemctl)
    monkeypatch.setattr(call, "shown", lambda _, name: found.result if name == "Result" else "")
    monkeypatch.setattr(call, "state", lambda _: found.states.pop(0))
    monkeypatch.setattr(sandbox, "apart", lambda: "PrivatePIDs=yes")
    return found


@pytest.fixture
def no_systemd(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    ran: list[list[str]] = []

    def run(*argv: str, **_: object) -> tuple[int, str]:
        ran.append(list(argv))
        return 0, "said\n"

    monkeypatch.setattr(call, "systemd_runs", lambda: False)
    monkeypatch.setattr(call, "call", run)
    return ran


class TestAsApp:
    def test_it_is_a_unit_with_the_settings_of_the_apps(
        self, home: Home, release: Release, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PASSWORD", "of root")
        systemd.answer = (0, "hello\n")
        found = task.as_app(home, release, ["sh", "-c", "echo $X"], seconds=5, more="ReadWritePaths=/x")
        assert found == (0, "hello")
        words = systemd.ran[0]
        assert words[words.index("--") :] == ["--", "/bin/sh", "-c", "echo $$X"]
        assert {f"--unit={SWITCH}", "--pipe", "--wait", f"--working-directory={release.folder}/app"} <= set(
            words
        )
        assert {"--property=RuntimeMaxSec=5", "--property=KillSignal=SIGKILL"} <= set(words)
        assert "--setenv=STATE_DIRECTORY=/var/lib/guestbook" in words
        assert [word for word in words if word.startswith(f"--setenv=PATH={release.folder}/venv/bin:")]
        assert "of root" not in " ".join(words)
        assert systemd.settings == (
            f"[Service]\nProtectSystem=strict\n[Service]\nInaccessiblePaths=-{home.run}/sockets\n"
            "PrivatePIDs=yes\nReadWritePaths=/x\n"
        )
        assert list((home.root / "run/systemd/system").iterdir()) == []

    def test_a_command_that_is_not_there(self, home: Home, release: Release, systemd: Systemd) -> None:
        assert task.as_app(home, release, ["nix"], seconds=5) == (127, "there is no command 'nix'")
        assert systemd.ran == []

    @pytest.mark.parametrize("how", ["by systemd", "by itself"])
    def test_what_does_not_end_is_ended_with_all_that_it_started(
        self, home: Home, release: Release, systemd: Systemd, how: str
    ) -> None:
        systemd.answer = (1 if how == "by systemd" else 124, "so far\n")
        systemd.result = "timeout" if how == "by systemd" else "success"
        found = task.as_app(home, release, ["sh"], seconds=5)
        assert found == (124, "so far\nit did not finish within 5 seconds")
        assert ["systemctl", "kill", "--signal=SIGKILL", SWITCH] in systemd.ran

    def test_one_that_fails_leaves_no_failed_unit(
        self, home: Home, release: Release, systemd: Systemd
    ) -> None:
        systemd.answer = (3, "")
        assert task.as_app(home, release, ["sh"], seconds=5) == (3, "")
        assert systemd.ran[-1] == ["systemctl", "reset-failed", SWITCH]

    def test_that_of_an_interrupted_switch_ends_before(
        self, home: Home, release: Release, systemd: Systemd
    ) -> None:
        systemd.states = ["active", "inactive"]
        task.as_app(home, release, ["sh"], seconds=5)
        assert [words[:2] for words in systemd.ran] == [
            ["systemctl", "kill"],
            ["systemctl", "stop"],
            ["systemctl", "reset-failed"],
            ["systemd-run", "--quiet"],
        ]

    def test_it_ends_when_the_switch_is_interrupted(
        self, home: Home, release: Release, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        systemd.states = ["inactive", "active"]

        def interrupted(*_: str, **__: object) -> NoReturn:
            raise KeyboardInterrupt

        monkeypatch.setattr(call, "call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            task.as_app(home, release, ["sh"], seconds=5)
        assert ["systemctl", "kill", "--signal=SIGKILL", SWITCH] in systemd.ran

    def test_one_that_the_kernel_killed_for_its_memory(
        self, home: Home, release: Release, systemd: Systemd
    ) -> None:
        systemd.answer, systemd.result = (1, "begins\n"), "oom-kill"
        status, output = task.as_app(home, release, ["sh"], seconds=5)
        assert (status, output.split("\n")[0]) == (1, "begins")
        assert "needs more memory than there is" in output

    def test_an_app_of_debians_emperor_has_the_admins_file_by_its_name(
        self, home: Home, systemd: Systemd, release: Release
    ) -> None:
        assert release.emperor == "own"
        other = pi.serve(home, "1.1", emperor="system", user="www-data")
        task.as_app(home, other, ["sh"], seconds=5)
        assert "--property=EnvironmentFile=-/etc/guestbook/env" in systemd.ran[0]

    def test_without_systemd_it_becomes_the_apps_user(
        self, home: Home, release: Release, no_systemd: list[list[str]]
    ) -> None:
        assert task.as_app(home, release, ["sh", "-c", "x"], seconds=5) == (0, "said")
        (words,) = no_systemd
        assert words[:4] == ["setpriv", "--reuid=990", "--regid=980", "--init-groups"]
        assert words[4:8] == ["env", "-i", "-C", f"{release.folder}/app"]
        assert words[-3:] == ["/bin/sh", "-c", "x"]

    def test_the_apps_user_stays_that_user(
        self, home: Home, release: Release, no_systemd: list[list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 990)
        task.as_app(home, release, ["sh"], seconds=5)
        assert no_systemd[0][:3] == ["env", "-i", "-C"]


class TestForPerson:
    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        found: list[list[str]] = []

        def run(how: str, argv: list[str], **_: object) -> int:
            found.append([how, *argv])
            return 3

        monkeypatch.setattr(subprocess, "call", partial(run, "with the terminal"))
        monkeypatch.setattr(terminal, "run", partial(run, "without one"))
        return found

    @pytest.mark.parametrize("all_are", [True, False])
    def test_it_is_in_the_sandbox_too(
        self,
        home: Home,
        release: Release,
        systemd: Systemd,
        ran: list[list[str]],
        *,
        all_are: bool,
    ) -> None:
        assert task.for_person(home, release, ["/bin/sh"], terminal=all_are) == 3
        assert ran[0][0] == ("with the terminal" if all_are else "without one")
        assert ("--pty" if all_are else "--pipe") in ran[0]
        assert ran[0][-2:] == ["--", "/bin/sh"]
        assert systemd.ran == [["systemctl", "stop", UNIT]]

    def test_without_systemd(
        self, home: Home, release: Release, no_systemd: list[list[str]], ran: list[list[str]]
    ) -> None:
        assert task.for_person(home, release, ["/bin/sh"], terminal=True) == 3
        assert no_systemd == []
        assert ran[0][:2] == ["with the terminal", "setpriv"]


@pytest.mark.parametrize("root", [True, False])
def test_copies_are_the_apps_alone(
    home: Home, release: Release, monkeypatch: pytest.MonkeyPatch, *, root: bool
) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "chown", lambda *args, **_: given.append(args))
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 990)
    folder = task.copies(home, release)
    assert folder == home.root / "var/backups/guestbook"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert given == ([(folder, 990, 980)] if root else [])
