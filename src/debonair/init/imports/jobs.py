"""Convert commands that ran beside an app to settings: workers, and timers with a calendar."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MANY = 50
"""The most workers and timers to import."""
_LONGEST = 40
_STARTERS = re.compile(r"exec|env|flask|manage|nice|python[\d.]*|run|sh|bash")
_BEGIN = r"(?:(?<!\S)|(?<=exec:)|(?<=cmd=))"
_VENV = re.compile(rf"{_BEGIN}[^\s:=]*/?(?<![\w.])(?:\.?v?env[\w.-]*|\.?virtualenvs?/[\w.-]+)/bin/(?=\w)")
_KNOWN = re.compile(rf"{_BEGIN}/\S*/bin/(?=(?:python|celery|flask|rq|huey|gunicorn|alembic)\S*)")
_VERSION = re.compile(rf"{_BEGIN}python(?:2(?:\.\d+)?|3\.\d+)(?!\S)")
_PACKAGES = {
    "redis-server": "redis-server", "memcached": "memcached", "mosquitto": "mosquitto", "node": "nodejs",
    "npm": "npm", "ffmpeg": "ffmpeg", "rabbitmq-server": "rabbitmq-server", "pigpiod": "pigpio",
    "beanstalkd": "beanstalkd", "motion": "motion", "rclone": "rclone", "socat": "socat",
}  # fmt: skip
"""Programs that often run beside an app, and the Debian package of each."""


def command(text: str) -> str:
    """Return a command line without the virtual environment of the machine that it was written for."""
    text = _KNOWN.sub("", _VENV.sub("", text.strip()))
    return _VERSION.sub("python", text)


def package(text: str) -> str:
    """Return the Debian package of the program that a command line starts; empty if it is not known."""
    words = (word for word in text.split() if "=" not in word and word not in {"exec", "nice"})
    folder, program = posixpath.split(next(words, ""))
    return _PACKAGES.get(program, "") if folder in {"", "/bin", "/usr/bin", "/usr/sbin"} else ""


def name(text: str, taken: Collection[str]) -> str:
    """Return a name for a command line, not in ``taken``, that a systemd unit can have."""
    words = [
        re.sub(r"\.(py|sh)$", "", posixpath.basename(word))
        for word in text.split()
        if not word.startswith("-")
    ]
    words = [word for word in words if not _STARTERS.fullmatch(word.lower()) and "=" not in word]
    slug = re.sub(r"[^a-z0-9]+", "-", (words or ["job"])[0].lower()).strip("-") or "job"
    slug = slug[:_LONGEST].rstrip("-")
    numbered = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
    return next(found for found in (slug, *numbered) if found not in taken)


def calendar(fields: list[str]) -> str:
    """Convert the five numbers of a uWSGI cron to the syntax of systemd.time(7).

    They are minute, hour, day, month and day of the week; -1 means any, and -5 every fifth. The result is
    empty if a calendar cannot express them: uWSGI takes a day of the month *or* one of the week.
    """
    try:
        minute, hour, day, month, weekday = map(int, fields)
    except ValueError:
        return ""
    if weekday < -1 or weekday > 7 or (weekday >= 0 and day != -1):
        return ""
    date = f"*-{_field(month, 1)}-{_field(day, 1)}"
    days = f"{_DAYS[weekday]} " if weekday >= 0 else ""
    return f"{days}{date} {_field(hour, 0)}:{_field(minute, 0)}:00"


def _field(number: int, first: int) -> str:
    if number == -1:
        return "*"
    return f"{number:02}" if number >= 0 else f"{first:02}/{-number}"
