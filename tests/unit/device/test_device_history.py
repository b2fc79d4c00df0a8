"""Which release a rollback means: an older one than the served one, or the one that is named."""

from __future__ import annotations

from pathlib import Path

import call
import history
import pi
import pytest
from release import Home

from debonair.deb.version import order


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A machine whose dpkg compares versions."""

    def compare(program: str, option: str, one: str, operator: str, other: str) -> tuple[int, str]:
        assert (program, option, operator) == ("dpkg", "--compare-versions", "lt")
        return int(not order(one) < order(other)), ""

    monkeypatch.setattr(call, "call", compare)
    return pi.home(tmp_path)


def back(home: Home, name: str = "") -> str:
    """Serve what a rollback to ``name`` means, and return its version."""
    release = history.earlier(home, name)
    home.point(release)
    return release.version


def test_a_rollback_goes_further_back_and_never_forward(home: Home) -> None:
    for version in ("1.9", "1.10", "1.11"):
        pi.serve(home, version)
    assert back(home) == "1.10"
    assert back(home) == "1.9"
    with pytest.raises(LookupError) as refused:
        back(home)
    assert str(refused.value).startswith(
        "nothing older than 1.9 is kept on this machine (the package keeps 2 releases); newer: 1.10, 1.11: "
    )
    assert str(refused.value).endswith("guestbook rollback VERSION")


def test_the_release_that_was_served_last_comes_before_one_that_was_bad(home: Home) -> None:
    """1.2 and 1.1 were left because they were bad, so 1.3 was installed over 1.0."""
    for version in ("1.0", "1.1", "1.2"):
        pi.serve(home, version)
    assert [back(home), back(home)] == ["1.1", "1.0"]
    pi.serve(home, "1.3")
    assert back(home) == "1.0"


def test_a_downgrade_is_no_way_forward(home: Home) -> None:
    pi.serve(home, "1.0")
    pi.serve(home, "1.1")
    pi.serve(home, "1.0")
    with pytest.raises(LookupError, match=r"nothing older than 1\.0 is kept"):
        back(home)


def test_of_one_version_the_bytes_that_were_installed_first_are_older(home: Home) -> None:
    first, second, third = (pi.serve(home, "1.0", host=host) for host in ("a", "b", "c"))
    for expected in (second, first):
        assert history.earlier(home, "") == expected
        home.point(expected)
    with pytest.raises(LookupError, match=r"nothing older than 1\.0 is kept"):
        history.earlier(home, "")
    assert history.earlier(home, third.name) == third


def test_an_earlier_program_reads_the_number_of_the_last_switch(home: Home) -> None:
    release = pi.serve(home, "1.0")
    pi.serve(home, "1.1")
    home.point(release)
    assert (release.switched[0], release.first_switch) == (3, 1)
    assert int((release.folder / ".served").read_text()[:20]) == 3
    (release.folder / ".served").write_text("7\n")  # an earlier program wrote it
    assert (release.switched[0], release.first_switch) == (7, 7)
    (release.folder / ".served").write_text("")
    assert (release.switched[0], release.first_switch) == (0, 0)
    (release.folder / ".served").write_text(f"{4:<20}broken\n")
    assert (release.switched[0], release.first_switch) == (4, 4)


@pytest.mark.parametrize(
    "name", ["1.0", "1.0-1", "1.0-1+deb13", "2:1.0", "2:1.0-1", "2:1.0-1+deb13", "2_1.0-1+deb13.HASH"]
)
def test_a_version_may_be_short(home: Home, name: str) -> None:
    release = pi.serve(home, "2:1.0-1+deb13")
    pi.serve(home, "2:1.0.1-1+deb13")
    assert history.earlier(home, name.replace("HASH", release.name.rpartition(".")[2])) == release


@pytest.mark.parametrize("name", ["1", "1.", "1.0-", "0-1", "1.0-1+deb", "deb13"])
def test_a_part_of_a_version_is_none(home: Home, name: str) -> None:
    pi.serve(home, "1.0-1+deb13")
    pi.serve(home, "1.1-1+deb13")
    with pytest.raises(LookupError) as refused:
        history.earlier(home, name)
    assert refused.value.args == (f"there is no release {name} on this machine; there are: 1.0-1+deb13",)


def test_the_package_that_is_installed_says_how_many_are_kept(home: Home) -> None:
    pi.serve(home, "1.0", keep_releases=1)
    pi.unpack(home, "1.1", keep_releases=3)
    with pytest.raises(LookupError, match=r"\(the package keeps 3 releases\)"):
        history.earlier(home, "")


def test_a_short_version_may_mean_two(home: Home) -> None:
    for version in ("1.0-1+deb12", "1.0-1+deb13", "1.1-1+deb13"):
        pi.serve(home, version)
    with pytest.raises(LookupError) as refused:
        history.earlier(home, "1.0")
    assert refused.value.args == ("1.0 may mean 1.0-1+deb13 or 1.0-1+deb12: type one of them",)
    assert history.earlier(home, "1.0-1+deb12").version == "1.0-1+deb12"


def test_the_served_one_is_said_to_be_served(home: Home) -> None:
    pi.serve(home, "1.0-1+deb13")
    pi.serve(home, "1.1-1+deb13")
    with pytest.raises(LookupError) as refused:
        history.earlier(home, "1.1")
    assert refused.value.args == ("1.1-1+deb13 is served already; there are: 1.0-1+deb13",)


def test_without_a_served_one_the_last_is_meant(home: Home) -> None:
    with pytest.raises(LookupError, match="no release is kept on this machine"):
        history.earlier(home, "")
    pi.serve(home, "1.0")
    home.current.unlink()
    assert history.earlier(home, "").version == "1.0"
