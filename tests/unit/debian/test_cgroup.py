from __future__ import annotations

from pathlib import Path

import pytest

from debonair.debian.rootfs import cgroup


def place(tmp_path: Path, *, path: str, mounted: str) -> tuple[Path, Path]:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cgroup").write_text(f"4:memory:/elsewhere\n0::/{path}\n")
    mounts = tmp_path / "cgroup"
    (mounts / mounted / path).mkdir(parents=True)
    return mounts, tmp_path / "proc"


@pytest.mark.parametrize("path", ["", "user.slice/session-1.scope"])
@pytest.mark.parametrize("mounted", ["", "unified"])
def test_it_is_below_this_process_s_own_and_goes(tmp_path: Path, path: str, mounted: str) -> None:
    mounts, proc = place(tmp_path, path=path, mounted=mounted)
    with cgroup.create("it", mounts=mounts, proc=proc) as group:
        assert group == mounts / mounted / path / "it"
        assert group.is_dir()
        (group / "payload" / "init.scope").mkdir(parents=True)
        (mounts / "systemd" / path / "it" / "payload").mkdir(parents=True)
    assert not group.exists()
    assert not (mounts / "systemd" / path / "it").exists()


def test_where_none_may_be_made_it_is_this_process_s_own(tmp_path: Path) -> None:
    mounts, proc = place(tmp_path, path="mine", mounted="")
    (mounts / "mine" / "it").mkdir()
    with cgroup.create("it", mounts=mounts, proc=proc) as group:
        assert group == mounts / "mine"
    assert (mounts / "mine" / "it").is_dir()
