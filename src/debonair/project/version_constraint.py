"""A version constraint of poetry or pipenv, as a specifier (PEP 440)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_MAX_DIGITS = 20
_MAX_SERIES = 50
"""The highest number of a series of versions that is left out between two alternatives."""
_Numbers = tuple[int, ...]


def specifier(constraint: str) -> str:
    """Convert ``constraint`` to a specifier: ``^1.2`` to ``>=1.2,<2``, ``^1 || ^3`` to ``>=1,<4,!=2.*``.

    A specifier cannot express all alternatives. The last one counts if it does not express these. Raises
    ``ValueError`` with the part of ``constraint`` that is not a version.
    """
    either = [_all(one) for one in re.split(r"\|\|?", constraint)]
    if not all(either):  # any version is allowed
        return ""
    return ",".join(_union(either) if len(either) > 1 else either[0])


def _all(constraint: str) -> list[str]:
    """Return the specifiers of ``constraint``, which has no alternatives."""
    parts = list[str]()
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", " ".join(constraint.split())):
        numbers = re.findall(r"[0-9]+", part.partition("-")[0])
        if part in {"*", ""}:
            continue
        if any(len(number) > _MAX_DIGITS for number in numbers) or not (numbers or part.endswith("*")):
            raise ValueError(part)
        if part.startswith("^"):
            kept = next((place for place, number in enumerate(numbers) if number != "0"), len(numbers) - 1)
            parts += [f">={part[1:].strip()}", f"<{_next(numbers, kept)}"]
        elif part.startswith("~") and not part.startswith("~="):
            parts += [f">={part[1:].strip()}", f"<{_next(numbers, min(1, len(numbers) - 1))}"]
        elif part[0].isdigit():
            parts.append(f"=={part}")
        else:
            parts.append(part.replace(" ", ""))
    return parts


def _next(numbers: Sequence[str], place: int) -> str:
    return ".".join([*numbers[:place], str(int(numbers[place]) + 1)])


def _union(either: Sequence[list[str]]) -> list[str]:
    """Return the specifiers that allow the versions of every alternative, or those of the last one."""
    bounds = [_bounds(parts) for parts in either]
    ranges = sorted(found for found in bounds if found)
    if len(ranges) < len(bounds):
        return either[-1]
    (low, high), *more = ranges
    gaps = list[str]()
    for begin, end in more:
        if high and begin > high:
            series = list(_series(high, begin))
            if not series:
                return either[-1]
            gaps += series
        high = () if not high or not end else max(high, end)
    return [f">={_text(low)}", *([f"<{_text(high)}"] if high else []), *gaps]


def _bounds(parts: Sequence[str]) -> tuple[_Numbers, _Numbers] | None:
    """Return the first version that ``parts`` allow, and the first later one that they do not.

    The latter is empty if there is none. Return None if ``parts`` are not a range of plain versions.
    """
    text = ",".join(parts)
    if found := re.fullmatch(r"==(\d+(?:\.\d+)*)\.\*", text):
        series = found[1].split(".")
        return _numbers(found[1]), _numbers(_next(series, len(series) - 1))
    found = re.fullmatch(r">=(\d+(?:\.\d+)*)(?:,<(\d+(?:\.\d+)*))?", text)
    return (_numbers(found[1]), _numbers(found[2]) if found[2] else ()) if found else None


def _series(begin: _Numbers, end: _Numbers) -> Iterator[str]:
    """Yield the specifiers that leave out the versions from ``begin`` up to ``end``, if possible."""
    first = len(begin) - 1
    end += (0,) * (len(begin) - len(end))
    if begin[:-1] != end[:first] or max(end[first:]) > _MAX_SERIES:
        return
    for place in range(first, len(end)):
        for number in range(begin[-1] if place == first else 0, end[place]):
            yield f"!={_text((*end[:place], number))}.*"


def _numbers(text: str) -> _Numbers:
    """Return the parts of a version without zeros at its end, so that 2.0 equals 2."""
    return tuple(int(part) for part in re.sub(r"(\.0+)+$", "", text).split("."))


def _text(numbers: _Numbers) -> str:
    return ".".join(map(str, numbers))
