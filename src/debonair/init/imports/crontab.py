"""Convert the times of a crontab(5) to the calendar of systemd.time(7)."""

from __future__ import annotations

import itertools
import re

_NAMED = {
    "@hourly": "hourly", "@daily": "daily", "@midnight": "daily", "@weekly": "weekly",
    "@monthly": "monthly", "@yearly": "yearly", "@annually": "yearly",
}  # fmt: skip
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_PART = re.compile(r"(?P<first>\*|[0-9]{1,2})(?:-(?P<last>[0-9]{1,2}))?(?:/(?P<step>[0-9]{1,2}))?")


def split(line: str) -> tuple[str, str]:
    """Split a line of a crontab into the calendar and the command; both are empty if it is no such line.

    If systemd cannot express the times, only the calendar is empty. If both days are given, cron runs the
    command on the day of the month *or* of the week.
    """
    words = line.split(maxsplit=1)
    if len(words) > 1 and words[0] in _NAMED:
        return _NAMED[words[0]], words[1]
    *fields, command = line.split(maxsplit=5) or [""]
    if len(fields) != len(_LIMITS) or not all(re.fullmatch(r"[\w*/,-]+", field) for field in fields):
        return "", ""
    found = [_values(field.lower(), *limits) for field, limits in zip(fields, _LIMITS, strict=True)]
    if any(values is None for values in found):
        return "", ""
    if fields[2] != "*" and fields[4] != "*":
        return "", command
    minute, hour, day, month = (
        _text(values, limits) for values, limits in zip(found[:4], _LIMITS[:4], strict=True)
    )
    days = sorted({value % 7 for value in found[4] or ()})
    week = "" if len(days) == len(_DAYS) else ",".join(_DAYS[value] for value in days) + " "
    return f"{week}*-{month}-{day} {hour}:{minute}:00", command


def _values(field: str, lowest: int, highest: int) -> list[int] | None:
    """Return the numbers that a field of a crontab stands for; ``None`` if it has another form."""
    names = {12: _MONTHS, 7: _DAYS}.get(highest, ())
    for number, name in enumerate(names, lowest):
        field = field.replace(name.lower(), str(number))
    found = set[int]()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match:
            return None
        first = lowest if match["first"] == "*" else int(match["first"])
        single = not match["step"] and match["first"] != "*"
        last = int(match["last"]) if match["last"] else first if single else highest
        step = int(match["step"] or 1)
        if not (lowest <= first <= last <= highest and step):
            return None
        found |= set(range(first, last + 1, step))
    return sorted(found)


def _text(values: list[int] | None, limits: tuple[int, int]) -> str:
    lowest, highest = limits
    values = values or []
    if len(values) == highest - lowest + 1:
        return "*"
    steps = {later - earlier for earlier, later in itertools.pairwise(values)}
    if len(values) > 2 and len(steps) == 1:
        step = steps.pop()
        if values[-1] + step > highest:
            return f"{values[0]:02}/{step}"
    return ",".join(f"{value:02}" for value in values)
