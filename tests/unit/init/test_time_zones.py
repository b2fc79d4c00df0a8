from __future__ import annotations

from pathlib import Path

import pytest

from debonair.init.discovery import programs, time_zones
from debonair.init.discovery.code import modules
from debonair.project.catalogue import LEGACY_ZONES


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (
            "import os\nTIME_ZONE = 'Canada/Newfoundland'\n",
            "app.py:2 names the time zone Canada/Newfoundland",
        ),
        ("z = dict(tz='Asia/Calcutta')\n", "app.py:1 names the time zone Asia/Calcutta"),
        ("TIMEZONE = 'Japan'\n", "app.py:1 names the time zone Japan"),
        ("tz = zoneinfo.ZoneInfo('GB')\n", "app.py:1 names the time zone GB"),
        ("TIME_ZONE = 'Europe/Berlin'\nCOUNTRY = 'Japan'\nprint('EST')\n", ""),
    ],
)
def test_old_names_need_a_package(text: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(text)
    code, _ = modules(tmp_path)
    assert time_zones.legacy(code) == ({LEGACY_ZONES: where} if where else {})
    assert [(each.value, each.where) for each in programs.added([], code, set())] == (
        [([LEGACY_ZONES], where)] if where else []
    )
