"""``debonair completion``: what it prints, and where it installs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner, Result

from debonair.cli.main import main

FILES = {
    "bash": ".local/share/bash-completion/completions/debonair",
    "zsh": ".local/share/zsh/site-functions/_debonair",
    "fish": ".config/fish/completions/debonair.fish",
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(BashComplete, "_check_version", lambda *_: None)


def completion(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["completion", *words])
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize("shell", FILES)
def test_it_is_printed(shell: str) -> None:
    assert f"_DEBONAIR_COMPLETE={shell}_complete" in completion(shell).stdout


@pytest.mark.parametrize("shell", FILES)
def test_it_is_installed_once_and_the_file_is_named(shell: str, tmp_path: Path) -> None:
    startup = [tmp_path / name for name in (".bashrc", ".zshrc", ".config/fish/config.fish")]
    for each in startup:
        each.parent.mkdir(parents=True, exist_ok=True)
        each.write_text("# mine\n")
    path = tmp_path / FILES[shell]
    assert completion(shell, "--install").stdout == f"{path} is written. Open a new shell to use it.\n"
    assert f"{path.read_text()}\n" == completion(shell).stdout
    before = path.stat().st_mtime_ns
    assert completion(shell, "--install").stdout == f"{path} is up to date.\n"
    assert path.stat().st_mtime_ns == before
    path.write_text("of an older version\n")
    assert " is written." in completion(shell, "--install").stdout
    assert path.read_text() != "of an older version\n"
    assert [each.read_text() for each in startup] == ["# mine\n"] * 3


def test_the_folders_of_the_user_are_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for shell in FILES:
        completion(shell, "--install")
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*debonair*"))
    assert found == [
        "config/fish/completions/debonair.fish",
        "data/bash-completion/completions/debonair",
        "data/zsh/site-functions/_debonair",
    ]


def test_zsh_is_told_what_to_add(tmp_path: Path) -> None:
    stderr = completion("zsh", "--install").stderr
    assert f"fpath=({tmp_path}/.local/share/zsh/site-functions $fpath)" in stderr


def test_the_login_shell_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    completion("--install")
    assert (tmp_path / FILES["fish"]).is_file()
    assert "fish_complete" in completion().stdout
    monkeypatch.setenv("SHELL", "/bin/dash")
    assert "Your login shell is 'dash'" in completion("--install", code=9).stderr
    monkeypatch.delenv("SHELL")
    assert "the variable SHELL is not set" in completion(code=9).stderr


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("")
    assert "a part of its path is a file" in completion("bash", "--install", code=9).stderr
