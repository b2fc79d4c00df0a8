from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from debonair.errors import MachineError, ProjectError
from debonair.host import clock
from debonair.host.run import Completed


def git(monkeypatch: pytest.MonkeyPatch, stdout: str, status: int = 0, stderr: str = "") -> list[str]:
    seen: list[str] = []

    def run(
        argv: Sequence[str | Path], *, check: bool, env: Mapping[str, str], timeout: float
    ) -> Completed:
        assert not check
        assert env["LC_ALL"] == "C", "what it says is read"
        seen.extend(map(str, argv))
        return Completed(status, stdout, stderr)

    monkeypatch.setattr(clock, "run", run)
    monkeypatch.setattr(clock, "find", lambda program: f"/usr/bin/{program}")
    return seen


def touch(path: Path, time: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time, time))


def test_source_date_epoch_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = git(monkeypatch, "1600000000 HEAD -> main, origin/main\n")
    assert clock.of(tmp_path, {"SOURCE_DATE_EPOCH": "1700000000"}) == 1_700_000_000
    assert seen == []
    assert clock.of(tmp_path, {"SOURCE_DATE_EPOCH": "0"}) == 0
    assert clock.of(tmp_path, {"SOURCE_DATE_EPOCH": "253402300799"}) == 253_402_300_799


@pytest.mark.parametrize("given", ["now", "-1", "1.5", "\u0661", "1 ", "253402300800", "9" * 5000])
def test_source_date_epoch_that_is_none(given: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="SOURCE_DATE_EPOCH is") as caught:
        clock.of(tmp_path, {"SOURCE_DATE_EPOCH": given})
    assert "date +%s" in caught.value.hint


def test_then_the_last_commit_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "x", 1_500_000_000)
    seen = git(monkeypatch, "1600000000 HEAD -> main, origin/main\n")
    assert clock.of(tmp_path, {"SOURCE_DATE_EPOCH": ""}) == 1_600_000_000
    assert seen[0] == "env"
    assert seen[seen.index("/usr/bin/git") :][:3] == ["/usr/bin/git", "-C", str(tmp_path)]
    assert seen[-6:] == ["log", "-1", "--no-show-signature", "--format=%ct %D", "--", "."]


@pytest.mark.parametrize(
    ("stderr", "status"),
    [
        ("", 0),
        ("fatal: not a git repository (or any of the parent directories): .git", 128),
        ("fatal: your current branch 'main' does not have any commits yet", 128),
    ],
)
def test_then_the_newest_file(
    stderr: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(monkeypatch, "", status, stderr)
    for name, time in (
        ("a/b/new.py", 1_400_000_000),
        ("old.py", 1_300_000_000),
        (".git/x", 1_900_000_000),
        (".env", 1_900_000_000),
        ("dist/x.deb", 1_900_000_000),
        ("build/x", 1_900_000_000),
        ("a/__pycache__/x.pyc", 1_900_000_000),
    ):
        touch(tmp_path / name, time)
    (tmp_path / "a/link").symlink_to("b/new.py")
    os.utime(tmp_path / "a/link", (1_450_000_000, 1_450_000_000), follow_symlinks=False)
    assert clock.of(tmp_path, {}) == 1_450_000_000


@pytest.mark.parametrize("line", ["gpg: Signature made", "16000000001600000000", "-1", "\u0661"])
def test_a_git_that_says_something_else(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(monkeypatch, f"{line}\n1600000000 HEAD\n")
    with pytest.raises(ProjectError, match="instead of the time of the last commit in"):
        clock.of(tmp_path, {})


def test_a_lock_that_the_build_writes_changes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(monkeypatch, "")
    touch(tmp_path / "app.py", 1_400_000_000)
    touch(tmp_path / "pylock.build-cffi.toml", 1_500_000_000)
    assert clock.of(tmp_path, {}) == 1_400_000_000


def test_where_there_is_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(program: str) -> str:
        raise MachineError(f"no {program}")

    monkeypatch.setattr(clock, "find", find)
    assert clock.of(tmp_path, {}) == 0
    touch(tmp_path / "x", 1_400_000_000)
    assert clock.of(tmp_path, {}) == 1_400_000_000


def test_now_is_the_clock_unless_a_time_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.9)
    assert clock.now({}) == 1_800_000_000
    assert clock.now({"SOURCE_DATE_EPOCH": "7"}) == 7
    with pytest.raises(ProjectError, match="is not a number of seconds"):
        clock.now({"SOURCE_DATE_EPOCH": "soon"})


def test_what_was_published_carries_its_newest_time() -> None:
    assert clock.published([3, 9, 7], {}) == 9
    assert clock.published([], {}) == clock.OLDEST
    assert clock.published([3], {"SOURCE_DATE_EPOCH": "0"}) == 0
