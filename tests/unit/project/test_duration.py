from __future__ import annotations

import pytest

from debonair.project import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("30 sec", 30), ("15min", 900), ("2m", 120), ("2h", 7200), ("1d", 86400)],
)
def test_a_time_and_its_unit(text: str, seconds: int) -> None:
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "min", "0s", "-1s", "1.5h", "1 fortnight", "1h 30min", "1h\n"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration.seconds(text)
