"""Ctrl-C, Ctrl-Z and a closed window on a real terminal, at questions and at waits that never end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import ptys
import pytest
from ptys import Terminal
from silence import PATIENCE, Place, fetch_a_silent_wheel

DEBONAIR = [sys.executable, "-m", "debonair"]


def press(terminal: Terminal) -> None:
    terminal.type("\x03")


def terminate(terminal: Terminal) -> None:
    os.kill(terminal.pid, signal.SIGTERM)


def close(terminal: Terminal) -> None:
    terminal.close()


ENDS = [
    pytest.param(press, 130, id="ctrl-c"),
    pytest.param(terminate, 143, id="kill"),
    pytest.param(close, 129, id="closed"),
]
End = Callable[[Terminal], None]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for each in made.servers:
        each.close()


def assert_ends(terminal: Terminal, end: End, status: int, place: Place) -> None:
    """It ends with ``status``, says one line, and leaves no process, no file and no strange terminal."""
    processes = list(ptys.below(terminal.pid))
    end(terminal)
    took = terminal.wait(PATIENCE)
    print(f"{took:.2f} s")  # noqa: T201 - shown if it fails
    assert terminal.status == status, terminal.text
    if end is not close:
        assert terminal.text.endswith("Interrupted.\r\n")
        assert "Traceback" not in terminal.text
        assert terminal.restored
    ptys.assert_gone(processes, PATIENCE)
    assert not list((place.folder / "tmp").iterdir())


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_a_wait_with_a_clock(end: End, status: int, place: Place) -> None:
    words, _ = fetch_a_silent_wheel(place)
    with ptys.run([*DEBONAIR, *words], env=place.environ, cwd=place.project) as terminal:
        terminal.wait_for("0:02")
        assert_ends(terminal, end, status, place)


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_a_question_of_init(end: End, status: int, place: Place) -> None:
    (place.project / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    with ptys.run([*DEBONAIR, "init"], env=place.environ, cwd=place.project) as terminal:
        terminal.wait_for(lambda: terminal.text.endswith("]: "))
        assert_ends(terminal, end, status, place)
    assert [path.name for path in place.project.iterdir()] == ["app.py"]


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_a_change_asks(end: End, status: int, place: Place) -> None:
    words = [*DEBONAIR, "repo"]
    home = {"XDG_CONFIG_HOME": str(place.folder / "home")}
    made = [*words, "init", "apt", "--name", "acme"]
    short = home | {"TMPDIR": tempfile.gettempdir()}  # the agent's socket needs a short path
    subprocess.run(made, env=place.environ | short, cwd=place.folder, check=True, capture_output=True)
    argv = [*words, "rotate-key", "-r", "apt"]
    with ptys.run(argv, env=place.environ | home, cwd=place.folder) as terminal:
        terminal.wait_for("[y/N]: ")
        assert_ends(terminal, end, status, place)


@pytest.fixture
def key() -> Iterator[tuple[dict[str, str], str]]:
    """A GnuPG home, whose path must be short, with a key that has a passphrase."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = {"GNUPGHOME": folder}
        env = {**os.environ, **home}
        protected = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "secret"]
        words = ["gpg", *protected, "--quick-generate-key", "Ada <ada@example.org>", "ed25519", "sign"]
        subprocess.run(words, env=env, check=True, capture_output=True)
        words = ["gpg", "--with-colons", "--list-secret-keys"]
        listed = subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout
        found = re.search("^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
        assert found
        forget = ["gpgconf", "--kill", "gpg-agent"]  # the passphrase
        subprocess.run(forget, env=env, check=True)
        yield home, found[1]
        subprocess.run(forget, env=env, check=True)


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_a_passphrase_is_asked_for(
    end: End, status: int, place: Place, key: tuple[dict[str, str], str]
) -> None:
    """The agent of the user, no child of ours, has started the program that asks."""
    home, fingerprint = key
    # Only a shell on the terminal knows its name.
    named = ["sh", "-c", 'GPG_TTY=$(tty) && export GPG_TTY && exec "$@"', "sh"]
    argv = [*named, *DEBONAIR, "repo", "init", "apt", "--name", "acme", "--key", fingerprint]
    with ptys.run(argv, env=place.environ | home, cwd=place.folder) as terminal:
        terminal.wait_for("assphrase")
        terminal.wait_for(lambda: not terminal.restored)
        asking = pinentries(place)
        assert asking
        assert_ends(terminal, end, status, place)
    ptys.assert_gone(asking, PATIENCE)
    assert not (place.folder / "apt/state").exists()


def pinentries(place: Place) -> list[int]:
    """The processes that ask for a passphrase, of an agent that ``place`` started."""
    mark = f"DEBONAIR_CACHE={place.environ['DEBONAIR_CACHE']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            agent = next(line for line in (folder / "status").read_text().splitlines() if "PPid" in line)
            started_by = Path("/proc", agent.split()[1], "environ").read_bytes()
            if (folder / "comm").read_text().startswith("pinentry") and mark in started_by:
                found.append(int(folder.name))
    return found


def test_ctrl_z_and_fg(place: Place) -> None:
    words, _ = fetch_a_silent_wheel(place)
    shell = ["bash", "--norc", "--noprofile", "-i"]
    env = place.environ | {"PS1": "shell> ", "PROGRAM": " ".join([*DEBONAIR, *words])}
    with ptys.run(shell, env=env, cwd=place.project) as terminal:
        terminal.wait_for("shell> ")
        terminal.type("$PROGRAM\n")
        for _ in range(2):
            terminal.wait_for("0:")
            terminal.type("\x1a")
            terminal.wait_for("Stopped")
            terminal.wait_for("shell> ")
            terminal.type("fg\n")
        terminal.wait_for("0:")
        terminal.type("\x03")
        terminal.wait_for("Interrupted.")
        terminal.wait_for("shell> ")
        terminal.type("echo status=$?\n")
        terminal.wait_for("status=130")
        terminal.type("exit\n")
        terminal.wait(PATIENCE)
    assert not list((place.folder / "tmp").iterdir())
