"""Nothing that the app wrote reaches a terminal as it is: one function prints, and it escapes."""

from __future__ import annotations

import ast
import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import address
import command
import dpkg
import journal
import machine
import pi
import probe
import pytest
import status
import text
from address import Addresses
from machine import Machine
from release import Home

from debonair.resources import resource

HOSTILE = "a\x1b[2J\x1b]0;b\x07\r\x9b5n\u202ec\u200bd\x00\udce4\x7f"
OWN_OUTPUT = {
    "alias.py": "in the journal: no text of the app",
    "backup.py": "in the app's sandbox; the switch reads it by text.tail()",
    "seed.py": "in the app's sandbox; the switch reads it by text.tail()",
    "processes.py": "to uWSGI",
    "variables.py": "to uWSGI",
    "terminal.py": "the terminal of a person's own command",
    "env_verb.py": "a value for a program; a terminal gets it by text.say()",
    "journal.py": "a journal through journal.copy(), which escapes",
}
"""Programs and modules that write without ``text.say``, and to whom."""


def controls(shown: str) -> str:
    return "".join(one for one in shown if one != "\n" and (not one.isprintable() or ord(one) > 126))


def test_one_function_prints() -> None:
    writers = set()
    for file in sorted(Path(resource("packaging/device")).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name == "print" or name.startswith(("sys.stdout.", "sys.stderr.", "os.write")):
                writers.add(file.name)
    assert writers == {*OWN_OUTPUT, "text.py"}


@pytest.mark.parametrize("error", [False, True])
def test_a_line_is_escaped(capsys: pytest.CaptureFixture[str], *, error: bool) -> None:
    text.say(HOSTILE, error=error)
    captured = capsys.readouterr()
    shown = captured.err if error else captured.out
    expected = r"a\x1b[2J\x1b]0;b\x07\r\x9b5n\u202ec\u200bd\x00\xe4\x7f"
    assert shown == f"{expected}\n"
    assert controls(shown) == ""


@pytest.mark.parametrize("argv", [["status"], ["status", "--json"]])
def test_status_escapes_whatever_it_shows(
    tmp_path: Path, argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each source of text is hostile, also those that the app cannot write today."""
    home = pi.home(tmp_path)
    pi.serve(home, "1.0", health=f"/{HOSTILE}".replace("\udce4", ""))
    note = {"from": HOSTILE, "why": HOSTILE, "at": 0, "seconds": 1.0}
    refused = {"version": HOSTILE, "why": HOSTILE, "log": HOSTILE}
    monkeypatch.setattr(Home, "note", lambda _: {**note, "refused": refused})
    workers = [{"id": 1, "pid": 5, "status": HOSTILE, "requests": 3, "rss": 4}]
    monkeypatch.setattr(probe, "page", lambda _: probe.Page(problem=HOSTILE))
    monkeypatch.setattr(probe, "workers", lambda _: workers)
    monkeypatch.setattr(status, "state", lambda _: HOSTILE)
    monkeypatch.setattr(status, "systemd_runs", lambda: True)
    monkeypatch.setattr(dpkg, "problem", lambda _: HOSTILE)
    monkeypatch.setattr(status, "problems", lambda *_: [HOSTILE])
    monkeypatch.setattr(status, "foreign_data", lambda _: [HOSTILE])
    monkeypatch.setattr(status, "latest", lambda *_: HOSTILE)
    around = Machine({"disk": {"path": HOSTILE, "free": 1, "size": 2}}, [HOSTILE], [HOSTILE])
    monkeypatch.setattr(machine, "look", lambda *_: around)
    found = Addresses((HOSTILE,), HOSTILE, HOSTILE, (HOSTILE,), HOSTILE)
    monkeypatch.setattr(address, "find", lambda *_, **__: found)
    assert command.main(argv, home) == 3
    captured = capsys.readouterr()
    assert controls(captured.out + captured.err) == ""


def test_an_error_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = pi.home(tmp_path)
    pi.serve(home, "1.0")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert command.main(["rollback", HOSTILE], home) == 1
    captured = capsys.readouterr()
    assert controls(captured.out + captured.err) == ""


def test_a_terminal_may_not_have_all_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", shown)
    text.say("é€")
    shown.seek(0)
    assert shown.read() == "é\\u20ac\n"


class TestWidth:
    LINE = "  problem  the disk of /var/lib/guestbook is full: sudo du -xh / | sort -h | tail"

    @pytest.mark.parametrize("columns", [80, 60])
    def test_a_terminal_gets_short_lines(
        self, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        text.say(self.LINE, indent=" " * 11)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert max(map(len, lines)) <= columns
        assert " ".join(line.strip() for line in lines) == self.LINE.strip()
        assert lines[1].startswith(" " * 11)
        assert lines[1][11] != " "

    def test_a_file_gets_the_whole_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        text.say(self.LINE, indent=" " * 11)
        assert capsys.readouterr().out == f"{self.LINE}\n"

    def test_a_word_stays_whole(self) -> None:
        url = "http://" + "x" * 90
        assert text.broken(f"  address  {url}", 60, " " * 11) == ["  address", f"{' ' * 11}{url}"]
        assert text.broken("a " * 50, 20, "") == ["a " * 50]


class TestLogs:
    def test_its_lines_are_escaped(self) -> None:
        source, (reader, writer) = (
            io.BytesIO(HOSTILE.encode(errors="surrogateescape") + b"\nend"),
            os.pipe(),
        )
        journal.copy(source, writer)
        os.close(writer)
        with os.fdopen(reader) as output:
            shown = output.read()
        assert controls(shown) == ""
        assert shown.splitlines()[-1] == "end"

    @pytest.mark.parametrize("pager", ["/usr/bin/less", None])
    def test_a_terminal_gets_a_pager(
        self, pager: str | None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        started: list[list[str]] = []

        class Process:
            returncode = 0

            def __init__(self, words: list[str], **given: Any) -> None:
                started.append(list(words))
                self.stdout = io.BytesIO(f"{HOSTILE}\n".encode(errors="surrogateescape"))
                self.stdin = Path(os.devnull).open("w") if "stdin" in given else None  # noqa: SIM115

            def wait(self) -> int:
                return 0

            def terminate(self) -> None:
                pass

        monkeypatch.setattr(subprocess, "Popen", Process)
        monkeypatch.setattr(shutil, "which", lambda _: pager)
        assert journal.shown(["journalctl", "-u", "x"], paged=True) == 0
        expected = [["journalctl", "-u", "x", "--no-pager"], ["less", "-FSXMK"]]
        assert started == expected[: 1 + bool(pager)]
        assert controls(capfd.readouterr().out) == ""
