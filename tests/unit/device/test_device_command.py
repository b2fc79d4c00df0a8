"""The command of the app: what each verb does, prints, and ends with."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import call
import command
import emperor
import environment
import journal
import pi
import pytest
import task
from emperor import Emperor
from release import Home, Release
from switch import Switch


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = pi.home(tmp_path)
    pi.serve(found, "1.0")
    return found


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Make this process root on a machine that has the app's user; list what it does to itself."""
    done: list[Any] = []
    monkeypatch.setattr(grp, "getgrnam", lambda _: SimpleNamespace(gr_gid=os.getgid()))
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setattr(pwd, "getpwnam", {"guestbook": pi.ACCOUNT}.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda *_: True)
    monkeypatch.setattr(os, "execvp", lambda *given: done.append(("execvp", *given)))
    yield done
    monkeypatch.undo()


@pytest.mark.usefixtures("user")
class TestRun:
    @pytest.fixture(autouse=True)
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """What was run in the sandbox: of which release, and on a terminal or not."""
        found: list[Any] = []

        def for_person(_: Home, release: Release, argv: list[str], *, terminal: bool) -> int:
            found.append((release.version, argv, terminal))
            return 3

        monkeypatch.setattr(task, "for_person", for_person)
        monkeypatch.setattr(
            shutil, "which", lambda name, *, path: None if name == "nix" else f"/bin/{name}"
        )
        monkeypatch.setattr(os, "isatty", lambda _: False)
        return found

    def test_a_command_is_run_in_the_apps_sandbox(self, home: Home, ran: list[Any]) -> None:
        assert command.main(["run", "flask", "init-db", "--force", "-h"], home) == 3
        assert ran == [("1.0", ["/bin/flask", "init-db", "--force", "-h"], False)]

    def test_it_is_of_the_release_that_is_served(self, home: Home, ran: list[Any]) -> None:
        pi.unpack(home, "1.1")
        home.snapshot()
        command.main(["run", "true"], home)
        assert ran[0][0] == "1.0"

    def test_a_shell_has_a_prompt_that_says_where_one_is(
        self, home: Home, ran: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "isatty", lambda _: True)
        command.main(["shell"], home)
        ((_, argv, terminal),) = ran
        assert argv[2:] == ["/bin/bash", "--noprofile", "--norc", "-i"]
        assert "guestbook" in argv[1]
        assert terminal

    def test_a_command_that_is_not_there(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["run", "nix"], home) == 1
        assert "there is no command 'nix'" in capsys.readouterr().err

    def test_a_package_without_its_user(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)
        assert command.main(["shell"], home) == 1
        assert "the user guestbook does not exist" in capsys.readouterr().err

    def test_nothing_is_served(
        self, home: Home, ran: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        home.current.unlink()
        assert command.main(["run", "true"], home) == 1
        assert capsys.readouterr().err == "guestbook: no release is served: sudo guestbook status\n"
        assert ran == []

    def test_settings_that_cannot_be_read(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(*_: object) -> None:
            raise PermissionError(13, "Permission denied", "/etc/guestbook/env")

        monkeypatch.setattr(environment, "variables", fail)
        assert command.main(["shell"], home) == 1
        assert "Permission denied: '/etc/guestbook/env'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["run", "flask", "x"], "run flask"),
        (["shell"], "shell"),
        (["restart"], "restart"),
        (["rollback", "--undo"], "rollback"),
        (["env", "list"], "env list"),
        (["env", "set", "A=1"], "env set"),
        (["env", "get", "A"], "env get"),
        (["env", "unset", "A"], "env unset"),
    ],
)
def test_someone_else_is_told_to_use_sudo(
    home: Home,
    *,
    argv: list[str],
    expected: str,
    user: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command.main(argv, home) == 1
    assert f"this needs root: sudo guestbook {expected}" in capsys.readouterr().err
    assert user == []


class TestLogs:
    def test_they_are_journalctls(
        self, home: Home, user: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "isatty", lambda _: False)
        command.main(["logs", "-f"], home)
        assert user[-1][2] == [
            *("journalctl", "--unit=guestbook.service", "--unit=guestbook.next.service", "--follow")
        ]

    def test_a_journal_that_is_not_ones_own(
        self,
        home: Home,
        user: list[Any],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(Path, "glob", lambda folder, _: [folder / "1/system.journal"])
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert command.main(["logs"], home) == 1
        assert "sudo guestbook logs" in capsys.readouterr().err
        assert user == []

    def test_ctrl_c_is_no_traceback(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(journal, "become", interrupt)
        monkeypatch.setattr(os, "isatty", lambda _: False)
        assert command.main(["logs"], home) == 130


class TestLatest:
    @pytest.fixture(autouse=True)
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        found: list[str] = []

        def note(*argv: str, **_: object) -> tuple[int, str]:
            found.append(" ".join(argv))
            return 0, "spawned uWSGI worker 1\ndatabase is locked\x1b[2J\n"

        monkeypatch.setattr(call, "call", note)
        monkeypatch.setattr(call, "shown", lambda *_: "4f")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        return found

    def test_they_are_those_since_the_service_started(self, home: Home, ran: list[str]) -> None:
        release = pi.serve(home, "1.0")
        assert journal.latest(home, release) == "database is locked\\x1b[2J"
        assert " _SYSTEMD_INVOCATION_ID=4f + _PID=1 INVOCATION_ID=4f --output=cat" in ran[-1]

    @pytest.mark.parametrize("emperor", ["own", "system"])
    def test_without_a_number_of_the_start_they_are_the_newest(
        self, home: Home, emperor: str, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = pi.serve(home, "1.0", emperor=emperor)
        monkeypatch.setattr(call, "shown", lambda *_: "" if emperor == "own" else "4f")
        journal.latest(home, release)
        assert " --since=-10min --output=cat" in ran[-1]

    def test_only_root_may_read_them(
        self, home: Home, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert journal.latest(home, pi.serve(home, "1.0")) == ""
        assert ran == []


class TestReleases:
    def test_they_are_listed(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        pi.serve(home, "1.1")
        assert command.main(["releases"], home) == 0
        assert capsys.readouterr().out == "1.1  served  installed\n1.0\n"

    def test_the_installed_one_is_listed_although_it_was_never_served(
        self, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        new = pi.home(tmp_path / "new")
        pi.unpack(new, "1.0")
        assert command.main(["releases"], new) == 0
        assert capsys.readouterr().out == "1.0  installed  never served\n"
        refused = pi.unpack(home, "1.1")
        home.write_note({"refused": {"version": "1.1", "release": refused.name, "why": "", "log": ""}})
        assert command.main(["releases"], home) == 0
        assert capsys.readouterr().out == "1.1  installed  refused\n1.0  served\n"

    def test_a_rollback_keeps_it_in_the_list(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        before = home.serving()
        assert before
        pi.serve(home, "1.1")
        home.point(before)
        assert command.main(["releases"], home) == 0
        assert capsys.readouterr().out == "1.0  served\n1.1  installed\n"


@pytest.mark.usefixtures("user")
class TestRollback:
    @pytest.mark.parametrize(
        ("argv", "asked"), [([], "rollback "), (["1.0"], "rollback 1.0"), (["--undo"], "undo")]
    )
    def test_it_is_a_switch(
        self,
        home: Home,
        argv: list[str],
        asked: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        done: list[str] = []

        def note(what: str) -> bool:
            done.append(what)
            return True

        monkeypatch.setattr(Switch, "rollback", lambda _, name: note(f"rollback {name}"))
        monkeypatch.setattr(Switch, "undo", lambda _: note("undo"))
        assert command.main(["rollback", *argv], home) == 0
        assert done == [asked]
        assert re.fullmatch(r"guestbook: serving 1\.0 after \d\.\d s\n", capsys.readouterr().out)

    def test_what_was_never_served_is_configured_by_dpkg(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        unserved = pi.home(tmp_path / "other")
        pi.unpack(unserved, "1.0")
        ran: list[list[str]] = []

        def configure(argv: list[str], **_: object) -> None:
            ran.append(argv)
            if len(ran) > 1:
                pi.serve(unserved, "1.0")

        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/sbin/{name}")
        monkeypatch.setattr(subprocess, "run", configure)
        assert command.main(["rollback", "--undo"], unserved) == 3
        assert capsys.readouterr().out == ""
        assert command.main(["rollback", "--undo"], unserved) == 0
        assert capsys.readouterr().out.startswith("guestbook: serving 1.0 after ")
        assert ran == [["/usr/sbin/dpkg-reconfigure", "guestbook"]] * 2

    def test_what_was_never_served_has_a_name_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unserved = pi.home(tmp_path / "other")
        pi.unpack(unserved, "1.0-1+deb13")
        ran: list[list[str]] = []
        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/sbin/{name}")
        monkeypatch.setattr(subprocess, "run", lambda argv, **_: ran.append(argv))
        assert command.main(["rollback", "1.0"], unserved) == 3
        assert ran == [["/usr/sbin/dpkg-reconfigure", "guestbook"]]

    def test_what_was_never_served_is_tried_without_debconf_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unserved = pi.home(tmp_path / "other")
        pi.unpack(unserved, "1.0")
        monkeypatch.setattr(shutil, "which", lambda _: None)
        monkeypatch.setattr(Switch, "undo", lambda _: False)
        assert command.main(["rollback", "--undo"], unserved) == 3

    def test_one_that_is_refused(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(Switch, "rollback", lambda *_: False)
        assert command.main(["rollback"], home) == 3
        assert capsys.readouterr().out == ""

    def test_one_that_is_not_there(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["rollback", "0.9"], home) == 1
        assert "on this machine; there are: none" in capsys.readouterr().err

    def test_a_disk_that_is_full(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: object) -> bool:
            raise OSError(28, "No space left on device", "/usr/lib/guestbook/releases/1.1")

        monkeypatch.setattr(Switch, "undo", full)
        assert command.main(["rollback", "--undo"], home) == 1
        assert "No space left on device: '/usr/lib/guestbook/releases/1.1'" in capsys.readouterr().err


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("ended", [0, 1])
def test_restart_is_systemds(home: Home, monkeypatch: pytest.MonkeyPatch, ended: int) -> None:
    ran: list[tuple[str, ...]] = []

    def systemctl(*words: str, **_: object) -> tuple[int, str]:
        ran.append(words)
        return ended, ""

    monkeypatch.setattr(emperor, "systemctl", systemctl)
    monkeypatch.setattr(Emperor, "wait_healthy", lambda *_, **__: "")
    assert command.main(["restart"], home) == ended
    assert ran == [("restart", "guestbook.service")]


@pytest.mark.usefixtures("user")
def test_a_restart_ends_well_only_with_a_page(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emperor, "systemctl", lambda *_, **__: (0, ""))
    monkeypatch.setattr(Emperor, "wait_healthy", lambda *_, **__: "/ answers 503")
    assert command.main(["restart"], home) == 1
    assert "it was restarted, but is not healthy: / answers 503; see: sudo" in capsys.readouterr().err


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("mended", [True, False])
def test_a_restart_ends_what_stands_in(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, mended: bool
) -> None:
    link = home.run / "web.sock"
    link.symlink_to("sockets/next/app.sock")

    def settle(_: Switch) -> bool:
        if mended:
            link.unlink()
        return True

    monkeypatch.setattr(Switch, "settle", settle)
    assert command.main(["restart"], home) == (0 if mended else 1)
    message = (
        "" if mended else "guestbook.service does not start, guestbook.next.service still serves; see: "
    )
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("user")
class TestEnv:
    @pytest.fixture
    def file(self, home: Home) -> Path:
        path = home.root / "etc/guestbook/env"
        path.write_text("# mine\nSECRET_KEY=abc\nEMPTY=\n")
        path.chmod(0o640)
        return path

    @pytest.mark.usefixtures("file")
    def test_no_value_is_shown(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["env", "list"], home) == 0
        assert capsys.readouterr().out == "SECRET_KEY=********\nEMPTY=\n"

    def test_some_are_set(self, home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["env", "set", "MAIL=a@b?x=1", "EMPTY=no more"], home) == 0
        assert file.read_text() == '# mine\nSECRET_KEY=abc\nEMPTY="no more"\nMAIL="a@b?x=1"\n'
        assert capsys.readouterr().out == "To apply the change: sudo guestbook restart\n"
        (home.lib / "current").unlink()
        assert command.main(["env", "set", "A=b"], home) == 0
        assert capsys.readouterr().out == "To apply the change: sudo guestbook rollback --undo\n"

    @pytest.mark.parametrize("pair", ["MAIL", "1A=x", "A B=x", "A\n=x", "=x", ""])
    def test_what_is_no_variable_is_refused_with_all_the_others(
        self, home: Home, file: Path, pair: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = file.read_text()
        assert command.main(["env", "set", "GOOD=1", pair], home) == 1
        shown = pair.replace("\n", "\\n")
        assert f"'{shown}' is not NAME=VALUE" in capsys.readouterr().err
        assert file.read_text() == before

    def test_without_the_file(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["env", "list"], home) == 1
        assert "env is missing; create it: sudo guestbook env set NAME=VALUE" in capsys.readouterr().err
        assert command.main(["env", "set", "A=1"], home) == 0
        found = environment.parse((home.root / "etc/guestbook/env").read_text())
        assert (found["A"], len(found["SECRET_KEY"])) == ("1", 64)

    @pytest.mark.usefixtures("file")
    def test_values_are_listed_if_requested(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["env", "set", "PEM=one\ntwo\x1b[2J"], home) == 0
        capsys.readouterr()
        assert command.main(["env", "list", "--values"], home) == 0
        assert capsys.readouterr().out == "SECRET_KEY=abc\nEMPTY=\nPEM=one\\ntwo\\x1b[2J\n"

    @pytest.mark.usefixtures("file")
    @pytest.mark.parametrize("value", ["one\ntwo\n", "a \"b\" 'c' \\ $d `e`", "é€", "", "\x1b[2J"])
    def test_a_value_goes_to_a_program_unchanged(
        self, home: Home, value: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command.main(["env", "set", f"A={value}"], home) == 0
        capsys.readouterr()
        assert command.main(["env", "get", "A"], home) == 0
        assert capsys.readouterr().out == f"{value}\n"

    @pytest.mark.usefixtures("file")
    def test_a_terminal_gets_a_value_with_escapes(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command.main(["env", "set", "A=one\n\x1b]0;title\x07"], home)
        capsys.readouterr()
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        assert command.main(["env", "get", "A"], home) == 0
        assert capsys.readouterr().out == "one\n\\x1b]0;title\\x07\n"

    def test_some_are_removed(self, home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file.write_text('# mine\nA=1\nPEM="x\nA=2\n"\n# ours\nB=2\nA=3')
        assert command.main(["env", "unset", "A", "B"], home) == 0
        assert file.read_text() == '# mine\nPEM="x\nA=2\n"\n# ours\n'
        assert capsys.readouterr().out == "To apply the change: sudo guestbook restart\n"

    @pytest.mark.parametrize("argv", [["get", "NO\x1b"], ["unset", "EMPTY", "NO\x1b"]])
    def test_one_that_is_not_set(
        self, home: Home, file: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = file.read_text()
        assert command.main(["env", *argv], home) == 1
        assert "env does not set NO\\x1b; it sets: SECRET_KEY, EMPTY\n" in capsys.readouterr().err
        assert file.read_text() == before

    def test_bytes_that_systemd_refuses(
        self, home: Home, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = file.read_text()
        assert command.main(["env", "set", "A=x\udce4"], home) == 1
        assert "the value of A has the byte 0xe4, which is not UTF-8" in capsys.readouterr().err
        assert file.read_text() == before

    def test_debians_emperor_passes_one_line(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        pi.serve(home, "1.0", emperor="system")
        assert command.main(["env", "set", "A=x\ny"], home) == 1
        assert "several lines, which Debian's emperor cannot pass on" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("argv", "left"), [(["set", "B=2"], b'A=1\nB="2"\n'), (["unset", "B"], b"A=1\n")]
    )
    def test_a_wrong_value_can_be_replaced(
        self, home: Home, file: Path, argv: list[str], left: bytes
    ) -> None:
        file.write_bytes(b"A=1\nB=\xe4\n")
        assert command.main(["env", *argv], home) == 0
        assert file.read_bytes().startswith(left)

    @pytest.mark.parametrize("argv", [["env", "list"], ["env", "set", "A=1"]])
    def test_what_is_no_text_is_named(
        self, home: Home, file: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        file.write_bytes(b"A=1\nB=\xe4\n")
        assert command.main(argv, home) == 1
        assert f"{file}, line 2: byte 0xe4 is not UTF-8" in capsys.readouterr().err
        assert file.read_bytes() == b"A=1\nB=\xe4\n"

    def test_its_group_must_be_there(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(grp, "getgrnam", {}.__getitem__)
        assert command.main(["env", "set", "A=1"], home) == 1
        assert "the group guestbook does not exist" in capsys.readouterr().err


class TestCommandLine:
    def test_the_version_is_that_of_the_package(
        self, home: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pi.unpack(home, "1.1")
        with pytest.raises(SystemExit) as ended:
            command.main(["--version"], home)
        assert ended.value.code == 0
        assert capsys.readouterr().out == "guestbook 1.1\n"

    @pytest.mark.parametrize(
        ("argv", "problem", "example"),
        [
            ([], "guestbook: COMMAND is missing", "sudo guestbook status"),
            (
                ["rolback"],
                "there is no COMMAND 'rolback'; do you mean 'rollback'?",
                "sudo guestbook rollback",
            ),
            (["a\x1b[2J"], "there is no COMMAND 'a\\x1b[2J'", "sudo guestbook status"),
            (
                ["status", "x"],
                "guestbook status: 'x' is not one of its words",
                "sudo guestbook status --json",
            ),
            (["run"], "guestbook run: COMMAND is missing", "sudo guestbook run python3 --version"),
            (
                ["rollback", "a", "b"],
                "rollback: 'b' is not one of its words",
                "sudo guestbook rollback --undo",
            ),
            (["env"], "guestbook env: ACTION is missing", "sudo guestbook env set MAIL=ada@example.org"),
            (["env", "sett"], "there is no ACTION 'sett'; do you mean 'set'?", "sudo guestbook env list"),
            (["env", "set"], "env set: NAME=VALUE is missing", "sudo guestbook env set MAIL=ada@ex"),
            (["env", "get"], "guestbook env get: NAME is missing", "sudo guestbook env get MAIL"),
            (["env", "unset"], "guestbook env unset: NAME is missing", "sudo guestbook env unset MAIL"),
            (
                ["env", "list", "x"],
                "env list: 'x' is not one of its words",
                "sudo guestbook env list --values",
            ),
            (["logs", "--folow"], "'--folow' is not one of its words", "sudo guestbook logs -f"),
        ],
    )
    def test_what_is_no_command(
        self,
        home: Home,
        *,
        argv: list[str],
        problem: str,
        example: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            command.main(argv, home)
        told = capsys.readouterr().err
        assert ended.value.code == 2
        assert problem in told.splitlines()[0]
        assert "\nusage: guestbook" in told
        assert f"\n  {example}" in told.partition("\nExamples:")[2]

    @pytest.mark.parametrize(
        ("argv", "choices"),
        [([], "status logs run shell restart releases rollback env"), (["env"], "list get set unset")],
    )
    def test_a_missing_word_is_answered_with_what_it_can_be(
        self, home: Home, argv: list[str], choices: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            command.main(argv, home)
        told = capsys.readouterr().err
        assert [choice for choice in choices.split() if f"\n  {choice} " not in told] == []

    @pytest.mark.parametrize(
        "argv", ["status", "logs", "run", "shell", "restart", "releases", "rollback", "env", "env set"]
    )
    def test_each_help_has_examples(
        self, home: Home, argv: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            command.main([*argv.split(), "--help"], home)
        assert f"\nExamples:\n  sudo guestbook {argv}" in capsys.readouterr().out

    def test_every_verb_is_told_of(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            command.main(["--help"], home)
        stdout = capsys.readouterr().out
        verbs = ("status", "logs", "run", "shell", "restart", "releases", "rollback", "env")
        assert not [verb for verb in verbs if f"\n    {verb} " not in stdout]

    def test_half_a_package(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["status"], pi.home(tmp_path)) == 1
        assert "dist/release.json" in capsys.readouterr().err
