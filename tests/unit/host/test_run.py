from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from debonair import errors
from debonair.errors import MachineError
from debonair.host import run, supervisor
from debonair.host.output import Deadline, Flood
from debonair.host.run import CommandError, Completed


@pytest.fixture
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: f"/usr/bin/{name}")


class Started:
    """Stands in for what starts a program, and keeps what it was called with."""

    def __init__(self, status: int = 0, stdout: bytes = b"", stderr: bytes = b"") -> None:
        self.returncode, self.stdout, self.stderr = status, stdout, stderr
        self.words: list[str] = []
        self.given: dict[str, Any] = {}

    pid = 8

    stubborn = False

    def wait(self, timeout: float | None = None) -> int:
        if self.stubborn and timeout:
            raise subprocess.TimeoutExpired("it", timeout)
        return self.returncode

    def terminate(self) -> None:
        self.words.append("terminated")

    def kill(self) -> None:
        self.words.append("killed")

    def __call__(self, words: list[str], **given: Any) -> Started:
        self.words, self.given = words, given
        return self

    def listen(self, process: Started, given: bytes, *, timeout: float | None) -> tuple[bytes, bytes]:
        assert process is self
        self.given["input"] = given
        self.given["timeout"] = timeout
        return self.stdout, self.stderr


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, _found: None) -> Started:
    fake = Started(stdout=b"out \xff", stderr=b"err")
    monkeypatch.setattr(subprocess, "Popen", fake)
    monkeypatch.setattr(os, "waitid", lambda *_: SimpleNamespace(si_code=os.CLD_EXITED))
    monkeypatch.setattr(run, "listen", fake.listen)
    return fake


