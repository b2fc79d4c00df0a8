"""What a library needs of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from debonair import target
from debonair.debian.apt import Suite
from debonair.debian.mirror import Mirror
from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.source.library import needs
from debonair.source.library.needs import Distributions

TRIXIE = target.load("trixie-arm64")


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Distributions:
    """A suite of four distributions."""
    listed = {
        "PyYAML": ("python3-yaml", "6.0.2"),
        "smbus2": ("python3-smbus2", "0.4.3"),
        "numpy": ("python3-numpy", "2.2.4"),
        "odd": ("python3-odd", "of today"),
    }
    versions = {"python3-yaml": "6.0.2-1+b2", "python3-smbus2": "0.4.3-1", "python3-numpy": "1:2.2.4+ds-1"}

    def known(_: Suite, packages: Sequence[str]) -> dict[str, str]:
        return {name: versions[name] for name in packages if name in versions}

    monkeypatch.setattr(needs, "mirror", lambda _: Mirror("http://mirror.test/debian"))
    monkeypatch.setattr(Suite, "distributions", lambda _: listed)
    monkeypatch.setattr(Suite, "versions", known)
    return Distributions(TRIXIE, Cache(tmp_path), {})


def test_a_name_is_found_however_it_is_written(offered: Distributions) -> None:
    (need,) = needs.of(["pyyaml>=5"], TRIXIE, offered, "x")
    assert need.met
    assert need.shipped is not None
    assert need.shipped.package == "python3-yaml"


def test_what_is_not_met_says_what_the_suite_has(offered: Distributions) -> None:
    found = needs.of(["smbus2>=0.5", "nowhere", "odd"], TRIXIE, offered, "x")
    assert [str(need) for need in found if not need.met] == [
        "nowhere (the suite does not have it)",
        "odd (the suite does not have it)",
        "smbus2>=0.5 (the suite has 0.4.3)",
    ]


def test_markers_are_the_targets_and_extras_are_not_wanted(offered: Distributions) -> None:
    asked = [
        'numpy; platform_machine == "aarch64"',
        'smbus2; sys_platform == "win32"',
        'pyyaml; extra == "all"',
        'odd; python_version < "3.12"',
    ]
    assert [need.name for need in needs.of(asked, TRIXIE, offered, "x")] == ["numpy"]


def test_depends_have_the_bounds_back_and_the_suites_epoch(offered: Distributions) -> None:
    found = needs.of(["numpy>=1.24,<3", "smbus2>=0.5", "PyYAML"], TRIXIE, offered, "x")
    assert needs.depends(found, {"smbus2": "python3-smbus2"}, offered) == [
        "python3-numpy (<< 1:3~)",
        "python3-numpy (>= 1:1.24)",
        "python3-yaml",
        "python3-smbus2 (>= 0.5)",
    ]


def test_what_cannot_be_required(offered: Distributions) -> None:
    with pytest.raises(
        WheelError, match=r"x 1.0 requires 'a b', which is not a valid requirement \(PEP 508\)."
    ):
        needs.of(["a b"], TRIXIE, offered, "x 1.0")
