from __future__ import annotations

from pathlib import Path

import pytest

from debonair import target
from debonair.debian import shared_libraries
from debonair.debian.apt import Suite
from debonair.debian.mirror import Mirror
from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.target.elf import Elf

TRIXIE = target.load("trixie-arm64")


def part(*needed: str) -> dict[str, list[Elf]]:
    return {"thing 1.0": [Elf(path="usr/lib/x.so", machine="EM_AARCH64", bits=64, needed=needed)]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The suites that were asked."""
    found: list[str] = []

    def answer(suite: Suite) -> dict[str, str]:
        found.append(f"{suite.name} {suite.architecture}")
        return {"libssl.so.3": "libssl3t64", "libffi.so.8": "libffi8"}

    monkeypatch.setattr(Suite, "libraries", answer)
    monkeypatch.setattr(shared_libraries, "mirror", lambda _: Mirror("http://m.test/debian"))
    return found


def depends(tmp_path: Path, *needed: str, carried: tuple[str, ...] = ()) -> tuple[str, ...]:
    return shared_libraries.depends(part(*needed), carried, TRIXIE, cache=Cache(tmp_path), environ={})


def test_what_every_suite_has_is_known(tmp_path: Path, asked: list[str]) -> None:
    assert depends(tmp_path, "libstdc++.so.6", "libgcc_s.so.1") == ("libgcc-s1", "libstdc++6")
    assert asked == []


def test_what_the_package_carries_is_not_looked_for(tmp_path: Path, asked: list[str]) -> None:
    assert depends(tmp_path, "libfoo-1a2b.so.1", carried=("libfoo-1a2b.so.1",)) == ()
    assert asked == []


def test_the_suite_is_asked_once(tmp_path: Path, asked: list[str]) -> None:
    assert depends(tmp_path, "libssl.so.3", "libffi.so.8") == ("libffi8", "libssl3t64")
    assert depends(tmp_path, "libssl.so.3") == ("libssl3t64",)
    assert asked == ["trixie arm64"]


def test_what_no_package_has_is_an_error(tmp_path: Path, asked: list[str]) -> None:
    with pytest.raises(WheelError) as refused:
        depends(tmp_path, "libssl.so.3", "libssl.so.1.1")
    assert refused.value.message == (
        "No package of trixie (arm64) provides these libraries:\n"
        "  thing 1.0: /usr/lib/x.so needs libssl.so.1.1"
    )
    assert (
        "Lock another version, or one that includes its libraries; or remove the target from 'targets'."
        in refused.value.hint
    )
    assert asked == ["trixie arm64"]


def test_what_only_other_boards_run_may_lack_a_library(tmp_path: Path, asked: list[str]) -> None:
    parts = part("libssl.so.3", "libgpiod.so.1")
    paths = {file.path for files in parts.values() for file in files}
    for _ in range(2):
        assert shared_libraries.depends(
            parts, (), TRIXIE, cache=Cache(tmp_path), environ={}, optional=paths
        ) == ("libssl3t64",)
    assert len(asked) == 1


def test_a_damaged_list_is_asked_for_anew(tmp_path: Path, asked: list[str]) -> None:
    depends(tmp_path, "libssl.so.3")
    (tmp_path / "locks/trixie-arm64.libraries").write_bytes(b"{")
    assert depends(tmp_path, "libssl.so.3") == ("libssl3t64",)
    assert len(asked) == 2