class TestFind:
    def test_sbin_is_searched_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []

        def which(name: str, path: str) -> str:
            seen.append(path)
            return f"/x/{name}"

        monkeypatch.setattr(shutil, "which", which)
        monkeypatch.setenv("PATH", "/a:/b")
        assert run.find("nginx") == "/x/nginx"
        assert seen == ["/a:/b:/usr/sbin:/sbin"]
        monkeypatch.delenv("PATH")
        run.find("nginx")
        assert seen[1] == f"{os.defpath}:/usr/sbin:/sbin"

    @pytest.mark.parametrize(("program", "package"), [("nsenter", "util-linux"), ("git", "git")])
    def test_a_missing_program_is_named_with_its_package(
        self, program: str, package: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        with pytest.raises(MachineError, match=f"'{program}' is not on this machine") as caught:
            run.find(program)
        assert caught.value.hint.endswith(f"sudo apt install {package}")


class TestRun:
    def test_returns_what_was_left(self, started: Started) -> None:
        assert run.run(["tool", Path("/x y"), "--z"]) == Completed(
            0, "out \N{REPLACEMENT CHARACTER}", "err"
        )
        assert started.words == ["/usr/bin/tool", "/x y", "--z"]
        assert started.given["stdin"] == subprocess.DEVNULL
        assert started.given["env"] is None
        assert "shell" not in started.given

    def test_standard_input_is_what_is_given(self, started: Started) -> None:
        run.run(["tool"], stdin=b"", cwd=Path("/c"))
        assert started.given["input"] == b""
        assert started.given["stdin"] == subprocess.PIPE
        assert started.given["cwd"] == Path("/c")

    def test_standard_input_may_be_a_file(self, started: Started, tmp_path: Path) -> None:
        (tmp_path / "given").write_bytes(b"words")
        run.run(["tool"], stdin=tmp_path / "given")
        assert started.given["stdin"].name == str(tmp_path / "given")
        assert started.given["input"] == b""

    def test_what_has_a_deadline_is_watched(self, started: Started) -> None:
        run.run(["tool", "x"])
        assert (started.words[0], started.given["start_new_session"]) == ("/usr/bin/tool", False)
        run.run(["tool", "x"], timeout=5)
        assert started.words == [*run.program(supervisor.__file__), "/usr/bin/tool", "x"]
        assert (started.given["timeout"], started.given["start_new_session"]) == (5, True)

    def test_the_environment_is_added_to(self, started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEPT", "1")
        monkeypatch.setenv("CHANGED", "1")
        run.run(["tool"], env={"CHANGED": "2"})
        assert (started.given["env"]["KEPT"], started.given["env"]["CHANGED"]) == ("1", "2")

    def test_a_failure_shows_the_command_and_the_end_of_its_words(self, started: Started) -> None:
        started.returncode, started.stdout = 3, b"".join(b"line %d\n" % number for number in range(30))
        with pytest.raises(CommandError) as caught:
            run.run(["tool", "a b"])
        assert caught.value.message.startswith("'/usr/bin/tool 'a b'' exited with status 3:\nline 11\n")
        assert caught.value.message.endswith("line 29\nerr")
        assert caught.value.status == 3
        assert "line 0" in caught.value.output

    def test_a_silent_failure(self, started: Started) -> None:
        started.returncode, started.stdout, started.stderr = -9, b"", b"\n"
        with pytest.raises(CommandError, match=r"exited with status -9$"):
            run.run(["tool"])

    def test_a_failure_may_be_looked_at(self, started: Started) -> None:
        started.returncode = 3
        assert run.run(["tool"], check=False).status == 3

    @pytest.mark.parametrize(
        ("failure", "told"),
        [(Deadline(), "did not finish within 5 seconds."), (Flood(3 << 20), "wrote more than 3 MB")],
    )
    def test_what_does_not_end(
        self, started: Started, monkeypatch: pytest.MonkeyPatch, failure: Exception, told: str
    ) -> None:
        assert started.words == []

        def late(*_: object, **__: object) -> None:
            raise failure

        monkeypatch.setattr(run, "listen", late)
        with pytest.raises(MachineError, match=told):
            run.run(["tool"], timeout=5)

    def test_what_is_run_is_shown_to_be_pasted(
        self, started: Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run.run(["tool", "silent"])
        monkeypatch.setattr(run, "verbose", True)
        run.run(["tool", "a b"])
        run.attend(["tool", "c"])
        assert capsys.readouterr().err == "+ /usr/bin/tool 'a b'\n+ /usr/bin/tool c\n"


def test_attend_returns_the_status(started: Started) -> None:
    started.returncode = 7
    assert run.attend(["tool", Path("x")]) == 7
    assert started.words == ["/usr/bin/tool", "x"]
    assert started.given == {}


@pytest.mark.parametrize("stubborn", [True, False])
def test_attend_ends_the_program_if_it_is_interrupted(
    started: Started, monkeypatch: pytest.MonkeyPatch, *, stubborn: bool
) -> None:
    def interrupted(*_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "waitid", interrupted)
    started.stubborn = stubborn
    with pytest.raises(KeyboardInterrupt):
        run.attend(["tool"])
    assert started.words == ["/usr/bin/tool", "terminated", "killed"]


def test_attend_stops_together_with_the_program(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a shell has continued both meanwhile."""
    states = [os.CLD_STOPPED, os.CLD_STOPPED, os.CLD_STOPPED, None, os.CLD_STOPPED, os.CLD_EXITED]
    states.append(os.CLD_EXITED)
    told: list[tuple[int, int]] = []

    def state(*_: int) -> SimpleNamespace | None:
        code = states.pop(0)
        return None if code is None else SimpleNamespace(si_code=code)

    monkeypatch.setattr(os, "waitid", state)
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append((pid, number)))
    assert run.attend(["tool"]) == started.returncode
    assert told == [(os.getpid(), signal.SIGSTOP), (started.pid, signal.SIGCONT)]


@pytest.mark.usefixtures("_found")
def test_start_writes_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    process: Any = SimpleNamespace(returncode=None)

    def popen(words: list[str], **given: Any) -> Any:
        given["stdout"].write(b"said\n")
        seen.update(given, words=words)
        return process

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setenv("KEPT", "1")
    output = tmp_path / "log"
    output.write_text("before\n")
    assert run.start(["tool", tmp_path], output=output, env={"A": "1"}, pass_fds=[5]) is process
    assert output.read_text() == "before\nsaid\n"
    assert seen["words"] == ["/usr/bin/tool", str(tmp_path)]
    assert seen["stdin"] == subprocess.DEVNULL
    assert seen["start_new_session"]
    assert seen["pass_fds"] == [5]
    assert (seen["env"]["A"], seen["env"]["KEPT"]) == ("1", "1")
    run.start(["tool"], output=output)
    assert seen["env"] is None


def test_each_kind_of_error_has_its_exit_code() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Error)
    ]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(kinds) == 10
    assert 2 not in codes  # what Click says of a wrong command line
    assert all(0 < code < 64 for code in codes)


def test_an_error_is_a_sentence_and_a_hint() -> None:
    error = errors.ProjectError("It is wrong.", hint="Fix it.")
    assert (str(error), error.message, error.hint) == ("It is wrong.", "It is wrong.", "Fix it.")
    assert errors.Error("x").hint == ""
