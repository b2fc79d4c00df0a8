from __future__ import annotations

import pytest

from debonair.errors import RepositoryError
from debonair.repository import channel
from debonair.repository.channel import Line

WHERE = "hello (amd64) in trixie"
FACTS = "f" * 64


def published(*versions: str, percent: int = 100) -> Line:
    line = None
    for at, version in enumerate(versions):
        share = percent if version == versions[-1] else 100
        line = channel.publish(
            line, version, f"sum of {version}", FACTS, now=at, percent=share, where=WHERE
        )
    assert line is not None
    return line


def offered(line: Line) -> list[str]:
    return [entry.version for entry in line.listed]


class TestPublish:
    def test_the_newest_takes_the_place_of_the_one_before(self) -> None:
        line = published("1.0", "1.1")
        assert offered(line) == ["1.1"]
        assert [entry.unlisted for entry in line.entries] == [1, None]

    def test_the_same_bytes_again_are_nothing_new(self) -> None:
        line = published("1.0")
        assert channel.publish(line, "1.0", "sum of 1.0", FACTS, now=9, percent=100, where=WHERE) is line

    @pytest.mark.parametrize(
        ("version", "deb", "message"),
        [
            (
                "1.1",
                "other",
                (
                    "hello (amd64) in trixie already has version 1.1, with other bytes. Published versions "
                    "never change."
                ),
            ),
            ("1.0~rc1", "x", "already had version 1.1, and 1.0~rc1 is not higher"),
            ("1.0.5", "x", "already had version 1.1"),
            ("1.0", "other", "with other bytes"),
        ],
    )
    def test_refused(self, version: str, deb: str, message: str) -> None:
        with pytest.raises(RepositoryError) as refused:
            channel.publish(published("1.0", "1.1"), version, deb, FACTS, now=9, percent=100, where=WHERE)
        assert message in refused.value.message
        assert refused.value.hint

    def test_what_was_rolled_back_is_not_published_again(self) -> None:
        line = channel.rollback(published("1.0", "1.1"), "1.0", now=5, where=WHERE)
        with pytest.raises(RepositoryError, match="was rolled back"):
            channel.publish(line, "1.1", "sum of 1.1", FACTS, now=6, percent=100, where=WHERE)
        with pytest.raises(RepositoryError, match=r"already had version 1\.1"):
            channel.publish(line, "1.0.1", "x", FACTS, now=6, percent=100, where=WHERE)
        assert offered(channel.publish(line, "1.2", "x", FACTS, now=6, percent=100, where=WHERE)) == ["1.2"]


class TestRollout:
    def test_beside_the_version_that_all_may_have(self) -> None:
        line = published("0.9", "1.0", "1.1", percent=10)
        assert offered(line) == ["1.1", "1.0"]
        assert [entry.unlisted for entry in line.entries] == [1, None, None]
        line = channel.rollout(line, "1.1", percent=100, halted=False, now=7, where=WHERE)
        assert offered(line) == ["1.1"]
        assert [entry.unlisted for entry in line.entries] == [1, 7, None]

    def test_halted_it_stands_alone(self) -> None:
        line = channel.rollout(
            published("1.0", "1.1", percent=10), "1.1", percent=10, halted=True, now=7, where=WHERE
        )
        assert offered(line) == ["1.1"]
        again = channel.rollout(line, "1.1", percent=20, halted=False, now=8, where=WHERE)
        assert offered(again) == ["1.1", "1.0"]
        assert [entry.unlisted for entry in again.entries] == [None, None]

    @pytest.mark.parametrize("version", ["1.0", "7"])
    def test_what_is_not_offered(self, version: str) -> None:
        with pytest.raises(RepositoryError, match=f"does not offer version {version}"):
            channel.rollout(published("1.0", "1.1"), version, percent=1, halted=False, now=7, where=WHERE)


class TestRollback:
    def test_and_forth(self) -> None:
        line = channel.rollback(published("1.0", "1.1", "1.2"), "1.0", now=5, where=WHERE)
        assert offered(line) == ["1.0"]
        assert channel.previous(line) is None
        line = channel.rollback(line, "1.2", now=6, where=WHERE)
        assert offered(line) == ["1.2"]
        assert channel.previous(line) == "1.0", "1.1 was not taken up again"

    def test_of_a_rollout(self) -> None:
        line = published("1.0", "1.1", percent=10)
        assert channel.previous(line) == "1.0"
        assert offered(channel.rollback(line, "1.0", now=5, where=WHERE)) == ["1.0"]

    def test_to_what_is_not_there(self) -> None:
        with pytest.raises(RepositoryError, match=r"cannot return to version 0\.9; it has 1\.0, 1\.1\."):
            channel.rollback(published("1.0", "1.1"), "0.9", now=5, where=WHERE)


class TestPrune:
    def test_what_was_offered_lately_stays(self) -> None:
        line = published("1", "2", "3", "4", "5")  # unlisted at 1, 2, 3, 4
        kept, gone = channel.prune(line, keep=1, before=3)
        assert [entry.version for entry in gone] == ["1", "2"]
        assert [entry.version for entry in kept.entries] == ["3", "4", "5"]
        assert kept.highest == "5"

    def test_the_newest_stay(self) -> None:
        line = published("1", "2", "3", "4", "5")
        assert [entry.version for entry in channel.prune(line, keep=3, before=99)[1]] == ["1", "2"]
        assert [entry.version for entry in channel.prune(line, keep=0, before=99)[0].entries] == ["5"]
