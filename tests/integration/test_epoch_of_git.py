"""The time of a project, as the real git tells it: the same for all, or an error that says why not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from debonair.errors import MachineError, ProjectError
from debonair.host import clock
from debonair.host.run import run

FIRST, SECOND = 1_600_000_000, 1_650_000_000
WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


def git(folder: Path, *words: str, **variables: str) -> str:
    return run(["git", "-C", folder, *words], env={**WHO, **variables}).stdout


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's settings of git are there, and no repository above."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the folder ``app``, which its second commit has not touched."""
    root = tmp_path / "repository"
    (root / "app").mkdir(parents=True)
    run(["git", "init", "-q", "-b", "main", root])
    for time, name in ((FIRST, "app/app.py"), (SECOND, "README")):
        (root / name).write_text("x")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "x", GIT_COMMITTER_DATE=f"@{time} +0000")
    return root


def test_it_is_that_of_the_last_commit_of_the_folder(repository: Path) -> None:
    assert clock.of(repository, {}) == SECOND
    assert clock.of(repository / "app", {}) == FIRST


def test_another_owner(repository: Path) -> None:
    """As in a container that has the folder of its host."""
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 1234, 1234)
    with pytest.raises(
        MachineError,
        match="because it belongs to another user",
    ) as caught:
        clock.of(repository / "app", {})
    hint = caught.value.hint
    assert f"git config --global --add safe.directory {repository}" in hint
    assert "SOURCE_DATE_EPOCH" in hint
    command = hint.partition(": ")[2].partition(" - ")[0]
    run(command.split())
    assert clock.of(repository / "app", {}) == FIRST


def test_a_shallow_clone(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run(["git", "clone", "-q", "--depth", "1", repository.as_uri(), clone])
    for folder in (clone, clone / "app"):
        with pytest.raises(ProjectError, match="is in a shallow clone") as caught:
            clock.of(folder, {})
        assert f"git -C {folder} fetch --unshallow" in caught.value.hint
    git(clone, "fetch", "-q", "--unshallow")
    assert clock.of(clone / "app", {}) == FIRST


def test_a_shallow_clone_that_has_the_commit_will_do(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run(["git", "clone", "-q", "--depth", "2", repository.as_uri(), clone])
    assert clock.of(clone, {}) == SECOND
    with pytest.raises(ProjectError, match="is in a shallow clone"):
        clock.of(clone / "app", {})


def test_no_program_of_a_repository_is_run(repository: Path, tmp_path: Path) -> None:
    """Of a signed commit, ``log.showSignature`` runs gpg.program and prints what that says first."""
    evil, ran = tmp_path / "evil", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\necho hello >&2\necho hello\n")
    evil.chmod(0o755)
    commit = git(repository, "cat-file", "commit", "HEAD")
    head, _, text = commit.partition("\n\n")
    (tmp_path / "signed").write_text(f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n\n{text}")
    signed = git(repository, "hash-object", "-t", "commit", "-w", str(tmp_path / "signed")).strip()
    git(repository, "reset", "-q", "--hard", signed)
    for name, value in {
        "log.showSignature": "true",
        "gpg.program": str(evil),
        "core.fsmonitor": str(evil),
        "core.sshCommand": str(evil),
        "core.pager": str(evil),
        "diff.external": str(evil),
        "log.follow": "true",
        "color.ui": "always",
    }.items():
        git(repository, "config", name, value)
    ran.unlink(missing_ok=True)
    assert clock.of(repository, {}) == SECOND
    assert not ran.exists()


def test_nothing_is_fetched_for_it(repository: Path, tmp_path: Path) -> None:
    """A partial clone fetches what it lacks, from where its configuration says, by what that names."""
    evil, ran = tmp_path / "evil", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    run(["git", "clone", "-q", "--filter=tree:0", "--no-checkout", repository.as_uri(), clone])
    git(clone, "config", "remote.origin.uploadpack", str(evil))
    (clone / "app").mkdir()
    with pytest.raises(ProjectError, match="git cannot tell when") as caught:
        clock.of(clone / "app", {})
    assert "SOURCE_DATE_EPOCH" in caught.value.hint
    assert not ran.exists()


@pytest.mark.parametrize(
    "variables",
    [{"GIT_DIR": "{other}/.git"}, {"GIT_DIR": ".git", "GIT_WORK_TREE": "."}, {"GIT_INDEX_FILE": "x"}],
)
def test_what_a_hook_has_set_is_of_another_repository(
    variables: Mapping[str, str], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    run(["git", "init", "-q", other])
    git(other, "commit", "-q", "--allow-empty", "-m", "x", GIT_COMMITTER_DATE="@1500000000 +0000")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(other=other))
    assert clock.of(repository / "app", {}) == FIRST


def test_what_was_replaced_here_alone_does_not_count(repository: Path) -> None:
    git(repository, "replace", "HEAD", "HEAD^")
    assert clock.of(repository, {}) == SECOND


def _none(folder: Path) -> None:
    """No repository."""


def _empty(folder: Path) -> None:
    run(["git", "init", "-q", folder])


def _untracked(folder: Path) -> None:
    run(["git", "init", "-q", folder.parent])
    git(folder.parent, "commit", "-q", "--allow-empty", "-m", "x")


@pytest.mark.parametrize("make", [_none, _empty, _untracked])
def test_without_a_commit_it_is_the_newest_file(make: Callable[[Path], None], tmp_path: Path) -> None:
    folder = tmp_path / "above" / "project"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text("x")
    os.utime(folder / "app.py", (FIRST, FIRST))
    make(folder)
    assert clock.of(folder, {}) == FIRST


def test_a_work_tree_whose_repository_is_elsewhere(repository: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", str(tree), "--detach")
    assert clock.of(tree, {}) == SECOND
    shutil.rmtree(repository / ".git/worktrees")
    with pytest.raises(
        ProjectError, match=r"git cannot tell when .*tree was last changed.*not a git repository"
    ):
        clock.of(tree, {})


def test_where_git_is_missing(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(program: str) -> str:
        raise MachineError(f"no {program}")

    monkeypatch.setattr(clock, "find", find)
    with pytest.raises(
        MachineError,
        match=(
            r"is in a git repository, but the program 'git' is not on this machine\. The package would "
            r"not have the time of its last commit\."
        ),
    ) as caught:
        clock.of(repository / "app", {})
    assert "sudo apt install git" in caught.value.hint
    assert clock.of(repository / "app", {"SOURCE_DATE_EPOCH": "7"}) == 7
    (tmp_path / "plain").mkdir()
    assert clock.of(tmp_path / "plain", {}) == 0
